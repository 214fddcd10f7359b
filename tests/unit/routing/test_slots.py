"""The slot pool: bounded, fair, and never leaking a slot."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import pytest

from headrace.core.errors import Overloaded
from headrace.routing.slots import Slots


async def test_beyond_slots_and_queue_work_is_shed_at_once() -> None:
    slots = Slots(1, queue=1, patience=5)
    async with slots.hold():
        waiting = asyncio.create_task(_hold_once(slots))
        await asyncio.sleep(0)
        assert (slots.busy, slots.waiting) == (1, 1)
        with pytest.raises(Overloaded, match="All 1 slots are busy and 1 requests wait") as shed:
            await _hold_once(slots)
        assert shed.value.retry_after >= 1
    await waiting
    assert (slots.busy, slots.waiting) == (0, 0)


async def test_waiting_ends_when_patience_does() -> None:
    slots = Slots(1, queue=5, patience=0.01)
    async with slots.hold():
        with pytest.raises(Overloaded, match=r"within 0\.01 s"):
            await _hold_once(slots)
        assert slots.waiting == 0
    await _hold_once(slots)


async def test_slots_go_out_in_the_order_of_asking() -> None:
    slots = Slots(1, queue=10, patience=5)
    order: list[int] = []

    async def take(number: int) -> None:
        async with slots.hold():
            order.append(number)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for number in range(6):
            group.create_task(take(number))
    assert order == list(range(6))


async def test_an_asker_that_leaves_while_waiting_takes_no_slot_along() -> None:
    slots = Slots(1, queue=5, patience=5)
    async with AsyncExitStack() as held:
        await held.enter_async_context(slots.hold())
        leaving = asyncio.create_task(_hold_once(slots))
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert slots.waiting == 0
    assert slots.busy == 0


async def test_a_slot_handed_to_an_asker_that_is_leaving_goes_on_to_the_next() -> None:
    slots = Slots(1, queue=5, patience=5)
    held = AsyncExitStack()
    await held.enter_async_context(slots.hold())
    leaving = asyncio.create_task(_hold_once(slots))
    staying = asyncio.create_task(_hold_once(slots))
    await asyncio.sleep(0)
    await held.aclose()  # hands the slot to `leaving`, which has not run yet
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    await staying
    assert (slots.busy, slots.waiting) == (0, 0)


async def test_a_slot_that_comes_in_the_instant_in_which_patience_ends_is_taken() -> None:
    slots = Slots(1, queue=1, patience=0.02)
    await slots.take()
    waiting = asyncio.create_task(_hold_once(slots))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.015, slots.give)
    time.sleep(0.05)  # noqa: ASYNC251 - both are due when the loop looks again
    await waiting
    assert (slots.busy, slots.waiting) == (0, 0)


async def _hold_once(slots: Slots) -> None:
    async with slots.hold():
        await asyncio.sleep(0)
