"""Where something is in a document, in a person's words: ``page 3``, ``slide 2``, ``sheet “Budget”, B5:F20``, ``line 12``."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.core.values import PlaceKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.core.values import Place

LINED = frozenset({"text/markdown", "text/plain"})
"""Media types whose stored text is the file's own, so that a line means the same in both."""
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(\S.*)$", re.MULTILINE)
_PARAGRAPH = re.compile(r"\n\s*\n")
_LINE_END = re.compile(r"\r\n|\n|\r")
_LINE = re.compile(r"[^\n]*(?:\n|\Z)")
_RULE = re.compile(r"\|(?: --- \|)+")
_BAR = re.compile(r"(?<!\\)\|")
_IN_LINES = re.compile(r"(.*, )?line (\d+)", re.DOTALL)
_IN_ROWS = re.compile(r"rows? (\d+)(?:–(\d+))?")
_IN_CELLS = re.compile(r"(.*, )([A-Z]+)(\d+)(?::([A-Z]+)(\d+))?", re.DOTALL)
_LETTERS = 26


class Places:
    """Where the offsets of one text are. Reads the text once: ask it for many offsets."""

    def __init__(self, text: str, media_type: str, places: Sequence[Place]) -> None:
        self._text = text
        self._places = places
        self._starts = [place.start for place in places]
        self._lined = media_type in LINED
        self._lines: list[int] = []
        self._headings: list[tuple[int, str]] = []
        self._paragraphs: list[int] = []
        if places:
            return
        if self._lined:
            self._lines = [found.end() for found in _LINE_END.finditer(text)]
        else:
            self._headings = [(found.start(), found[1].rstrip(" \t#") or found[1]) for found in _HEADING.finditer(text)]
            self._paragraphs = [found.end() for found in _PARAGRAPH.finditer(text)]

    def at(self, start: int, end: int) -> str:
        """Where the stretch from `start` to `end` is; of one that is in several places, where it begins. What has no place of its own is
        named by its line in a text file, else by the heading above, else by its paragraph."""
        if self._places:
            place = self._places[max(0, bisect.bisect_right(self._starts, start) - 1)]
            return _within(self._text, place, start, end)
        if self._lined:
            return f"line {1 + bisect.bisect_right(self._lines, start)}"
        above = bisect.bisect_right(self._headings, start, key=lambda heading: heading[0])
        if above:
            return f"section “{self._headings[above - 1][1]}”"
        return f"paragraph {1 + bisect.bisect_right(self._paragraphs, start)}"


def narrowed(place: str, text: str, start: int, end: int) -> str:
    """Where the characters from `start` to `end` of a passage's text are, when all of it is at `place`: their own line, row or cells
    where the passage has several, else its place."""
    if line := _IN_LINES.fullmatch(place):
        return f"{line[1] or ''}line {int(line[2]) + len(_LINE_END.findall(text, 0, start))}"
    if rows := _IN_ROWS.fullmatch(place):
        first = int(rows[1])
        table = _last(text, int(rows[2] or first) - first + 1)
        return _rows(table.touched(start, end, first)) if table else place
    if cells := _IN_CELLS.fullmatch(place):
        first = int(cells[3])
        table = _last(text, int(cells[5] or first) - first + 1)
        return cells[1] + _cells(table, start, end, first, _number(cells[2])) if table and table.whole else place
    return place


def _within(text: str, place: Place, start: int, end: int) -> str:
    if place.kind is PlaceKind.WHOLE:
        return place.name
    named = f"{place.name}, " if place.name else ""
    if place.kind is PlaceKind.LINES:
        return f"{named}line {place.row + len(_LINE_END.findall(text, place.start, max(start, place.start)))}"
    table = _table(text, place.body, place.end)
    end = min(end, place.end)
    if place.kind is PlaceKind.ROWS:
        return _rows(table.touched(start, end, place.row))
    return named + _cells(table, start, end, place.row, place.column)


@dataclass(frozen=True, slots=True)
class _Table:
    """Rows of a table in a text: where each line begins and ends."""

    text: str
    rows: tuple[tuple[int, int], ...]

    @property
    def whole(self) -> bool:
        """Whether every row is there from its first bar to its last."""
        return all(self.text[start : start + 1] == "|" and self.text[start:end].endswith("|") for start, end in self.rows)

    def touched(self, start: int, end: int, first: int) -> tuple[int, int]:
        """Numbers of the first and last row that a stretch touches, where the first of all has number `first`; all of them when it
        touches none (a head alone)."""
        numbers = [number for number, row in enumerate(self.rows, first) if row[0] < end and start < row[1]]
        return (numbers[0], numbers[-1]) if numbers else (first, first + len(self.rows) - 1)


def _table(text: str, start: int, end: int) -> _Table:
    """The rows of a stretch: every line but blank ones and rules."""
    lines = ((found.start(), found.start() + len(found[0].rstrip("\n"))) for found in _LINE.finditer(text, start, end) if found[0])
    return _Table(text, tuple(line for line in lines if line[0] < line[1] and not _RULE.fullmatch(text, *line)))


def _last(text: str, count: int) -> _Table | None:
    """The last `count` rows of a passage: what stands before them is context. None when there are fewer."""
    rows = _table(text, 0, len(text)).rows
    return _Table(text, rows[-count:]) if len(rows) >= count else None


def _rows(touched: tuple[int, int]) -> str:
    first, last = touched
    return f"row {first}" if first == last else f"rows {first}–{last}"


def _cells(table: _Table, start: int, end: int, row: int, column: int) -> str:
    """The range of cells that a stretch touches: of one row those cells, of several their whole width."""
    first, last = table.touched(start, end, row)
    at, stop = table.rows[first - row]
    width = max(len(_BAR.findall(table.text, *each)) for each in table.rows[first - row : last - row + 1]) - 1
    left, right = 0, width - 1
    if first == last and start < stop and end > at:
        left = min(max(0, len(_BAR.findall(table.text, at, max(at, start))) - 1), right)
        touched = table.text[at : min(end, stop)].rstrip(" ")
        right = min(right, max(left, len(_BAR.findall(touched)) - 1 - touched.endswith("|")))
    one, other = f"{_letters(column + left)}{first}", f"{_letters(column + right)}{last}"
    return one if one == other else f"{one}:{other}"


def _letters(column: int) -> str:
    """The name of a column by its number from 1: A, …, Z, AA, …"""
    name = ""
    while column:
        column, letter = divmod(column - 1, _LETTERS)
        name = chr(ord("A") + letter) + name
    return name


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * _LETTERS + ord(letter) - ord("A") + 1
    return number
