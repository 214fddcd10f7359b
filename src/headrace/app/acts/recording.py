"""Governed acts (apply, rollback, a key made or revoked): durable in the ledger before they take effect."""

from __future__ import annotations

import asyncio
import getpass
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from headrace.app.ids import RandomIds, SystemClock
from headrace.config.layout import ACT
from headrace.core.errors import OperationFailed, Unavailable
from headrace.evidence import sequencer
from headrace.evidence.client import LedgerClient
from headrace.evidence.records import act

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from headrace.config.layout import Layout
    from headrace.core.values import Facts, Receipt

T = TypeVar("T")


LOCKED = "ledger.locked"
"""The error code of a log that another process writes."""
PATIENCE = 10.0
"""Seconds to wait for that process to answer, or to let go."""
PAUSE = 0.05


def actor() -> str:
    """Who is at the keyboard, as the machine knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def record_now(layout: Layout, name: str, facts: Facts, *, by: str | None = None) -> str:
    """:func:`record`, for code that cannot wait for it: in a thread of its own, so that it may be called within an event loop too."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="act") as pool:
        return pool.submit(asyncio.run, record(layout, name, facts, by=by)).result()


async def record(layout: Layout, name: str, facts: Facts, *, by: str | None = None) -> str:
    """Write an act (``workspace.apply``…) into the ledger; return its record's id once it is durable.

    The running installation's ledger writes it; where none runs, the log is opened here for this one record. Raises Unavailable or
    OperationFailed when it cannot be written: then the act must not happen.
    """
    act_id = RandomIds().request()
    written = act(name, act_id=act_id, time_us=SystemClock().now_us(), by=by or actor(), facts=facts)
    await _through(layout, lambda ledger: ledger.append(written))
    return act_id


def rotate_now(layout: Layout) -> Receipt:
    """Change the log's key; the receipt of the record that says so. Raises Unavailable, OperationFailed."""
    act_id, by = RandomIds().request(), actor()
    return asyncio.run(_through(layout, lambda ledger: ledger.rotate(act_id, by)))


async def _through(layout: Layout, work: Callable[[LedgerClient], Awaitable[T]]) -> T:
    """Let the running installation's ledger do it, or where none runs one that is opened here for this alone."""
    running = LedgerClient(layout.socket("ledger"))
    deadline = asyncio.get_running_loop().time() + PATIENCE
    try:
        while not await _answers(running):
            try:
                return await _here(layout, work)
            except OperationFailed as error:
                if error.code != LOCKED or asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(PAUSE)  # a ledger that is starting, or another command like this one
        return await work(running)
    finally:
        await running.close()


async def append(client: LedgerClient, name: str, facts: Facts, by: str) -> str:
    """:func:`record` in a process that knows the running ledger. Raises Unavailable when it cannot be written."""
    act_id = RandomIds().request()
    await client.append(act(name, act_id=act_id, time_us=SystemClock().now_us(), by=by, facts=facts))
    return act_id


async def _answers(client: LedgerClient) -> bool:
    try:
        await client.ready()
    except Unavailable:
        return False
    return True


async def _here(layout: Layout, work: Callable[[LedgerClient], Awaitable[T]]) -> T:
    """Open the log in this process for one record, on a socket of its own. Raises OperationFailed when it cannot be opened."""
    socket = layout.socket(f"{ACT}{os.getpid()}")
    layout.make_sockets()
    serving = asyncio.create_task(sequencer.serve(layout.ledger, socket))
    client = LedgerClient(socket)
    writing = asyncio.ensure_future(work(client))
    try:
        await asyncio.wait({serving, writing}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            await serving  # raises what kept the log from being opened
        return await writing
    finally:
        for task in (writing, serving):
            task.cancel()
        await asyncio.gather(writing, serving, return_exceptions=True)
        await client.close()
        socket.unlink(missing_ok=True)
