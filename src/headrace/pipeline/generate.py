"""Generated: the text, as a stream of deltas, from a quote, an abstention or a model. What was generated is metered here, at the
provider's edge: it is paid also when the client leaves or a guard stops it further on."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from headrace.core.errors import UpstreamFailed
from headrace.core.events import TextDelta, UsageReport
from headrace.core.flow import Generated
from headrace.core.values import FinishReason, Mode, Usage
from headrace.finops.price import price

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from headrace.core.flow import CleanQuote, Grounded, Reserved
    from headrace.core.ports import Bill
    from headrace.core.values import Money
    from headrace.pipeline.rooms import Rooms
    from headrace.routing.running import Running

ABSTENTION = "I did not find this in the sources that you may read."
LONGEST_TOKEN = 128
"""Characters. No vocabulary has longer ones; a model that writes more than its tokens could hold does not keep to what it was asked."""


def quoted(quotes: Sequence[CleanQuote]) -> Iterator[str]:
    """The text of an answer that quotes, a quote a piece."""
    for n, quote in enumerate(quotes, start=1):
        yield f"{'' if n == 1 else chr(10) * 2}{quote.text.text} [{n}]"


def run(reserved: Reserved, rooms: Rooms) -> Generation:
    """The answer's text; nothing is generated before it is asked for."""
    return Generation(reserved, rooms)


class Generation:
    """A stream of raw text and, once closed, the state it came to."""

    def __init__(self, reserved: Reserved, rooms: Rooms) -> None:
        self._reserved = reserved
        self._rooms = rooms
        grounded = reserved.routed.grounded
        self.mode = grounded.mode if grounded else Mode.GENERATE
        self._finish: FinishReason | None = None
        self._usage: Usage | None = None
        self._bill: Bill | None = None
        self._characters = 0
        self._pieces = 0
        self._first: int | None = None

    async def events(self) -> AsyncGenerator[TextDelta]:
        """Raises UpstreamFailed when the model fails, ends without saying so, or writes beyond all measure."""
        began = self._rooms.clock.monotonic()
        source = self._source()
        try:
            async for delta in source:
                if self._first is None:
                    self._first = int((self._rooms.clock.monotonic() - began) * 1_000_000)
                self._characters += len(delta.text)
                self._pieces += delta.pieces
                yield delta
        finally:
            await source.aclose()

    def state(self) -> Generated:
        """What has been generated so far; final once the stream is closed."""
        usage = self._usage
        if usage is None:
            # The model told nothing, or was broken off before it could: what was counted on the way in, and a token a piece out.
            counted = self._reserved.routed.deployment is not None and self._pieces
            usage = Usage(input=self._reserved.prompt_tokens or 0, output=self._pieces) if counted else Usage()
        if self._bill is not None:
            usage = replace(usage, slot_seconds=self._bill.seconds)
        return Generated(self.mode, self._finish, usage, self._usage is not None, self._characters, self._first)

    def usage(self) -> Usage:
        """What has been used so far."""
        return self.state().usage

    def cost(self, usage: Usage) -> Money:
        """What this usage costs on the deployment that answers; nothing where no model is needed."""
        deployment = self._reserved.routed.deployment
        prices = self._rooms.deployments[deployment].form.price if deployment else ()
        return price(usage, prices, self._rooms.workspace.root.currency)

    def _source(self) -> AsyncGenerator[TextDelta]:
        routed = self._reserved.routed
        if routed.grounded is not None and routed.deployment is None:
            return self._evidence(routed.grounded)
        return self._model(self._rooms.deployments[str(routed.deployment)])

    async def _evidence(self, grounded: Grounded) -> AsyncGenerator[TextDelta]:
        if grounded.mode is Mode.ABSTAIN:
            yield TextDelta(ABSTENTION)
        for text in quoted(grounded.quotes):
            yield TextDelta(text)
        self._finish = FinishReason.STOP

    async def _model(self, running: Running) -> AsyncGenerator[TextDelta]:
        call = self._reserved.routed.screened.call
        asked = call.sampling.temperature
        temperature = self._rooms.workspace.services[call.service].temperature if asked is None else asked
        sampling = replace(call.sampling, max_tokens=self._reserved.answer_tokens, temperature=temperature)
        metered: AbstractContextManager[Bill | None] = running.meter.answer() if running.meter else nullcontext()
        events = running.model.generate(self._reserved.routed.prompt, sampling)
        with metered as bill:
            self._bill = bill
            try:
                async for event in events:
                    if isinstance(event, TextDelta):
                        self._within_measure(len(event.text))
                        yield event
                    elif isinstance(event, UsageReport):
                        self._usage = event.usage
                    else:
                        self._finish = event.reason
            finally:
                await events.aclose()
        if self._finish is None:
            msg = "The model's answer broke off."
            raise UpstreamFailed(msg, code="upstream.truncated", mend="Ask again.")

    def _within_measure(self, more: int) -> None:
        if self._characters + more > LONGEST_TOKEN * (self._reserved.answer_tokens + LONGEST_TOKEN):
            msg = "The model writes more than it was asked for."
            raise UpstreamFailed(msg, code="upstream.too_much", mend="Its owner must look at the deployment.")
