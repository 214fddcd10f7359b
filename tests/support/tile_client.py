"""A client of C2SP tlog-tiles, written from the specification (and RFC 6962) alone: it knows a log by what it fetches, and shares no code
with it. Slow, and plain."""

from __future__ import annotations

import base64
import hashlib
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def leaf(entry: bytes) -> bytes:
    """RFC 6962, 2.1."""
    return hashlib.sha256(b"\x00" + entry).digest()


def pair(left: bytes, right: bytes) -> bytes:
    """RFC 6962, 2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def name(level: int | str, index: int, width: int = 256) -> str:
    """ "1234067 will be encoded as x001/x234/067"."""
    elements = [f"{index % 1000:03d}"]
    while (index := index // 1000) > 0:
        elements.insert(0, f"x{index % 1000:03d}")
    return f"tile/{level}/" + "/".join(elements) + (f".p/{width}" if width < 256 else "")


@dataclass
class TileClient:
    """`get` fetches a path under the log's prefix; None when it is not there. `size` is that of the tree in question."""

    get: Callable[[str], bytes | None]
    size: int
    fetched: dict[str, bytes] = field(default_factory=dict[str, bytes])

    @staticmethod
    def checkpoint(get: Callable[[str], bytes | None]) -> tuple[str, int, bytes]:
        """Origin, size and root of the latest checkpoint. Its signature is not looked at here."""
        note = get("checkpoint")
        assert note is not None
        origin, size, root = note.decode().split("\n\n")[0].split("\n")[:3]
        return origin, int(size), base64.b64decode(root)

    def fetch(self, path: str) -> bytes:
        if path not in self.fetched:
            content = self.get(path)
            assert content is not None, path
            self.fetched[path] = content
        return self.fetched[path]

    def tile(self, level: int, index: int) -> bytes:
        """ "floor(s / 256**l) mod 256" hashes where it is partial."""
        whole = self.size // 256**level
        width = 256 if index < whole // 256 else whole % 256
        content = self.fetch(name(level, index, width))
        assert len(content) == width * 32
        return content

    def mth(self, start: int, end: int) -> bytes:
        """MTH(D[start:end]): where it is a hash that a tile holds, from there; else from its two halves."""
        n = end - start
        if n == 0:
            return hashlib.sha256(b"").digest()
        level = 0
        while 256**level < n:
            level += 1
        if 256**level == n:
            position = start // n
            assert position * n == start
            at = position % 256 * 32
            return self.tile(level, position // 256)[at : at + 32]
        k = split(n)
        return pair(self.mth(start, start + k), self.mth(start + k, end))

    def root(self) -> bytes:
        """The root that its tiles make."""
        return self.mth(0, self.size)

    def path(self, m: int, start: int = 0, end: int | None = None) -> list[bytes]:
        """PATH(m, D[n]), RFC 6962, 2.1.1."""
        end = self.size if end is None else end
        if end - start == 1:
            return []
        k = start + split(end - start)
        if m < k:
            return [*self.path(m, start, k), self.mth(k, end)]
        return [*self.path(m, k, end), self.mth(start, k)]

    def proof(self, m: int) -> list[bytes]:
        """PROOF(m, D[n]), RFC 6962, 2.1.2."""
        return self._subproof(m, 0, self.size, whole=True)

    def _subproof(self, m: int, start: int, end: int, *, whole: bool) -> list[bytes]:
        if m == end - start:
            return [] if whole else [self.mth(start, end)]
        k = split(end - start)
        if m <= k:
            return [*self._subproof(m, start, start + k, whole=whole), self.mth(start + k, end)]
        return [*self._subproof(m - k, start + k, end, whole=False), self.mth(start, start + k)]

    def entries(self) -> list[bytes]:
        """Every entry, from the bundles; each is held against the tile beside it."""
        found: list[bytes] = []
        for index in range(-(-self.size // 256)):
            content = self.fetch(name("entries", index, min(256, self.size - index * 256)))
            while content:
                (length,) = struct.unpack(">H", content[:2])
                found.append(content[2 : 2 + length])
                content = content[2 + length :]
        hashes = b"".join(self.tile(0, index) for index in range(-(-self.size // 256)))
        assert b"".join(leaf(entry) for entry in found) == hashes
        return found
