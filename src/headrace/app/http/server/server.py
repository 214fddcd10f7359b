"""Serving the application on a listening socket that is already there, in the event loop that already runs.

uvicorn gives the protocol (:mod:`headrace.app.http.server.connection`), not the process: signals, loop and socket are the caller's.
Cancelling :func:`serve` drains it: nothing new is taken, and what is under way is finished within a bound.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Final

from uvicorn.config import Config
from uvicorn.server import ServerState

from headrace.app.http.server.connection import Connection

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from starlette.types import ASGIApp

    from headrace.config.model import Limits

KEEP_ALIVE_S: Final = 75
"""Seconds that an unused connection is kept: longer than proxies commonly do (60), so that they are the ones to close it."""
DRAIN_S: Final = 30.0
"""Seconds in which answers under way may end when the server stops."""
PARTING_S: Final = 2.0
"""Seconds in which kept connections may ask once more when another process has succeeded this one."""
CUT_S: Final = 3.0
"""Seconds in which answers that were cut off after that may still be recorded."""
BACKLOG: Final = 1024
_LOOK_S: Final = 0.02

_log = logging.getLogger(__name__)


async def serve(
    application: ASGIApp,
    listener: socket.socket,
    on_ready: Callable[[], None],
    limits: Callable[[], Limits],
    *,
    drain: float = DRAIN_S,
    succeeded: Callable[[], bool] = lambda: False,
) -> None:
    """Serve until cancelled, then finish the answers under way within `drain` seconds. `limits` is asked anew for every request.

    When another process `succeeded` this one on the same socket, connections get one answer more before they are let go: a client that is
    asking just now is told to ask the next thing on another connection, rather than finding this one closed.
    """
    config = Config(
        application,  # pyright: ignore[reportArgumentType] - the same protocol under two names
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    config.load()
    state, most = ServerState(), most_connections()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(config, state, limits, most), sock=listener, backlog=BACKLOG)
    try:
        on_ready()
        await _tell_the_time(state)
    finally:
        server.close()
        if succeeded():
            state.default_headers = [*state.default_headers, (b"connection", b"close")]
            await _quiet(state, PARTING_S)
        await _drained(state, drain)


def most_connections() -> int:
    """Connections that are taken at one time: half of the files that this process may open, the rest is for what they ask for."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft // 2 if soft != resource.RLIM_INFINITY else 1 << 16


async def _tell_the_time(state: ServerState) -> None:
    """Keep the Date header right, which RFC 9110 asks of a server that has a clock; for ever."""
    while True:
        state.default_headers = [(b"date", formatdate(time.time(), usegmt=True).encode())]
        await asyncio.sleep(1.0)


async def _drained(state: ServerState, within: float) -> None:
    """Let idle connections go and busy ones end. What is still under way after `within` seconds is cut off, which its record says."""
    for connection in list(state.connections):
        connection.shutdown()
    try:
        await _quiet(state, within)
    finally:  # also when a second signal cancels the waiting
        if state.tasks:
            _log.warning("%d answers had not ended and are cut off", len(state.tasks))
            for task in list(state.tasks):
                task.cancel()
            await _quiet(state, CUT_S)
        for connection in list(state.connections):
            connection.transport.abort()


async def _quiet(state: ServerState, within: float) -> None:
    """Wait until nothing is under way, at most `within` seconds."""
    loop = asyncio.get_running_loop()
    until = loop.time() + within
    while (state.tasks or state.connections) and loop.time() < until:
        await asyncio.sleep(_LOOK_S)
