"""Frames: a 4-byte big-endian length, then one MessagePack array ``[id, method | status, payload]``.

Why not HTTP: the ledger is asked once or twice per request, and a framed message costs a tenth of an HTTP exchange; many requests
share one connection and answers come in any order, which is what lets the ledger commit in groups.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from headrace.core.errors import HeadraceError

if TYPE_CHECKING:
    import asyncio

LENGTH = struct.Struct(">I")
LARGEST_FRAME = 64 * 1024 * 1024
"""Bytes. A larger frame is a defect of the sender; the connection is dropped."""


class FrameTooLarge(HeadraceError):
    """A frame announced more bytes than are ever sent."""

    default_code = "internal.frame_too_large"


def pack(body: bytes) -> bytes:
    """One frame. Raises FrameTooLarge."""
    if len(body) > LARGEST_FRAME:
        msg = f"a frame of {len(body)} bytes is over the limit of {LARGEST_FRAME}"
        raise FrameTooLarge(msg)
    return LENGTH.pack(len(body)) + body


async def read(reader: asyncio.StreamReader) -> bytes:
    """The next frame's body. Raises asyncio.IncompleteReadError at the end of the connection, FrameTooLarge."""
    (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
    if length > LARGEST_FRAME:
        msg = f"a frame of {length} bytes is over the limit of {LARGEST_FRAME}"
        raise FrameTooLarge(msg)
    return await reader.readexactly(length)
