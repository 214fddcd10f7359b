"""Reserved: the prompt fits, and a slot is held until the answer ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.core.errors import PromptTooLong
from headrace.core.flow import Reserved
from headrace.core.values import Usage
from headrace.finops.price import price

if TYPE_CHECKING:
    from contextlib import ExitStack

    from headrace.core.flow import Routed
    from headrace.core.values import Money
    from headrace.pipeline.rooms import Rooms
    from headrace.routing.running import Running


async def run(routed: Routed, rooms: Rooms, held: ExitStack) -> Reserved:
    """What is reserved stands in `held` and is given back when that closes.

    Raises PromptTooLong with the numbers, Overloaded when no slot comes free, UpstreamFailed when the engine is down.
    """
    if routed.deployment is None:
        return Reserved(routed, prompt_tokens=None, answer_tokens=0, context_tokens=None, waited_us=0, most=None)
    running = rooms.deployments[routed.deployment]
    began = rooms.clock.monotonic()
    await running.slots.take()
    held.callback(running.slots.give)
    waited = rooms.clock.monotonic() - began
    sampling = routed.screened.call.sampling
    prompt_tokens = await running.model.count(routed.prompt, sampling)
    service = rooms.workspace.services[routed.screened.call.service]
    answer_tokens = _answer_tokens(prompt_tokens, sampling.max_tokens, service.max_tokens, running.context)
    return Reserved(
        routed=routed,
        prompt_tokens=prompt_tokens,
        answer_tokens=answer_tokens,
        context_tokens=running.context,
        waited_us=round(waited * 1_000_000),
        most=_most(prompt_tokens, answer_tokens, running, rooms),
    )


async def embedder(routed: Routed, rooms: Rooms, held: ExitStack) -> Reserved:
    """The same for texts that become vectors: whether each fits is known when the model counts it. Raises Overloaded."""
    began = rooms.clock.monotonic()
    slots = rooms.embedders[str(routed.deployment)].slots
    await slots.take()
    held.callback(slots.give)
    waited = round((rooms.clock.monotonic() - began) * 1_000_000)
    return Reserved(routed, prompt_tokens=None, answer_tokens=0, context_tokens=None, waited_us=waited, most=None)


def _answer_tokens(prompt: int | None, asked: int | None, default: int, context: int | None) -> int:
    """What the client asked for must fit; the service's own default shrinks to what is left."""
    wanted = default if asked is None else asked
    if prompt is None or context is None:
        return wanted
    room = context - prompt
    if room < 1 or (asked is not None and asked > room):
        needed = f"The prompt takes {prompt} tokens" + (f" and max_tokens asks for {asked} more" if asked is not None and room >= 1 else "")
        msg = f"{needed}; the deployment's context holds {context} together."
        raise PromptTooLong(
            msg,
            param="messages",
            mend="Shorten the messages, or ask for fewer tokens." if asked is not None else "Shorten the messages.",
            facts={"prompt_tokens": prompt, "answer_tokens": asked, "context_tokens": context},
        )
    return min(wanted, room)


def _most(prompt: int | None, answer: int, running: Running, rooms: Rooms) -> Money | None:
    """The most that this can cost, where tokens are billed and the prompt was counted."""
    if running.meter is not None or prompt is None:
        return None
    return price(Usage(input=prompt, output=answer), running.form.price, rooms.workspace.root.currency)
