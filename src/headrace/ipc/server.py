"""The answering side: serves named methods to any number of clients on one Unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from headrace.core.errors import HeadraceError
from headrace.ipc.frames import FrameTooLarge, pack, read

if TYPE_CHECKING:
    from pathlib import Path

Method: TypeAlias = Callable[[bytes], Awaitable[bytes]]
"""Takes and gives MessagePack; each method decodes its own typed payload."""

_log = logging.getLogger(__name__)
_decoder = msgspec.msgpack.Decoder(tuple[int, str, msgspec.Raw])
_encoder = msgspec.msgpack.Encoder()


async def serve(path: Path, methods: Mapping[str, Method]) -> asyncio.Server:
    """Listen on `path` (mode 0600; a socket left by a dead process is replaced). Close the returned server to stop."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _Connection(reader, writer, methods).run()

    before = os.umask(0o177)
    try:
        return await asyncio.start_unix_server(connected, path=str(path))
    finally:
        os.umask(before)


class _Connection:
    """One client: requests run side by side, answers go out as they are ready."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, methods: Mapping[str, Method]) -> None:
        self._reader = reader
        self._writer = writer
        self._methods = methods
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        try:
            while True:
                number, name, payload = _decoder.decode(await read(self._reader))
                task = asyncio.create_task(self._answer(number, name, bytes(payload)))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client went away: the normal end of a connection
        except (msgspec.DecodeError, FrameTooLarge) as error:
            _log.error("dropped a connection that sent a bad frame: %s", error)
        finally:
            for task in self._running:
                task.cancel()
            self._writer.close()

    async def _answer(self, number: int, name: str, payload: bytes) -> None:
        try:
            method = self._methods.get(name)
            if method is None:
                reply = _failure(number, HeadraceError(f"no method {name!r}", code="internal.no_such_method"))
            else:
                reply = _encoder.encode((number, "ok", msgspec.Raw(await method(payload))))
        except HeadraceError as error:
            reply = _failure(number, error)
        except Exception as error:
            _log.exception("%s failed", name)
            reply = _failure(number, HeadraceError(f"{name} failed with {type(error).__name__}"))
        self._writer.write(pack(reply))
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()


def _failure(number: int, error: HeadraceError) -> bytes:
    detail = {"type": type(error).__name__, "code": error.code, "message": error.message, "param": error.param, "mend": error.mend}
    return _encoder.encode((number, "error", detail))
