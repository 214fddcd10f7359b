"""Frames: a 4-byte big-endian length, then one MessagePack array ``[id, method | status, payload]``.

Why not HTTP: the ledger is asked once or twice per request, and a framed message costs a tenth of an HTTP exchange; many requests
share one connection and answers come in any order, which is what lets the ledger commit in groups.
"""

from __future__ import annotations

import asyncio
import struct
from abc import ABC, abstractmethod
from typing import cast

import msgspec

from headrace.core.errors import HeadraceError

LENGTH = struct.Struct(">I")
LARGEST_FRAME = 64 * 1024 * 1024
"""Bytes. A larger frame is a defect of the sender; the connection is dropped."""


class FrameTooLarge(HeadraceError):
    """A frame announced more bytes than are ever sent."""

    default_code = "internal.frame_too_large"


def pack(body: bytes) -> bytes:
    """One frame. Raises FrameTooLarge."""
    return LENGTH.pack(_allowed(len(body))) + body


class Splitter:
    """Cuts a stream of bytes, however it was torn, into the bodies of its frames."""

    def __init__(self) -> None:
        self._wanted = LENGTH.size
        self._parts: list[bytes] = []
        self._held = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The bodies that these bytes complete, in order. Raises FrameTooLarge."""
        self._parts.append(data)
        self._held += len(data)
        if self._held < self._wanted:
            return []
        stream, at = b"".join(self._parts), 0
        bodies: list[bytes] = []
        self._wanted = LENGTH.size
        while len(stream) - at >= LENGTH.size:
            end = at + LENGTH.size + _allowed(LENGTH.unpack_from(stream, at)[0])
            if end > len(stream):
                self._wanted = end - at
                break
            bodies.append(stream[at + LENGTH.size : end])
            at = end
        self._parts, self._held = [stream[at:]], len(stream) - at
        return bodies


class Connection(asyncio.Protocol, ABC):
    """One end of a socket. What is sent within one turn of the event loop leaves in one write: a group of answers is one system call."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._splitter = Splitter()
        self._out: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._lost: asyncio.Future[None] = self._loop.create_future()
        self._flowing: asyncio.Future[None] | None = None

    @abstractmethod
    def received(self, body: bytes) -> None:
        """A whole frame came. Raising HeadraceError or msgspec.DecodeError drops the connection."""

    @abstractmethod
    def dropped(self, error: Exception) -> None:
        """The other side sent what is not a frame; the connection is being closed."""

    @abstractmethod
    def ended(self) -> None:
        """The connection is gone: called once."""

    @property
    def closing(self) -> bool:
        """Nothing can be sent any more."""
        return self._transport is None or self._transport.is_closing()

    def send(self, body: bytes) -> None:
        """Send a frame; after the end of the connection it goes nowhere. Raises FrameTooLarge."""
        frame = pack(body)
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(frame)

    async def flowing(self) -> None:
        """Wait until the other side takes what it was sent, or is gone."""
        if self._flowing is not None:
            await asyncio.shield(self._flowing)

    async def close(self) -> None:
        """Send what is waiting, hang up, and wait until that is done. Idempotent."""
        self._flush()
        if self._transport is not None:
            self._transport.close()
            await asyncio.shield(self._lost)

    def abort(self) -> None:
        """Hang up now; what was not sent is lost."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of the event loop's protocol."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclasses of asyncio's

    def data_received(self, data: bytes) -> None:
        """Part of the event loop's protocol."""
        try:
            for body in self._splitter.feed(data):
                self.received(body)
        except (HeadraceError, msgspec.DecodeError) as error:
            self.dropped(error)
            self.abort()

    def pause_writing(self) -> None:
        """Part of the event loop's protocol."""
        self._flowing = self._loop.create_future()

    def resume_writing(self) -> None:
        """Part of the event loop's protocol."""
        flowing, self._flowing = self._flowing, None
        if flowing is not None and not flowing.done():
            flowing.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Part of the event loop's protocol. Why it ended does not matter: who waits is told that nobody is there."""
        del exc
        self.resume_writing()
        if not self._lost.done():
            self._lost.set_result(None)
        self.ended()

    def _flush(self) -> None:
        if self._out and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._out))
        self._out.clear()


def _allowed(length: int) -> int:
    if length > LARGEST_FRAME:
        msg = f"a frame of {length} bytes is over the limit of {LARGEST_FRAME}"
        raise FrameTooLarge(msg)
    return length
