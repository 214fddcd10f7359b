"""Containers that are open in the conversion child: each is unpacked once, a batch after the other, while others are read in between.

Where the child was replaced meanwhile, or more are open than are kept, a container is sent once more and unpacked up to where it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.adapters.converters.layout import storable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.adapters.converters.containers.archives import Held

BATCH = 8 * 1024 * 1024
"""Bytes of what a container holds, after which a batch ends."""
MOST_OPEN = 4
"""Containers that are kept: they lie in each other, and no deeper."""


class Unpacking:
    """One container, as far as it has been unpacked."""

    def __init__(self, files: Iterator[Held]) -> None:
        self._files = files
        self._next: Held | None = next(files, None)
        self.at = 0
        """The number of the file that comes next."""

    @property
    def more(self) -> bool:
        """Does it hold more?"""
        return self._next is not None

    def skip(self, until: int) -> None:
        """Pass over what was given already."""
        while self.at < until and self._next is not None:
            self._step()

    def batch(self) -> list[Held]:
        """As many of the files that come next as fit. Raises what the unpackers raise."""
        taken: list[Held] = []
        size = 0
        while self._next is not None and size < BATCH:
            each = self._next
            taken.append(type(each)(storable(each.path), each.content, each.reason))
            size += len(each.content)
            self._step()
        return taken

    def _step(self) -> None:
        self._next = next(self._files, None)
        self.at += 1


class Opened:
    """The containers that are open, by the number that the other side gave them."""

    def __init__(self) -> None:
        self._open: dict[int, Unpacking] = {}

    def take(self, number: int, first: int) -> Unpacking | None:
        """The container, when it is open and was unpacked up to the file `first`. It is no longer kept then."""
        found = self._open.pop(number, None)
        return found if found is not None and found.at == first else None

    def keep(self, number: int, unpacking: Unpacking) -> None:
        """Keep it for the next batch; the one that has waited longest goes where there are too many."""
        self._open[number] = unpacking
        if len(self._open) > MOST_OPEN:
            del self._open[next(iter(self._open))]
