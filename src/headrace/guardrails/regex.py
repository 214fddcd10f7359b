"""The typed face of google-re2 over UTF-8 bytes: linear in the text whatever the pattern, offsets in bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

import re2  # pyright: ignore[reportMissingTypeStubs]

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Match(Protocol):
    """One match."""

    def start(self, group: int = 0) -> int:
        """Its first byte; -1 when the group took no part."""
        ...

    def end(self, group: int = 0) -> int:
        """The byte behind its last."""
        ...

    def span(self, group: int = 0) -> tuple[int, int]:
        """Both."""
        ...

    def group(self, group: int = 0) -> bytes:
        """What it holds."""
        ...


class Regex(Protocol):
    """A compiled pattern. Context before `pos` counts: a word boundary is where it is in the whole."""

    def search(self, text: bytes, pos: int = 0) -> Match | None:
        """The leftmost match that starts at `pos` or later."""
        ...

    def match(self, text: bytes, pos: int = 0) -> Match | None:
        """The match that starts at `pos`."""
        ...

    def fullmatch(self, text: bytes) -> Match | None:
        """The match that is all of `text`."""
        ...

    def finditer(self, text: bytes) -> Iterator[Match]:
        """Matches from left to right, none beginning in the one before."""
        ...


def regex(pattern: str) -> Regex:
    """Compile an RE2 pattern."""
    return cast("Regex", re2.compile(pattern.encode()))  # pyright: ignore[reportUnknownMemberType]


def occurrences(pattern: Regex, data: bytes) -> Iterator[Match]:
    """A match from every place where one can begin: unlike those of `finditer` they may overlap, and none hides another."""
    found = pattern.search(data)
    while found is not None:
        yield found
        found = pattern.search(data, found.start() + 1)


class Signs:
    """Many patterns tried in one pass."""

    def __init__(self, patterns: Sequence[str]) -> None:
        made = re2.Set.SearchSet()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        for pattern in patterns:
            made.Add(pattern)  # pyright: ignore[reportUnknownMemberType]
        made.Compile()  # pyright: ignore[reportUnknownMemberType]
        self._match = cast("_SetMatch", made.Match)  # pyright: ignore[reportUnknownMemberType]

    def seen(self, data: bytes) -> Sequence[int]:
        """The indexes of those that match somewhere, in no order."""
        return self._match(data) or ()


class _SetMatch(Protocol):
    def __call__(self, text: bytes) -> Sequence[int] | None: ...
