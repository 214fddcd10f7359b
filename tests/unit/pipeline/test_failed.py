"""Requests that fail: the model, the provider, or Headrace itself."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from headrace.core.errors import HeadraceError, Unavailable, UpstreamFailed, UpstreamTimeout
from tests.providers.openai_server import PIECES
from tests.support.rooms import SECRET, Got, House, ask, house, received, stage, stages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.core.flow import Received
    from headrace.core.ports import Detected
    from headrace.core.values import Decision, Found, Principal, Scope

BEFORE_TEXT = {
    "401": "upstream.unauthorized",
    "404": "upstream.not_found",
    "429": "upstream.rate_limited",
    "500": "upstream.failed",
    "503": "upstream.failed",
    "504": "upstream.timeout",
    "drop": "upstream.broken",
    "garbage": "upstream.garbage",
    "endless": "upstream.garbage",
    "redirect": "upstream.failed",
}
"""How a provider fails before it has written anything, and what that is called."""
AFTER_TEXT = {"cut": "upstream.truncated", "unfinished": "upstream.truncated", "broken": "upstream.garbage", "fault": "upstream.failed"}


async def failed(
    home: House, asked: Received, kind: type[HeadraceError], got: Got | None = None
) -> tuple[HeadraceError, dict[str, object]]:
    """The error, and the closing record; they agree."""
    with pytest.raises(kind) as raised:
        await ask(asked, home.rooms, got)
    error = raised.value
    record = await home.end(asked.call.request)
    assert (error.request, record["outcome"], record["error"]) == (asked.call.request, "failed", error.code)
    assert error.receipt is not None
    assert record["commitments"] == {}
    assert "SECRET-CONTENT" not in f"{error} {error.facts} {record}"
    return error, record


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", BEFORE_TEXT)
async def test_a_model_that_fails_before_any_text_is_a_plain_error(home: House, fault: str, stream: bool) -> None:  # noqa: FBT001
    got = Got()
    error, record = await failed(home, received(f"on-{fault}", "x", stream=stream), UpstreamFailed, got)
    assert error.code == BEFORE_TEXT[fault]
    assert (got.opened, got.deltas, got.answers) == ([], [], [])
    assert len(await home.records(str(record["request"]))) == 1
    assert record["at"] == "generated"
    assert stages(record)[-3:] == ["generated", "checked", "released"]
    assert stage(record, "generated")["finish"] is None
    assert record["usage"] == {"input": 0, "input_cached": 0, "output": 0, "slot_us": 0}
    assert home.rooms.deployments[fault].slots.busy == 0


@pytest.mark.parametrize("fault", AFTER_TEXT)
async def test_a_model_that_fails_in_the_middle_is_paid_for_what_it_wrote(home: House, fault: str) -> None:
    asked = received(f"on-{fault}", "x", stream=True)
    error, record = await failed(home, asked, UpstreamFailed)
    assert error.code == AFTER_TEXT[fault]
    written = stage(record, "generated")
    assert written["output"] == record["usage"]["output"] >= 1
    assert written["reported"] is False
    assert record["cost"]["amount"] != "0"


async def test_text_that_left_before_the_failure_is_between_two_records(home: House) -> None:
    """Without output guards nothing is held back."""
    unguarded = _unguarded(home, "cut")
    got = Got()
    _, record = await failed(unguarded, received("on-cut", "x", stream=True), UpstreamFailed, got)
    assert got.text
    assert "".join(PIECES[:3]).startswith(got.text)
    assert len(got.opened) == 1
    assert [each["kind"] for each in await home.records(str(record["request"]))] == ["opened", "settled"]
    assert stage(record, "released")["characters"] == len(got.text)


def _unguarded(home: House, name: str) -> House:
    rules = home.rooms.rules[f"on-{name}"]
    return home.with_(rules={**home.rooms.rules, f"on-{name}": type(rules)(rules.input, (), (), None)})


async def test_a_model_that_stops_without_saying_so(home: House) -> None:
    """The port promises Finished; a driver that breaks the promise does not pass for an answer."""
    good = home.rooms.deployments["good"]

    class Mute:
        count = good.model.count
        close = good.model.close

        async def generate(self, prompt: object, sampling: object):  # noqa: ANN202
            return
            yield

    rooms = home.with_(deployments={**home.rooms.deployments, "good": type(good)(good.form, Mute(), good.slots, None)})
    error, _ = await failed(rooms, received("on-good", "x"), UpstreamFailed)
    assert error.code == "upstream.truncated"


async def test_a_model_that_writes_beyond_measure_is_stopped(home: House) -> None:
    home.provider.state.pieces = ("x" * 20_000,)
    error, record = await failed(home, received("on-obedient", "x", max_tokens=3), UpstreamFailed)
    assert (error.code, record["at"]) == ("upstream.too_much", "generated")


async def test_an_answer_that_takes_too_long_fails_and_says_so() -> None:
    async with house(answer_within="200 ms") as home:
        for fault, stream in (("hang", False), ("stall", True), ("late", True)):
            asked = received(f"on-{fault}", "x", stream=stream)
            error, record = await failed(home, asked, UpstreamTimeout)
            assert (error.code, error.message) == ("upstream.timeout", "The answer was not given within 0.2 s.")
            assert record["at"] == "generated"
            assert home.rooms.deployments[fault].slots.busy == 0
        assert home.provider.state.active == 0
        assert home.provider.state.cancelled == 3


async def test_the_time_counts_in_every_room() -> None:
    class Slow:
        async def find(self, question: str, scope: Scope, limit: int, *, quotes: int = 0, scores: bool = False) -> Found:
            import asyncio  # noqa: PLC0415

            await asyncio.sleep(5)
            raise AssertionError

    async with house(answer_within="50 ms") as home:
        _, record = await failed(home.with_(retriever=Slow()), received("help", "x"), UpstreamTimeout)
        assert (record["at"], stage(record, "grounded")) == ("grounded", {})


async def test_a_time_limit_of_a_rooms_own_is_a_defect_and_not_the_requests(home: House) -> None:
    class Impatient:
        async def find(self, question: str, scope: Scope, limit: int, *, quotes: int = 0, scores: bool = False) -> Found:
            raise TimeoutError

    error, _ = await failed(home.with_(retriever=Impatient()), received("help", "x"), HeadraceError)
    assert error.code == "internal.error"


async def test_knowledge_is_away(home: House) -> None:
    class Away:
        async def find(self, question: str, scope: Scope, limit: int, *, quotes: int = 0, scores: bool = False) -> Found:
            message = "The knowledge process is not there."
            raise Unavailable(message, code="internal.knowledge_unavailable")

    error, record = await failed(home.with_(retriever=Away()), received("help", "x", stream=True), Unavailable)
    assert (error.code, record["at"]) == ("internal.knowledge_unavailable", "grounded")


async def test_a_quote_that_is_not_the_stored_text_is_never_shown(home: House) -> None:
    class Inventive:
        async def find(self, question: str, scope: Scope, limit: int, *, quotes: int = 0, scores: bool = False) -> Found:
            from dataclasses import replace  # noqa: PLC0415

            found = await home.rooms.retriever.find(question, scope, limit, quotes=quotes)
            return replace(found, quotes=tuple(replace(each, text="Everything is free.") for each in found.quotes))

    error, record = await failed(home.with_(retriever=Inventive()), received("help", "annual fee francs"), HeadraceError)
    assert (error.code, record["at"]) == ("internal.quote_mismatch", "grounded")


async def test_a_defect_is_recorded_and_told_without_content(home: House, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        """A policy engine that does what none may: it raises, and shows what it was asked about."""

        def decide(self, principal: Principal, action: str, resource: tuple[str, str], context: Mapping[str, object]) -> Decision:
            if action == "place":
                raise KeyError(SECRET)
            return home.rooms.policy.decide(principal, action, resource, context)

    with caplog.at_level(logging.ERROR):
        error, record = await failed(home.with_(policy=Broken()), received("on-good", f"mail {SECRET[:-1]}x"), HeadraceError)
    assert (error.code, record["at"]) == ("internal.error", "routed")
    assert isinstance(error.__cause__, KeyError)
    assert "ended with a defect in routed: KeyError at " in caplog.text
    assert "choose.py" in caplog.text
    assert SECRET not in caplog.text


async def test_a_defect_in_a_stream_names_its_room(home: House, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        name, version, reach = "secrets", "1", 8

        def inspect(self, text: str) -> list[Detected]:
            raise ZeroDivisionError

        def settled(self, text: str, found: Sequence[Detected]) -> int:
            return len(text)

    rules = home.rooms.rules["on-good"]
    action = rules.output[0][1]
    rooms = home.with_(rules={**home.rooms.rules, "on-good": type(rules)((), (), ((Broken(), action),), None)})
    _, record = await failed(rooms, received("on-good", "x", stream=True), HeadraceError)
    assert record["at"] == "checked"
    assert "defect in checked: ZeroDivisionError" in caplog.text
