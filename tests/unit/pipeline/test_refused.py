"""Requests that are refused: each leaves one record with who, where, why, and nothing of the text."""

from __future__ import annotations

import pytest

from headrace.core.errors import (
    BadRequest,
    Forbidden,
    HeadraceError,
    NotFound,
    Overloaded,
    PromptTooLong,
    Refused,
    Unauthenticated,
)
from headrace.core.values import JsonSchema, Usage
from headrace.routing.slots import Slots
from tests.support.rooms import MAIL, SECRET, Got, House, ask, received, stage, stages

NOTHING_SPENT = {"input": 0, "input_cached": 0, "output": 0, "slot_us": 0}


async def refused(home: House, asked: object, kind: type[HeadraceError]) -> tuple[HeadraceError, dict[str, object]]:
    """The error, and the one record; they agree."""
    got = Got()
    with pytest.raises(kind) as raised:
        await ask(asked, home.rooms, got)
    error = raised.value
    assert error.request == asked.call.request
    (record,) = await home.records(error.request)
    assert (record["kind"], record["outcome"], record["error"]) == ("settled", "refused", error.code)
    assert (got.opened, got.deltas, got.answers) == ([], [], [])
    assert error.receipt is not None
    assert error.receipt.sequence == (await home.ledger.find(error.request))[0]["receipt"]["sequence"]
    return error, record


async def test_nobody_has_no_record(home: House) -> None:
    """There is no tenant, no principal and no key to keep a record for; the response says so and the log keeps its size."""
    for key, code in (("hr_unknown", "identity.unknown_key"), ("hr_old", "identity.expired_key")):
        asked = received("on-good", "x", key=key)
        with pytest.raises(Unauthenticated) as raised:
            await ask(asked, home.rooms)
        assert raised.value.code == code
        assert await home.records(asked.call.request) == []
    assert await home.ledger.ready() == 0


@pytest.mark.parametrize("stream", [False, True])
async def test_a_service_that_is_not_there(home: House, stream: bool) -> None:  # noqa: FBT001
    asked = received(f"nothing-{SECRET}", "x", stream=stream)
    error, record = await refused(home, asked, NotFound)
    assert (error.code, error.param) == ("request.unknown_model", "model")
    assert (record["at"], record["service"], record["usage"]) == ("admitted", "", NOTHING_SPENT)
    assert SECRET not in str(record)
    assert stages(record) == ["received", "admitted"]


async def test_policy_says_no_and_the_record_has_its_ids(home: House) -> None:
    home = home.forbidding(("ask", "on-good"), ("ask", "free"))
    error, record = await refused(home, received("on-good", "x", stream=True), Forbidden)
    assert error.message == 'You may not ask service "on-good". Only the board may.'
    assert error.mend is not None
    assert "ask desk for access" in error.mend
    assert (record["at"], stage(record, "admitted")["policies"]) == ("admitted", ["no/1"])
    error, _ = await refused(home, received("free", "x"), Forbidden)
    assert error.mend == "Use a service that GET /v1/models lists."


async def test_no_deployment_may_have_the_text(home: House) -> None:
    home = home.forbidding(("place", "slow"), ("place", "good"))
    error, record = await refused(home, received("two", "x"), Forbidden)
    assert error.code == "policy.no_placement"
    assert (record["at"], stage(record, "routed")) == ("routed", {"rejected": ["slow", "good"]})


async def test_a_guard_stops_the_prompt(home: House) -> None:
    text = f"My key is {SECRET} and my mail {MAIL}"
    asked = received("on-good", text, stream=True)
    error, record = await refused(home, asked, Refused)
    assert (error.code, error.param) == ("guard.secrets", "messages[0]")
    found = stage(record, "screened")["findings"]
    assert [(each["kind"], each["start"], each["end"], each["action"]) for each in found] == [
        ("aws_access_key_id", 10, 10 + len(SECRET), "refuse"),
        ("email", text.index(MAIL), len(text), "mask"),
    ]
    assert record["at"] == "screened"
    assert home.provider.state.asked == 0


async def test_a_guard_stops_a_whole_answer(home: House) -> None:
    home.provider.state.pieces = ("The key is AKIA", "IOSFODNN", "7EXAMPLQ", " as you know")
    error, record = await refused(home, received("on-obedient", "x"), Refused)
    assert (error.code, error.param, record["at"]) == ("guard.secrets", None, "checked")
    (found,) = stage(record, "checked")["findings"]
    assert (found["origin"], found["start"], found["end"]) == ("output", 11, 11 + len(SECRET))
    assert record["usage"]["output"] == stage(record, "generated")["output"] == 4
    assert record["cost"]["amount"] != "0"


async def test_a_guard_stops_a_stream_in_the_middle(home: House) -> None:
    """What left before is harmless and recorded; what was generated is paid."""
    home.provider.state.pieces = ("Once upon a time ",) * 20 + ("the key was AKIA", "IOSFODNN", "7EXAMPLQ") + (" and so on",) * 20
    asked = received("on-obedient", "x", stream=True)
    got = Got()
    with pytest.raises(Refused) as raised:
        await ask(asked, home.rooms, got)
    opened, end = await home.records(asked.call.request)
    assert len(got.opened) == 1
    assert got.answers == []
    assert got.text.startswith("Once upon a time ")
    assert "AKIA" not in got.text
    assert raised.value.receipt is not None
    assert (opened["kind"], end["outcome"], end["error"], end["at"]) == ("opened", "refused", "guard.secrets", "checked")
    assert stage(end, "released")["characters"] == len(got.text)
    assert stage(end, "generated")["finish"] is None
    assert end["usage"]["output"] >= 23
    assert end["commitments"] == {}


async def test_a_prompt_that_does_not_fit_is_refused_with_the_numbers(home: House) -> None:
    counted = _counting(home, 250)
    asked = received("on-small", "x", max_tokens=7)
    error, record = await refused(counted, asked, PromptTooLong)
    assert error.message == "The prompt takes 250 tokens and max_tokens asks for 7 more; the deployment's context holds 256 together."
    assert (record["at"], stage(record, "reserved")) == (
        "reserved",
        {"prompt_tokens": 250, "answer_tokens": 7, "context_tokens": 256},
    )
    error, _ = await refused(_counting(home, 256), received("on-small", "x"), PromptTooLong)
    assert error.message == "The prompt takes 256 tokens; the deployment's context holds 256 together."
    assert error.mend == "Shorten the messages."


async def test_the_services_own_default_shrinks_to_what_is_left(home: House) -> None:
    asked = received("on-small", "x")
    answer = (await ask(asked, _counting(home, 250).rooms)).answer
    reserved = stage(await home.end(asked.call.request), "reserved")
    assert (reserved["prompt_tokens"], reserved["answer_tokens"], reserved["context_tokens"]) == (250, 6, 256)
    assert reserved["most"] == "0"
    assert answer.usage == Usage(20, 0, 9)


def _counting(home: House, tokens: int) -> House:
    """The same house, whose small deployment counts every prompt as this many tokens, as an engine of our own does."""
    small = home.rooms.deployments["small"]

    class Counting:
        generate = small.model.generate
        close = small.model.close

        async def count(self, prompt: object, sampling: object) -> int:
            return tokens

    return home.with_(deployments={**home.rooms.deployments, "small": type(small)(small.form, Counting(), small.slots, small.meter)})


async def test_a_provider_says_that_it_is_too_long(home: House) -> None:
    error, record = await refused(home, received("on-too-long", "x", stream=True), PromptTooLong)
    assert error.facts["prompt_tokens"] == 9001
    assert record["at"] == "generated"


async def test_a_provider_does_not_accept_the_request(home: House) -> None:
    error, record = await refused(home, received("on-refuse", "x", stream=True), BadRequest)
    assert "SECRET-CONTENT" not in str(error) + str(record)


async def test_a_service_that_needs_a_schema(home: House) -> None:
    error, record = await refused(home, received("extract", "x"), BadRequest)
    assert (error.code, error.param, record["at"]) == ("request.schema_needed", "response_format", "admitted")


async def test_a_service_that_quotes_has_no_json(home: House) -> None:
    error, _ = await refused(home, received("help", "x", format=JsonSchema(None)), BadRequest)
    assert error.code == "request.format_not_served"


async def test_no_slot_in_time(home: House) -> None:
    good = home.rooms.deployments["good"]
    busy = home.with_(
        deployments={**home.rooms.deployments, "good": type(good)(good.form, good.model, Slots(1, queue=1, patience=0.05), None)}
    )
    async with busy.rooms.deployments["good"].slots.hold():
        error, record = await refused(busy, received("on-good", "x", stream=True), Overloaded)
    assert (error.code, record["at"]) == ("capacity.overloaded", "reserved")
    assert busy.rooms.deployments["good"].slots.busy == 0
