"""Slots and bills under any interleaving: the pool never gives out more than it has, and bills add up to the busy time."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.core.errors import Overloaded
from headrace.finops.slots import SlotMeter
from headrace.routing.slots import Slots
from tests.support.examples import some


@dataclass
class Simulated:
    """A clock that stands still until it is moved."""

    at: float = 0.0

    def now_us(self) -> int:
        return round(self.at * 1_000_000)

    def monotonic(self) -> float:
        return self.at


@settings(max_examples=some(60))
@given(size=st.integers(1, 4), queue=st.integers(0, 5), seed=st.integers(0, 2**32), askers=st.integers(1, 40))
def test_slots_are_never_more_than_the_size_and_none_is_lost(size: int, queue: int, seed: int, askers: int) -> None:
    asyncio.run(_crowd(size, queue, random.Random(seed), askers))


async def _crowd(size: int, queue: int, chance: random.Random, askers: int) -> None:
    slots = Slots(size, queue=queue, patience=0.002)
    held = most = 0

    async def one() -> str:
        nonlocal held, most
        try:
            async with slots.hold():
                held += 1
                most = max(most, held)
                try:
                    await asyncio.sleep(chance.choice([0, 0, 0.001, 0.003]))
                finally:
                    held -= 1
        except Overloaded:
            return "shed"
        return "served"

    tasks: list[asyncio.Task[str]] = []
    for _ in range(askers):
        tasks.append(asyncio.create_task(one()))
        if chance.random() < 0.4:
            await asyncio.sleep(chance.choice([0, 0, 0.001]))
        if chance.random() < 0.3:
            chance.choice(tasks).cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(each in {"shed", "served"} or isinstance(each, asyncio.CancelledError) for each in found)
    assert most <= size
    assert (slots.busy, slots.waiting, held) == (0, 0, 0)
    async with AsyncExitStack() as every:
        for _ in range(size):  # every slot is still there to be had
            await every.enter_async_context(slots.hold())
        assert slots.busy == size


STEPS = st.lists(st.tuples(st.floats(0, 100, allow_nan=False), st.integers(0, 5)), max_size=60)


@given(STEPS)
def test_bills_add_up_to_the_busy_time(steps: list[tuple[float, int]]) -> None:
    """At each step time passes, and answer n begins or ends."""
    clock = Simulated()
    meter = SlotMeter(clock)
    running: dict[int, ExitStack] = {}
    bills = []
    busy = 0.0
    for passed, n in steps:
        before = clock.at
        clock.at += passed
        busy += (clock.at - before) if running else 0.0
        assert meter.active == len(running)
        if n in running:
            running.pop(n).close()
        else:
            running[n] = ExitStack()
            bills.append(running[n].enter_context(meter.answer()))
    for each in running.values():
        each.close()
    assert meter.busy_seconds == pytest.approx(busy, rel=1e-9, abs=1e-9)
    assert sum(bill.seconds for bill in bills) == pytest.approx(busy, rel=1e-9, abs=1e-6)
    clock.at += 1000
    assert sum(bill.seconds for bill in bills) == pytest.approx(busy, rel=1e-9, abs=1e-6), "an ended answer's bill is final"


def test_an_answer_alone_pays_for_the_engine_and_two_share_it() -> None:
    clock = Simulated()
    meter = SlotMeter(clock)
    with meter.answer() as first:
        clock.at = 10
        with meter.answer() as second:
            clock.at = 14
            assert (first.seconds, second.seconds) == (12, 2)
        clock.at = 15
    assert (first.seconds, second.seconds, meter.busy_seconds) == (13, 2, 15)


def test_an_answer_that_fails_is_billed_to_its_end() -> None:
    clock = Simulated()
    meter = SlotMeter(clock)
    with suppress(RuntimeError), meter.answer() as bill:
        clock.at = 3
        raise RuntimeError
    clock.at = 9
    assert (bill.seconds, meter.busy_seconds, meter.active) == (3, 3, 0)
