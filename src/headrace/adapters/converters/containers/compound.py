"""Compound files (MS-CFB), the folders and streams in which old Office keeps its documents. Read only, in memory.

Hostile by assumption: chains may run in circles, and entries may share their bytes; what is read is never more than twice the file.
"""

from __future__ import annotations

import struct
from typing import Final

from headrace.core.errors import ConversionFailed

_HEADER: Final = struct.Struct("<8x16x2xHxxHH6xxxxxIIxxxxIIIII")
_ENTRY: Final = struct.Struct("<64sHBxIII16x4x8x8xIQ")
_SIGNATURE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_IN_HEADER: Final = 109
"""Sectors of the allocation table that the header itself names."""
_LAST: Final = 0xFFFFFFFA
"""Sector numbers from here on are marks and no sectors."""
_STORAGE, _STREAM, _ROOT = 1, 2, 5
_DEEPEST: Final = 16
Storage = dict[str, "bytes | Storage"]
"""What a folder holds: streams, and folders."""


def storage(content: bytes) -> Storage:
    """The root folder of a compound file. Raises ConversionFailed when it is none, or broken."""
    try:
        return _File(content).root()
    except (struct.error, IndexError, ValueError):
        raise broken() from None


def broken() -> ConversionFailed:
    """What is raised of a file that breaks off or leads nowhere."""
    return ConversionFailed("It is broken: it cannot be parsed.", mend="Open it, and save it anew.")


class _File:
    def __init__(self, content: bytes) -> None:
        if not content.startswith(_SIGNATURE):
            raise broken()
        major, shift, small_shift, _, first, cutoff, small_first, _, more, _ = _HEADER.unpack_from(content)
        if shift not in {9, 12} or small_shift != 6:  # noqa: PLR2004  512 or 4,096 bytes, and 64: there are no others
            raise broken()
        self._content, self._size, self._cutoff = content, 1 << shift, cutoff
        self._left = 2 * len(content)
        self._mask = 0xFFFFFFFF if major == 3 else 0xFFFFFFFFFFFFFFFF  # noqa: PLR2004  version 3 leaves the upper half undefined
        self._next = self._table(self._table_sectors(more))
        entries = self._chain(first, self._next, content, self._size, -1)
        self._entries = [_ENTRY.unpack_from(entries, at) for at in range(0, len(entries) - _ENTRY.size + 1, _ENTRY.size)]
        self._small_next = self._table(self._sectors(small_first))
        root = self._entries[0]
        self._small = self._chain(root[6], self._next, content, self._size, root[7] & self._mask)

    def root(self) -> Storage:
        """All that it holds."""
        return self._folder(self._entries[0][5], {0}, 0)

    def _folder(self, child: int, seen: set[int], depth: int) -> Storage:
        found: Storage = {}
        waiting = [child]
        while waiting:
            at = waiting.pop()
            if at >= len(self._entries) or at in seen:
                continue
            seen.add(at)
            name, length, kind, left, right, below, start, size = self._entries[at]
            waiting += [left, right]
            words = name[: max(0, min(length, 64) - 2)].decode("utf-16-le", errors="replace")
            if kind == _STREAM:
                found[words] = self._stream(start, size & self._mask)
            elif kind == _STORAGE and depth < _DEEPEST:
                found[words] = self._folder(below, seen, depth + 1)
        return found

    def _stream(self, start: int, size: int) -> bytes:
        if size < self._cutoff:
            return self._chain(start, self._small_next, self._small, 64, size, first=0)
        return self._chain(start, self._next, self._content, self._size, size)

    def _chain(self, start: int, following: list[int], within: bytes, unit: int, size: int, *, first: int = 1) -> bytes:
        """The bytes of a chain of sectors, `size` of them (-1: all). `first`: sectors before the first one."""
        pieces: list[bytes] = []
        most = len(following) if size < 0 else -(-size // unit)
        while start < _LAST and len(pieces) < most:
            at = (start + first) * unit
            pieces.append(within[at : at + unit])
            start = following[start]
        whole = b"".join(pieces)
        whole = whole if size < 0 else whole[:size]
        self._left -= len(whole)
        if self._left < 0 or len(whole) < size:
            raise broken()
        return whole

    def _sectors(self, start: int) -> list[int]:
        found: list[int] = []
        while start < _LAST and len(found) <= len(self._next):
            found.append(start)
            start = self._next[start]
        return found

    def _table_sectors(self, more: int) -> list[int]:
        """The sectors of the allocation table."""
        named = list(struct.unpack_from(f"<{_IN_HEADER}I", self._content, 76))
        each = self._size // 4
        most = len(self._content) // self._size
        while more < _LAST and len(named) <= most:
            *sectors, more = struct.unpack_from(f"<{each}I", self._content, (more + 1) * self._size)
            named += sectors
        return [sector for sector in named if sector < _LAST][: most // each + 2]

    def _table(self, sectors: list[int]) -> list[int]:
        found: list[int] = []
        for sector in sectors:
            found += struct.unpack_from(f"<{self._size // 4}I", self._content, (sector + 1) * self._size)
        return found
