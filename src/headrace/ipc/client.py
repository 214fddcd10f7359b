"""The asking side: one connection, many calls in flight, reconnecting when the other process was restarted."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import msgspec

from headrace.core import errors
from headrace.core.errors import HeadraceError, Unavailable
from headrace.ipc.frames import Connection

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)
_decoder = msgspec.msgpack.Decoder(tuple[int, str, msgspec.Raw])
_encoder = msgspec.msgpack.Encoder()


class _Failure(msgspec.Struct):
    type: str
    code: str
    message: str
    param: str | None = None
    mend: str | None = None


_failures = msgspec.msgpack.Decoder(_Failure)


class Client:
    """Calls methods of the process that listens on `path`. Safe for any number of tasks of one event loop."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name
        self._link: _Link | None = None
        self._connecting = asyncio.Lock()

    async def call(self, method: str, payload: bytes, *, within: float | None = None) -> bytes:
        """Ask, and wait for the answer (both MessagePack), at most `within` seconds from when it was sent.

        Raises the error that the other side raised (same class and code), or Unavailable when the process is not there
        (``internal.<name>_unavailable``), goes away, or does not answer in time (``internal.<name>_slow``): then nobody knows whether the
        act was done.
        """
        link = self._link
        if link is None or link.closing:
            link = await self._connect()
        await link.flowing()
        return await link.ask(method, payload, within)

    async def close(self) -> None:
        """Hang up; calls in flight end with Unavailable. Idempotent."""
        async with self._connecting:
            link, self._link = self._link, None
            if link is not None:
                await link.close()

    async def _connect(self) -> _Link:
        async with self._connecting:
            if self._link is not None and not self._link.closing:
                return self._link
            loop = asyncio.get_running_loop()
            try:
                _, link = await loop.create_unix_connection(lambda: _Link(self._name), str(self._path))
            except OSError as error:
                raise _gone(self._name) from error
            self._link = link
            return link


class _Link(Connection):
    """One connection and the calls that wait on it: when it ends, they end, and no other connection's."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._last = 0
        self._waiting: dict[int, asyncio.Future[bytes]] = {}

    async def ask(self, method: str, payload: bytes, within: float | None) -> bytes:
        if self.closing:
            raise _gone(self._name)
        self._last += 1
        number = self._last
        future: asyncio.Future[bytes] = self._loop.create_future()
        self.send(_encoder.encode((number, method, msgspec.Raw(payload))))
        self._waiting[number] = future
        timer = self._loop.call_later(within, self._expire, future) if within is not None else None
        try:
            return await future
        finally:
            self._waiting.pop(number, None)
            if timer is not None:
                timer.cancel()

    def received(self, body: bytes) -> None:
        number, status, payload = _decoder.decode(body)
        future = self._waiting.get(number)
        if future is None or future.done():
            return  # its caller has left
        if status == "ok":
            future.set_result(bytes(payload))
        else:
            future.set_exception(_rebuild(_failures.decode(payload)))

    def dropped(self, error: Exception) -> None:
        _log.error("dropped the connection to the %s process, which sent a bad frame: %s", self._name, error)

    def ended(self) -> None:
        for future in self._waiting.values():
            _fail(future, _gone(self._name))

    def _expire(self, future: asyncio.Future[bytes]) -> None:
        _fail(future, _slow(self._name))


def _fail(future: asyncio.Future[bytes], error: Unavailable) -> None:
    if not future.done():
        future.set_exception(error)


def _gone(name: str) -> Unavailable:
    said = f"The {name} process is not there."
    return Unavailable(said, code=f"internal.{name}_unavailable", mend="It is restarted by itself; try again.")


def _slow(name: str) -> Unavailable:
    said = f"The {name} process does not answer in time."
    return Unavailable(said, code=f"internal.{name}_slow", mend="Try again; see its log if it stays so.")


def _rebuild(failure: _Failure) -> HeadraceError:
    kind = getattr(errors, failure.type, HeadraceError)
    if not (isinstance(kind, type) and issubclass(kind, HeadraceError)) or kind is errors.ConfigurationFaults:
        kind = HeadraceError
    return kind(failure.message, code=failure.code, param=failure.param, mend=failure.mend)
