"""What the guards promise to the people in a conversation, along the whole line."""

from __future__ import annotations

import asyncio
import contextlib
import json
from types import MappingProxyType

from headrace.core.text import Action
from headrace.core.values import JsonSchema
from headrace.pipeline.rooms import ServiceRules
from headrace.pipeline.screen import LARGE
from tests.support.guards import key_block
from tests.support.rooms import GUARDS, MAIL, House, Texts, ask, received

OTHER = "ben@example.net"
TICKS = 20


def seen(home: House) -> list[str]:
    """The user messages as the provider was sent them."""
    return [each["content"] for each in home.provider.state.last["messages"] if each["role"] == "user"]


async def test_the_same_turns_are_masked_the_same_way_again(home: House) -> None:
    turns = (f"I am {MAIL}.", f"Write to {OTHER}, not to {MAIL}.")
    await ask(received("on-echo", *turns), home.rooms)
    first = seen(home)
    answer = (await ask(received("on-echo", *turns, "And [EMAIL]?"), home.rooms)).answer
    assert seen(home) == [*first, "And [EMAIL]?"]
    assert first == ["I am [EMAIL_1].", "Write to [EMAIL_2], not to [EMAIL_1]."]
    assert answer.text == "And [EMAIL]?"


async def test_ones_own_words_that_look_like_a_mask_are_not_undone(home: House) -> None:
    asked = received("on-echo", f"I am {MAIL}.", "What is [EMAIL_1]?", stream=True)
    got = await ask(asked, home.rooms)
    assert got.text == got.answer.text == "What is [EMAIL_1]?"
    assert seen(home)[0] == "I am [EMAIL_2]."


async def test_a_large_prompt_does_not_stop_the_gateway(home: House) -> None:
    """It is looked at beside the event loop, which goes on turning."""
    text = f"030 1234567, {'030 1234567, ' * (LARGE // 4)}{MAIL}"
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1

    ticking = asyncio.create_task(tick())
    answer = (await ask(received("on-good", text), home.rooms)).answer
    ticking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await ticking
    assert ticks > TICKS
    assert {each.kind for each in answer.findings} == {"phone", "email"}
    assert len(answer.findings) == LARGE // 4 + 2


async def test_masks_undone_in_json_leave_it_json(home: House) -> None:
    block = key_block()
    masking = ServiceRules(((GUARDS["secrets"], Action.MASK),), (), (), None)
    free = home.rooms.workspace.services["extract"].model_copy(update={"models": home.rooms.workspace.services["on-echo"].models})
    workspace = home.rooms.workspace.model_copy(update={"services": MappingProxyType({"extract": free})})
    masked = home.with_(rules={**home.rooms.rules, "extract": masking}, workspace=workspace)
    asked = received("extract", f'{{"key": "{block}"}}', format=JsonSchema({"type": "object"}, name="x"))
    answer = (await ask(asked, masked.rooms)).answer
    assert seen(home) == ['{"key": "[PRIVATE_KEY_1]"}']
    assert json.loads(answer.text) == {"key": block}


async def test_a_quote_is_masked_by_all_that_stands_around_it(home: House) -> None:
    """The number alone would be no telephone number: the word that says so ends the sentence before."""
    text = "Reach us by Tel. 451 5986 is the refund desk."
    asking = home.forbidding(("unmask", "help")).with_(retriever=Texts([("handbook/desk.md", "handbook", text)]))
    answer = (await ask(received("help", "Which number has the refund desk?"), asking.rooms)).answer
    assert answer.text == "[PHONE_1] is the refund desk. [1]"
    assert [each.quote for each in answer.citations] == ["[PHONE_1] is the refund desk."]
    assert [(each.kind, each.start, each.end) for each in answer.findings] == [("phone", 17, 25)]
    seeing = asking.with_(policy=home.rooms.policy)
    answer = (await ask(received("help", "Which number has the refund desk?"), seeing.rooms)).answer
    assert (answer.text, answer.citations[0].quote) == ("451 5986 is the refund desk. [1]", "451 5986 is the refund desk.")
