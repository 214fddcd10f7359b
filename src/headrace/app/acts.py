"""Governed acts (apply, rollback, a key made or revoked): durable in the ledger before they take effect."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
from typing import TYPE_CHECKING

from headrace.app.ids import RandomIds, SystemClock
from headrace.app.installation import exclusive
from headrace.core.errors import OperationFailed, Unavailable
from headrace.evidence import sequencer
from headrace.evidence.client import LedgerClient
from headrace.evidence.records import act

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from headrace.config.layout import Layout
    from headrace.core.values import Facts


_A_MOMENT = 0.02
"""Seconds after which a log that cannot be opened has said so."""


def actor() -> str:
    """Who is at the keyboard, as the machine knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def record_now(layout: Layout, name: str, facts: Facts, *, by: str | None = None, held: bool = False) -> str:
    """:func:`record`, for code that runs no event loop."""
    return asyncio.run(record(layout, name, facts, by=by, held=held))


async def record(layout: Layout, name: str, facts: Facts, *, by: str | None = None, held: bool = False) -> str:
    """Write an act (``workspace.apply``…) into the ledger; return its record's id once it is durable.

    The running installation's ledger writes it; where none runs, the log is opened here for this one record. `held`: the caller holds
    the workspace (:func:`headrace.app.installation.exclusive`), so that nobody else can. Raises Unavailable when it cannot be
    written: then the act must not happen.
    """
    act_id = RandomIds().request()
    written = act(name, act_id=act_id, time_us=SystemClock().now_us(), by=by or actor(), facts=facts)
    client = LedgerClient(layout.socket("ledger"))
    try:
        async with _ledger(layout, client, held=held):
            await client.append(written)
    finally:
        await client.close()
    return act_id


@contextlib.asynccontextmanager
async def _ledger(layout: Layout, client: LedgerClient, *, held: bool) -> AsyncGenerator[None]:
    """A ledger that answers, for the block."""
    async with contextlib.AsyncExitStack() as stack:
        if not await _answers(client):
            try:
                if not held:
                    await stack.enter_async_context(exclusive(layout))
                await stack.enter_async_context(_opened(layout))
            except OperationFailed as error:
                if error.code != "operation.already_running":
                    raise
                # an installation is starting, or restarts its ledger: the client waits for it
        yield


async def _answers(client: LedgerClient) -> bool:
    try:
        await client.ready()
    except Unavailable:
        return False
    return True


@contextlib.asynccontextmanager
async def _opened(layout: Layout) -> AsyncGenerator[None]:
    """The log, served by this process."""
    socket = layout.socket("ledger")
    socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    serving = asyncio.create_task(sequencer.serve(layout.ledger, socket))
    try:
        await asyncio.wait({serving}, timeout=_A_MOMENT)
        if serving.done():
            await serving  # raises what kept the log from being opened
        yield  # the client asks again until it is answered
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
        socket.unlink(missing_ok=True)
