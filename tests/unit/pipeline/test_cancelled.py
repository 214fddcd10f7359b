"""Clients that leave: at every stage the work upstream ends first, then the slot is free, then the record says cancelled."""

from __future__ import annotations

import asyncio
import gc
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from headrace.core.events import CleanDelta
from headrace.core.flow import Answer, Opened
from headrace.pipeline import line
from tests.support.ledgers import until
from tests.support.rooms import Got, House, ask, received, stage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from headrace.core.events import ModelEvent
    from headrace.core.flow import Received
    from headrace.core.ports import ChatModel, Ledger
    from headrace.core.text import CleanPrompt
    from headrace.core.values import Facts, Found, Receipt, Sampling, Scope


class Watched:
    """A ledger that notes what is appended, and holds back records of one kind until it is told to go on."""

    def __init__(self, inner: Ledger, order: list[str], held: str = "") -> None:
        self._inner = inner
        self._order = order
        self._held = held
        self.reached = asyncio.Event()
        self.go = asyncio.Event()
        self.proof = inner.proof
        self.owe = inner.owe

    async def append(self, record: Facts) -> Receipt:
        if record["kind"] == self._held:
            self.reached.set()
            await self.go.wait()
        receipt = await self._inner.append(record)
        self._order.append(str(record["kind"]))
        return receipt


class Closing:
    """A model that notes when its answer is over."""

    def __init__(self, inner: ChatModel, order: list[str]) -> None:
        self._inner = inner
        self._order = order
        self.count = inner.count
        self.close = inner.close

    async def generate(self, prompt: CleanPrompt, sampling: Sampling) -> AsyncGenerator[ModelEvent]:
        try:
            async with aclosing(self._inner.generate(prompt, sampling)) as events:
                async for event in events:
                    yield event
        finally:
            self._order.append("upstream closed")


def watched(home: House, name: str, held: str = "") -> tuple[House, list[str], Watched]:
    order: list[str] = []
    running = home.rooms.deployments[name]
    ledger = Watched(home.ledger, order, held)
    unguarded = replace(home.rooms.rules[f"on-{name}"], output=())
    changed = home.with_(
        ledger=ledger,
        rules={**home.rooms.rules, f"on-{name}": unguarded},
        deployments={**home.rooms.deployments, name: replace(running, model=Closing(running.model, order))},
    )
    return changed, order, ledger


async def cancelled(home: House, asked: Received) -> dict[str, object]:
    """The closing record says that the client left, and nothing is held any more."""
    record = await home.end(asked.call.request)
    assert (record["outcome"], record["error"], record["commitments"]) == ("cancelled", "request.cancelled", {})
    assert all(each.slots.busy == each.slots.waiting == 0 for each in home.rooms.deployments.values())
    return record


async def leave(home: House, asked: Received, when: asyncio.Event | None = None) -> None:
    """Ask in a task, and cancel it once the event has come."""
    task = asyncio.create_task(ask(asked, home.rooms))
    if when is not None:
        await when.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_closed_after_its_opening(home: House) -> None:
    house, order, _ = watched(home, "slow")
    asked = received("on-slow", "x", stream=True)
    events = line.answer(asked, house.rooms)
    assert isinstance(await anext(events), Opened)
    await events.aclose()
    record = await cancelled(house, asked)
    assert order == ["opened", "upstream closed", "settled"]
    assert record["at"] == "released"
    assert record["usage"]["output"] == 1


async def test_closed_in_the_middle_of_the_text(home: House) -> None:
    house, order, _ = watched(home, "slow")
    asked = received("on-slow", "x", stream=True)
    got = Got()
    async with aclosing(line.answer(asked, house.rooms)) as events:
        async for event in events:
            if isinstance(event, CleanDelta):
                got.deltas.append(event.text)
            if len(got.deltas) == 3:
                break
    record = await cancelled(house, asked)
    assert order == ["opened", "upstream closed", "settled"]
    assert stage(record, "released")["characters"] == len(got.text)
    assert (stage(record, "generated")["finish"], record["usage"]["output"]) == (None, 3)
    assert record["usage"]["slot_us"] == stage(record, "generated")["slot_us"] > 100_000
    await until(lambda: home.provider.state.cancelled == 1 and home.provider.state.active == 0)


async def test_cancelled_while_the_model_writes(home: House) -> None:
    house, order, _ = watched(home, "stall")
    asked = received("on-stall", "x")
    task = asyncio.create_task(ask(asked, house.rooms))
    await until(lambda: home.provider.state.active == 1)
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    record = await cancelled(house, asked)
    assert order == ["upstream closed", "settled"]
    assert record["at"] == "generated"
    await until(lambda: home.provider.state.cancelled == 1)


async def test_cancelled_before_the_model_has_written(home: House) -> None:
    asked = received("on-hang", "x", stream=True)
    task = asyncio.create_task(ask(asked, home.rooms))
    await until(lambda: home.provider.state.active == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await cancelled(home, asked))["usage"]["output"] == 0
    assert len(await home.records(asked.call.request)) == 1


async def test_cancelled_while_it_searches(home: House) -> None:
    class Slow:
        reached = asyncio.Event()

        async def find(self, question: str, scope: Scope, limit: int, *, quotes: int = 0, scores: bool = False) -> Found:
            self.reached.set()
            await asyncio.Event().wait()
            raise AssertionError

    slow = Slow()
    asked = received("help", "x", stream=True)
    await leave(home.with_(retriever=slow), asked, slow.reached)
    assert (await cancelled(home, asked))["at"] == "grounded"


async def test_cancelled_while_it_waits_for_a_slot(home: House) -> None:
    slots = home.rooms.deployments["good"].slots
    held = [slots.hold() for _ in range(4)]
    for each in held:
        await each.__aenter__()
    asked = received("on-good", "x")
    task = asyncio.create_task(ask(asked, home.rooms))
    await until(lambda: slots.waiting == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert slots.waiting == 0
    for each in held:
        await each.__aexit__(None, None, None)
    assert (await cancelled(home, asked))["at"] == "reserved"


async def test_cancelled_before_its_first_step(home: House) -> None:
    """Nobody was let in yet: no record."""
    asked = received("on-good", "x")
    await leave(home, asked)
    assert await home.records(asked.call.request) == []
    events = line.answer(asked, home.rooms)
    await events.aclose()
    assert await home.records(asked.call.request) == []


async def test_cancelled_while_the_opening_is_on_its_way_to_the_disk(home: House) -> None:
    house, order, ledger = watched(home, "slow", held="opened")
    asked = received("on-slow", "x", stream=True)
    await leave(house, asked, ledger.reached)
    await cancelled(house, asked)
    assert order == ["upstream closed", "settled"]
    assert [each["kind"] for each in await home.records(asked.call.request)] == ["settled"]


async def test_a_client_that_leaves_while_the_answer_is_committed_changes_nothing(home: House) -> None:
    house, order, ledger = watched(home, "good", held="settled")
    asked = received("on-good", "x")
    await leave(house, asked, ledger.reached)
    assert await home.records(asked.call.request) == []
    ledger.go.set()
    await until(lambda: order == ["upstream closed", "settled"])
    record = await home.end(asked.call.request)
    assert (record["outcome"], record["error"]) == ("answered", None)


async def test_cancelled_again_while_the_end_is_committed_the_end_stands(home: House) -> None:
    house, order, ledger = watched(home, "stall", held="settled")
    asked = received("on-stall", "x")
    task = asyncio.create_task(ask(asked, house.rooms))
    await until(lambda: home.provider.state.active == 1)
    task.cancel()
    await ledger.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    ledger.go.set()
    await until(lambda: "settled" in order)
    await cancelled(house, asked)


async def test_closed_between_the_last_text_and_the_end(home: House) -> None:
    """The client has all of the text, and left before it was told so."""
    asked = received("on-good", "x", stream=True)
    events = line.answer(asked, home.rooms)
    got = Got()
    while not got.text.endswith("forty-two."):
        event = await anext(events)
        got.deltas.append(event.text if isinstance(event, CleanDelta) else "")
    await events.aclose()
    record = await cancelled(home, asked)
    assert record["at"] == "released"
    assert (stage(record, "generated")["finish"], record["usage"]["output"]) == ("stop", 9)


async def test_closed_after_its_end_it_stays_answered(home: House) -> None:
    asked = received("on-good", "x", stream=True)
    events = line.answer(asked, home.rooms)
    async for event in events:
        if isinstance(event, Answer):
            break
    await events.aclose()
    assert (await home.end(asked.call.request))["outcome"] == "answered"


async def test_an_answer_that_is_dropped_without_being_closed_is_settled_all_the_same(home: House) -> None:
    """The event loop closes what nobody holds any more."""
    house, order, _ = watched(home, "slow")
    asked = received("on-slow", "x", stream=True)

    async def drop() -> None:
        events = line.answer(asked, house.rooms)
        assert isinstance(await anext(events), Opened)

    await asyncio.create_task(drop())
    gc.collect()
    await until(lambda: "settled" in order)
    await cancelled(house, asked)
    assert order == ["opened", "upstream closed", "settled"]
