"""One deadline over many waits: it ends what is waited for, disturbs nothing else, and is never taken for somebody's leaving."""

from __future__ import annotations

import asyncio

import pytest

from headrace.core.errors import UpstreamTimeout
from headrace.pipeline.deadline import Deadline


@pytest.fixture
async def deadline() -> Deadline:
    made = Deadline(0.05)
    made.start()
    return made


async def given(value: int, seconds: float = 0) -> int:
    await asyncio.sleep(seconds)
    return value


async def test_what_is_there_in_time_is_given(deadline: Deadline) -> None:
    assert [await deadline.wait(given(n)) for n in range(50)] == list(range(50))
    deadline.stop()
    deadline.stop()
    Deadline(1).stop()
    await asyncio.sleep(0.1)
    assert await deadline.wait(given(7)) == 7


async def test_what_is_not_there_in_time_is_cancelled(deadline: Deadline) -> None:
    ended: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    with pytest.raises(UpstreamTimeout, match=r"0\.05 s"):
        await deadline.wait(slow())
    assert ended == ["cancelled"]
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_between_two_waits_nothing_is_disturbed(deadline: Deadline) -> None:
    assert await deadline.wait(given(1)) == 1
    await asyncio.sleep(0.1)
    with pytest.raises(UpstreamTimeout):
        await deadline.wait(given(2))
    with pytest.raises(UpstreamTimeout):
        await deadline.wait(anext(aiter(_numbers()), None))
    with pytest.raises(UpstreamTimeout):
        await deadline.wait(asyncio.get_running_loop().create_future())


async def _numbers():  # noqa: ANN202 - one is enough
    yield 1


async def test_an_error_of_the_work_is_its_own(deadline: Deadline) -> None:
    async def broken() -> None:
        await asyncio.sleep(0)
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await deadline.wait(broken())


async def test_who_is_cancelled_from_outside_is_not_late() -> None:
    deadline = Deadline(10)
    deadline.start()
    task = asyncio.create_task(deadline.wait(given(1, 10)))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    deadline.stop()


async def test_who_leaves_in_the_same_instant_has_left() -> None:
    deadline = Deadline(0)
    task = asyncio.create_task(deadline.wait(given(1, 10)))
    await asyncio.sleep(0)
    deadline.start()
    asyncio.get_running_loop().call_soon(task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task
