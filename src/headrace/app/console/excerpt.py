"""A stretch of a stored text as numbered lines, with the quoted characters told apart. Large texts are shown in pieces."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

WHOLE: Final = 60_000
"""Characters up to which a text is shown whole."""
PIECE: Final = 20_000
"""Characters of a piece of a longer text."""
_BEFORE = PIECE // 4
"""How much of a piece precedes the quote."""
_SLACK = 2_000
"""How far a piece is moved so that it begins and ends with a line."""
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")


@dataclass(frozen=True, slots=True)
class Run:
    """Characters of one line that are all quoted, or all not."""

    text: str
    quoted: bool
    first: bool = False
    """Here the quote begins (or goes on from the piece before)."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the stored text, by its number from 1."""

    n: int
    runs: Sequence[Run]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The stretch from `begin` to `end` (characters into the stored text)."""

    begin: int
    end: int
    lines: Sequence[Line]
    earlier: int | None
    """Where the piece before begins; None when there is none."""
    later: int | None
    """Where the piece after begins; None when there is none."""


def excerpt(text: str, start: int, end: int, at: int | None = None) -> Excerpt:
    """The piece of `text` around the quote from `start` to `end`, or the one that begins at `at`; all of it when it is short."""
    size = len(text)
    if size <= WHOLE:
        return Excerpt(0, size, _lines(text, 0, size, start, end), None, None)
    if at is None:
        begin = _line_start(text, max(0, start - _BEFORE))
        reach = max(begin + PIECE, min(end, begin + 2 * PIECE))
    else:
        begin = min(max(0, at), size - 1)
        reach = begin + PIECE
    stop = _line_end(text, min(size, reach))
    earlier = _line_start(text, max(0, begin - PIECE)) if begin else None
    return Excerpt(begin, stop, _lines(text, begin, stop, start, end), earlier, stop if stop < size else None)


def _line_start(text: str, offset: int) -> int:
    """The beginning of the line that holds `offset`, unless it is far."""
    least = max(0, offset - _SLACK)
    found = text.rfind("\n", least, offset)
    found = text.rfind("\r", least, offset) if found < 0 else found
    return found + 1 if found >= 0 else (0 if least == 0 else offset)


def _line_end(text: str, offset: int) -> int:
    """Behind the end of the line that holds `offset`, unless it is far."""
    found = text.find("\n", max(0, offset - 1), offset + _SLACK)
    return found + 1 if found >= 0 else min(offset, len(text))


def _lines(text: str, begin: int, stop: int, start: int, end: int) -> list[Line]:
    n = 1 + _line_ends(text, begin)
    lines: list[Line] = []
    first = True
    for found in _LINE.finditer(text, begin, stop):
        runs = list(_runs(found[0], found.start(), start, end))
        if first and (quoted := next((at for at, run in enumerate(runs) if run.quoted), None)) is not None:
            runs[quoted] = Run(runs[quoted].text, quoted=True, first=True)
            first = False
        lines.append(Line(n, runs))
        n += 1
    return lines


def _runs(line: str, offset: int, start: int, end: int) -> list[Run]:
    """A line cut where the quote begins and ends."""
    cuts = [0, *sorted({min(max(0, each - offset), len(line)) for each in (start, end)}), len(line)]
    return [Run(line[a:b], quoted=start <= offset + a < end) for a, b in itertools.pairwise(cuts) if a < b]


def _line_ends(text: str, before: int) -> int:
    """Line ends among the first `before` characters (CR LF is one)."""
    return text.count("\n", 0, before) + text.count("\r", 0, before) - text.count("\r\n", 0, before)
