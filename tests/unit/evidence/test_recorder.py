"""The recorder: what each stage took, its facts, and where a request was when it ended."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from headrace.core.errors import BadRequest
from headrace.evidence.recorder import Recorder
from tests.property.test_slots import Simulated

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from headrace.core.values import Facts


class State:
    """A state with one fact."""

    def __init__(self, fact: int) -> None:
        self.fact = fact

    def facts(self) -> Facts:
        return {"fact": self.fact}


@pytest.fixture
def clock() -> Simulated:
    return Simulated(at=50.0)


@pytest.fixture
def recorder(clock: Simulated) -> Recorder:
    return Recorder(clock)


def told(recorder: Recorder) -> list[tuple[str, int, int, Facts]]:
    return [(stage.name, stage.began_us, stage.us, stage.facts) for stage in recorder.stages]


async def test_a_stage_is_timed_and_its_facts_are_kept(clock: Simulated, recorder: Recorder) -> None:
    async def work() -> State:
        clock.at += 2
        return State(7)

    recorder.note("received", State(1))
    clock.at += 1
    state = await recorder.run("admitted", work())
    assert state.fact == 7
    assert told(recorder) == [("received", 0, 0, {"fact": 1}), ("admitted", 1_000_000, 2_000_000, {"fact": 7})]
    assert (recorder.times(), recorder.at) == ({"received": 0, "admitted": 2_000_000}, "admitted")
    assert recorder.elapsed_us() == 3_000_000


async def test_a_stage_that_ends_the_request_is_kept_with_the_facts_of_its_error(clock: Simulated, recorder: Recorder) -> None:
    async def work() -> State:
        clock.at += 1
        raise BadRequest("no", facts={"tokens": 9})

    with pytest.raises(BadRequest):
        await recorder.run("reserved", work())
    assert told(recorder) == [("reserved", 0, 1_000_000, {"tokens": 9})]
    assert recorder.at == "reserved"


async def test_a_defect_is_kept_without_facts(recorder: Recorder) -> None:
    async def work() -> State:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await recorder.run("routed", work())
    assert told(recorder) == [("routed", 0, 0, {})]


class Streams:
    """Three streams, each drawing from the one before, each taking its own time for a piece."""

    def __init__(self, clock: Simulated, recorder: Recorder, fails: str = "") -> None:
        self._clock = clock
        self._recorder = recorder
        self._fails = fails

    def whole(self) -> AsyncGenerator[int]:
        made = self._recorder.stream("generated", self._make(), lambda: State(1))
        checked = self._recorder.stream("checked", self._pass(made, "checked", 2), lambda: State(2))
        return self._recorder.stream("released", self._pass(checked, "released", 3), lambda: State(3))

    async def _make(self) -> AsyncGenerator[int]:
        for number in range(3):
            self._clock.at += 1
            self._fail("generated", number)
            yield number

    async def _pass(self, drawn: AsyncGenerator[int], name: str, takes: float) -> AsyncGenerator[int]:
        async with aclosing(drawn):
            async for number in drawn:
                self._clock.at += takes
                self._fail(name, number)
                yield number

    def _fail(self, name: str, number: int) -> None:
        if self._fails == name and number == 1:
            raise BadRequest("no")


async def test_a_stream_is_billed_its_own_time_and_not_that_of_what_it_draws_from(clock: Simulated, recorder: Recorder) -> None:
    async with aclosing(Streams(clock, recorder).whole()) as stream:
        async for _ in stream:
            clock.at += 100  # the client takes its time
    assert [(stage.name, stage.us, stage.facts) for stage in recorder.stages] == [
        ("generated", 3_000_000, {"fact": 1}),
        ("checked", 6_000_000, {"fact": 2}),
        ("released", 9_000_000, {"fact": 3}),
    ]
    assert recorder.at == "released"


@pytest.mark.parametrize("name", ["generated", "checked", "released"])
async def test_the_stream_that_fails_is_the_one_that_is_named(clock: Simulated, recorder: Recorder, name: str) -> None:
    async with aclosing(Streams(clock, recorder, name).whole()) as stream:
        await anext(stream)
        assert recorder.at == "released", "while the client has the piece"
        with pytest.raises(BadRequest):
            await anext(stream)
    assert recorder.at == name
    assert [stage.name for stage in recorder.stages] == ["generated", "checked", "released"]


async def test_a_stream_that_is_left_is_kept_as_far_as_it_came(clock: Simulated, recorder: Recorder) -> None:
    stream = Streams(clock, recorder).whole()
    await anext(stream)
    await stream.aclose()
    assert [(stage.name, stage.us) for stage in recorder.stages] == [
        ("generated", 1_000_000),
        ("checked", 2_000_000),
        ("released", 3_000_000),
    ]
    assert recorder.at == "released"
