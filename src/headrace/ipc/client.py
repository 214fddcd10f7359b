"""The asking side: one connection, many calls in flight, reconnecting when the other process was restarted."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import msgspec

from headrace.core import errors
from headrace.core.errors import HeadraceError, Unavailable
from headrace.ipc.frames import FrameTooLarge, pack, read

if TYPE_CHECKING:
    from pathlib import Path

_decoder = msgspec.msgpack.Decoder(tuple[int, str, msgspec.Raw])
_encoder = msgspec.msgpack.Encoder()


class _Failure(msgspec.Struct):
    type: str
    code: str
    message: str
    param: str | None = None
    mend: str | None = None


class Client:
    """Calls methods of the process that listens on `path`. Safe for any number of tasks of one event loop."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name
        self._writer: asyncio.StreamWriter | None = None
        self._listener: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._last = 0
        self._connecting = asyncio.Lock()

    async def call(self, method: str, payload: bytes) -> bytes:
        """Ask, and wait for the answer (both MessagePack).

        Raises the error that the other side raised (same class and code), or Unavailable when the process is not there or goes away
        before it has answered: then nobody knows whether the act was done.
        """
        writer = self._writer
        if writer is None or writer.is_closing():
            writer = await self._connect()
        self._last += 1
        number = self._last
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            writer.write(pack(_encoder.encode((number, method, msgspec.Raw(payload)))))
            return await future
        finally:
            self._waiting.pop(number, None)

    async def close(self) -> None:
        """Hang up. Idempotent."""
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener
            self._listener = None
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    async def _connect(self) -> asyncio.StreamWriter:
        async with self._connecting:
            if self._writer is not None and not self._writer.is_closing():
                return self._writer
            try:
                reader, writer = await asyncio.open_unix_connection(str(self._path))
            except OSError as error:
                raise self._gone() from error
            self._writer = writer
            self._listener = asyncio.create_task(self._listen(reader, writer))
            return writer

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                number, status, payload = _decoder.decode(await read(reader))
                future = self._waiting.get(number)
                if future is None or future.done():
                    continue
                if status == "ok":
                    future.set_result(bytes(payload))
                else:
                    future.set_exception(_rebuild(msgspec.msgpack.decode(payload, type=_Failure)))
        except (asyncio.IncompleteReadError, ConnectionError, msgspec.DecodeError, FrameTooLarge):
            pass  # every waiting call is told below
        finally:
            writer.close()
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(self._gone())

    def _gone(self) -> Unavailable:
        return Unavailable(f"The {self._name} process is not there.", code=f"internal.{self._name}_unavailable", mend="It is restarted by itself; try again.")


def _rebuild(failure: _Failure) -> HeadraceError:
    kind = getattr(errors, failure.type, HeadraceError)
    if not (isinstance(kind, type) and issubclass(kind, HeadraceError)) or kind is errors.ConfigurationFaults:
        kind = HeadraceError
    return kind(failure.message, code=failure.code, param=failure.param, mend=failure.mend)
