"""The answering side: serves named methods to any number of clients on one Unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Self, TypeAlias

import msgspec

from headrace.core.errors import HeadraceError
from headrace.ipc.frames import Connection

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

Method: TypeAlias = Callable[[bytes], Awaitable[bytes]]
"""Takes and gives MessagePack; each method decodes its own typed payload. One that returns a Future is spared a task of its own."""

MOST_CALLS = 1024
"""Calls of one client under way at one time; the next is read when one has been answered."""

LOOK_PAUSE = 0.05
"""Seconds between looks whether everybody has hung up."""

_log = logging.getLogger(__name__)
_decoder = msgspec.msgpack.Decoder(tuple[int, str, msgspec.Raw])
_encoder = msgspec.msgpack.Encoder()


async def serve(path: Path, methods: Mapping[str, Method]) -> Serving:
    """Listen on `path` (mode 0600; a socket left by a dead process is replaced). Close what is returned to stop."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108 - one system call, on a local file system
    connections: set[_Answering] = set()
    before = os.umask(0o177)
    try:
        listener = await asyncio.get_running_loop().create_unix_server(lambda: _Answering(methods, connections), str(path))
    finally:
        os.umask(before)
    return Serving(listener, connections)


class Serving:
    """A listening server and its connections. As a context manager it drains at the end of the block."""

    def __init__(self, listener: asyncio.Server, connections: set[_Answering]) -> None:
        self._listener = listener
        self._connections = connections

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.drain()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    async def deserted(self, within: Callable[[], float]) -> None:
        """Wait until nobody is connected any more, at most `within` seconds, as it says then; everybody is answered meanwhile."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while self._connections and loop.time() - began < within():
            await asyncio.sleep(LOOK_PAUSE)

    async def drain(self) -> None:
        """Take no more calls, answer those under way, send the answers, hang up."""
        self.close()
        await asyncio.gather(*(connection.drain() for connection in list(self._connections)))


class _Answering(Connection):
    """One client: calls run side by side, answers go out as they are ready."""

    def __init__(self, methods: Mapping[str, Method], connections: set[_Answering]) -> None:
        super().__init__()
        self._methods = methods
        self._connections = connections
        self._running: set[asyncio.Future[bytes]] = set()
        self._draining = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connections.add(self)

    def received(self, body: bytes) -> None:
        number, name, payload = _decoder.decode(body)
        if self._draining:
            return  # it is told when the connection ends: not done
        method = self._methods.get(name)
        if method is None:
            self.send(_failure(number, HeadraceError(f"no method {name!r}", code="internal.no_such_method")))
            return
        answer = asyncio.ensure_future(_called(method, bytes(payload)))
        self._running.add(answer)
        answer.add_done_callback(functools.partial(self._answered, number, name))
        self._heed()

    def dropped(self, error: Exception) -> None:
        _log.error("dropped a connection that sent a bad frame: %s", error)

    def ended(self) -> None:
        self._connections.discard(self)
        for answer in list(self._running):
            answer.cancel()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._heed()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._heed()

    async def drain(self) -> None:
        self._draining = True
        while self._running:
            await asyncio.wait(list(self._running))
            await asyncio.sleep(0)  # their answers are handed over in the loop's next turn
        await self.close()

    def _answered(self, number: int, name: str, answer: asyncio.Future[bytes]) -> None:
        self._running.discard(answer)
        if self.closing:
            return
        error = asyncio.CancelledError() if answer.cancelled() else answer.exception()
        try:
            self.send(_encoder.encode((number, "ok", msgspec.Raw(answer.result()))) if error is None else _told(number, name, error))
        except HeadraceError as too_large:
            self.send(_failure(number, too_large))
        self._heed()

    def _heed(self) -> None:
        """Read on only while the client takes its answers and has not too many calls under way."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._flowing is not None or len(self._running) >= MOST_CALLS:
            transport.pause_reading()
        elif not transport.is_reading():
            transport.resume_reading()


def _called(method: Method, payload: bytes) -> Awaitable[bytes]:
    try:
        return method(payload)
    except (HeadraceError, msgspec.DecodeError) as error:
        failed: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        failed.set_exception(error)
        return failed


def _told(number: int, name: str, error: BaseException) -> bytes:
    if isinstance(error, HeadraceError):
        return _failure(number, error)
    _log.error("%s failed", name, exc_info=error)
    return _failure(number, HeadraceError(f"{name} failed with {type(error).__name__}"))


def _failure(number: int, error: HeadraceError) -> bytes:
    detail = {"type": type(error).__name__, "code": error.code, "message": error.message, "param": error.param, "mend": error.mend}
    return _encoder.encode((number, "error", detail))
