"""The log as C2SP tlog-tiles: which hashes stand in which tile, and how tiles and entry bundles are named and written.

A tile at level L holds up to 256 consecutive nodes of height 8·L; a partial one, at the tree's right edge, holds fewer and says how many.
Nothing here is kept beside the database: a tile is a range of its rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDTH = 256
"""Hashes in a full tile."""
HEIGHT = 8
"""Levels of the tree in one level of tiles."""
HIGHEST = 63
LONGEST_ENTRY = (1 << 16) - 1
"""Bytes of an entry that a bundle can hold: its length stands in 16 bits."""
ENTRIES = "entries"
_PATH = re.compile(r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?")


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile: `level` None is the bundle of entries beside a tile of level 0; `width` of its hashes are asked for."""

    level: int | None
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Its name under the log's prefix."""
        digits = f"{self.index:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        steps = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{ENTRIES if self.level is None else self.level}/{steps}{partial}"

    @property
    def first(self) -> int:
        """Position of its first hash among the nodes of its height."""
        return self.index * WIDTH

    def there(self, size: int) -> bool:
        """Whether a tree of `size` leaves has that many of its hashes."""
        return self.first + self.width <= size >> (HEIGHT * (self.level or 0))


def read_path(path: str) -> Tile | None:
    """The tile of this name; None when it names none. A name has one spelling: zeros that say nothing name nothing."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    level = None if match["level"] == ENTRIES else int(match["level"])
    tile = Tile(level, int(match["index"].replace("x", "").replace("/", "")), int(match["width"] or WIDTH))
    return tile if tile.path == path and (level or 0) <= HIGHEST else None


def of_tree(size: int) -> Iterator[Tile]:
    """Every hash tile of a tree of `size` leaves, partial ones at its edge."""
    level = 0
    while count := size >> (HEIGHT * level):
        yield from (Tile(level, index) for index in range(count // WIDTH))
        if count % WIDTH:
            yield Tile(level, count // WIDTH, count % WIDTH)
        level += 1


def bundle(entries: Sequence[bytes]) -> bytes | None:
    """An entry bundle; None when an entry is longer than the form allows."""
    if any(len(entry) > LONGEST_ENTRY for entry in entries):
        return None
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)
