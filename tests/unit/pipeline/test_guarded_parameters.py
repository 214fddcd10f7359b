"""The schema and the stop sequences go through the same door as the messages: the model is given them too."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from headrace.core.errors import Refused
from headrace.core.text import Action
from headrace.core.values import JsonSchema
from headrace.pipeline.rooms import ServiceRules
from headrace.pipeline.screen import A_TEXT, LARGE
from tests.support.rooms import GUARDS, MAIL, SECRET, House, ask, received

CARD = 4111111111111111


def sent_to(home: House) -> dict[str, Any]:
    return cast("dict[str, Any]", home.provider.state.last)


def schema(**more: object) -> JsonSchema:
    return JsonSchema({"type": "object", "properties": {"who": {"type": "string", "enum": [MAIL, "nobody"]}, **more}}, name="who")


async def test_the_provider_is_sent_masks_in_the_schema_and_the_stops(home: House) -> None:
    wanted = schema(
        card={"const": CARD},
        price={"minimum": -9007199254740991, "maximum": 9223372036854775807},
        known={"type": "boolean", "default": True},
        mail={MAIL: True},
    )
    answer = (await ask(received("on-json", f"Is it {MAIL}?", format=wanted, stop=("Ben", f"To: {MAIL}")), home.rooms)).answer
    sent = sent_to(home)
    assert sent["response_format"]["json_schema"] == {
        "name": "who",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {
                "who": {"type": "string", "enum": ["[EMAIL_1]", "nobody"]},
                "card": {"const": "[PAYMENT_CARD_1]"},
                "price": {"minimum": -9007199254740991, "maximum": 9223372036854775807},
                "known": {"type": "boolean", "default": True},
                "mail": {"[EMAIL_1]": True},
            },
        },
    }
    assert sent["stop"] == ["Ben", "To: [EMAIL_1]"]
    assert [(each.kind, each.part) for each in answer.findings] == [
        ("email", 0),
        ("email", 1),
        ("email", 1),
        ("payment_card", 1),
        ("email", 1),
    ]


@pytest.mark.parametrize(
    ("given", "param", "said"),
    [
        ({"format": schema(key={"description": f"not {SECRET}"})}, "response_format", "The schema of the answer holds"),
        ({"format": JsonSchema({"type": "object"}, name=SECRET)}, "response_format", "The schema of the answer holds"),
        ({"stop": (SECRET,)}, "stop", "A stop sequence holds"),
    ],
)
async def test_a_credential_there_is_refused_by_the_name_of_its_place(home: House, given: dict[str, Any], param: str, said: str) -> None:
    before = home.provider.state.last
    with pytest.raises(Refused) as refused:
        await ask(received("on-json", "Who?", **given), home.rooms)
    assert (refused.value.code, refused.value.param) == ("guard.secrets", param)
    assert refused.value.message.startswith(said)
    assert SECRET not in str(refused.value)
    assert home.provider.state.last == before


async def test_what_looks_like_a_mask_in_a_schema_is_never_undone(home: House) -> None:
    wanted = JsonSchema({"type": "object", "properties": {"who": {"const": "[EMAIL_1]"}}}, name="who")
    await ask(received("on-json", f"I am {MAIL}.", format=wanted), home.rooms)
    sent = sent_to(home)
    assert sent["messages"][-1]["content"] == "I am [EMAIL_2]."
    assert sent["response_format"]["json_schema"]["schema"] == wanted.schema


async def test_without_guards_and_for_any_json_nothing_changes(home: House) -> None:
    free = home.with_(rules={**home.rooms.rules, "on-json": ServiceRules((), (), (), None)})
    await ask(received("on-json", "Who?", format=schema(), stop=(MAIL,)), free.rooms)
    assert sent_to(home)["response_format"]["json_schema"]["schema"] == schema().schema
    await ask(received("on-json", "Who?", format=JsonSchema(None)), home.rooms)
    assert sent_to(home)["response_format"] == {"type": "json_object"}


async def test_a_large_schema_is_looked_at_beside_the_event_loop(home: House) -> None:
    ruled = home.with_(rules={**home.rooms.rules, "on-json": ServiceRules(((GUARDS["pii"], Action.FLAG),), (), (), None)})
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1

    ticking = asyncio.create_task(tick())
    wanted = JsonSchema({"enum": [f"word {n}" for n in range(LARGE // A_TEXT * 4)]}, name="x")
    await ask(received("on-json", "Who?", format=wanted), ruled.rooms)
    ticking.cancel()
    await asyncio.gather(ticking, return_exceptions=True)
    assert ticks > 10


async def test_a_stop_alone_is_screened_too(home: House) -> None:
    await ask(received("on-json", "Who?", stop=(f"cc {MAIL}",)), home.rooms)
    assert sent_to(home)["stop"] == ["cc [EMAIL_1]"]
