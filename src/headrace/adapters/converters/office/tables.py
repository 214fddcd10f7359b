"""Rows of cells to a Markdown table that can be quoted: cut into short tables, each with the head of the whole.

A citation is one stretch of the stored text. A row without its head says little, so the head stands in the text again as often as it is
needed, as context that no place counts as a row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from headrace.core.measure import tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.adapters.converters.layout import Layout
    from headrace.core.values import PlaceKind

Rows: TypeAlias = "list[list[str]]"

MOST_TOKENS = 190
"""Estimated tokens of one table, so that it is one passage."""
MOST_CHARACTERS = 480
"""Characters of one table, so that a quote shows it whole (up to 500)."""
_MOST_HEADS = 3
"""Rows of the tallest head."""
_DIGIT = re.compile(r"\d")
_LETTER = re.compile(r"[^\W\d_]")
_YEAR = re.compile(r"(?:19|20)\d\d")
_AMOUNT = re.compile(r"-?[A-Z]{3} -?[\d,.]*\d|-?[\d,.]*\d [A-Z]{3}")
_TRUTH = frozenset({"TRUE", "FALSE"})
_FEWEST = 2
"""Columns, or rows, of the smallest table that has a head."""


def cell(value: str) -> str:
    """A cell's words on one line, with no bar that is not escaped, and never the marks of a rule."""
    text = " ".join(value.split()).replace("|", "\\|")
    return "\\---" if text == "---" else text


def trimmed(rows: Rows) -> tuple[int, Rows]:
    """Rows without the empty columns at their sides, all of one width, and how many columns went on the left."""
    used = [column for row in rows for column, value in enumerate(row) if value]
    left, right = min(used), max(used) + 1
    return left, [row[left:right] + [""] * (right - max(left, len(row))) for row in rows]


class Tables:
    """Lays out the tables of one sheet, in order. A table without a head of its own stands under the last one of the same width."""

    def __init__(self, layout: Layout, name: str, kind: PlaceKind, title: str = "") -> None:
        self._layout = layout
        self._name = name
        self._kind = kind
        self._title = title
        self._context = f"# {title}\n\n" if title else ""
        self._head: tuple[int, Rows] = (0, [])

    def add(self, rows: Rows, row: int, column: int) -> None:
        """A table whose first cell is in this row and column (from 1)."""
        count = _heads(rows)
        if count:
            self._head = (column, rows[:count])
            self._block(rows[:count], rows[count:], row, column, repeated=False)
        elif self._fits(rows, column):
            self._block(self._head[1], rows, row, column, repeated=True)
        else:
            self._block([], rows, row, column, repeated=False)
            if len(rows) <= _MOST_HEADS and any(_filled(each) >= _FEWEST for each in rows) and not any(map(_numeric, rows)):
                self._head = (column, rows)  # names of columns, and a blank row before what stands under them

    def _fits(self, rows: Rows, column: int) -> bool:
        """Whether the last head stands above these rows, too: it has their columns, and they are more than a note."""
        at, head = self._head
        return bool(head) and at == column and len(head[0]) == len(rows[0]) and any(_filled(row) >= _FEWEST for row in rows)

    def _block(self, head: Rows, rows: Rows, row: int, column: int, *, repeated: bool) -> None:
        """Lay out as many short tables as it takes. The head counts as rows in the first of them unless it is `repeated` there, too."""
        above = "\n".join([*map(_line, head), _rule(len(head[0]))]) + "\n" if head else ""
        room = MOST_TOKENS - tokens(above)
        if room < MOST_TOKENS / 2:  # too wide to be repeated: each cell says what it is
            self._labelled(head, rows, row, column, repeated=repeated)
            return
        labels = _labels(head)
        short = _Short(room, MOST_CHARACTERS - len(above), row, [] if repeated or not head else [above.rstrip("\n")])
        context = above if repeated else ""
        for number, each in enumerate(rows, start=row if repeated else row + len(head)):
            line = _line(each)
            size = tokens(line)
            if not short.takes(line, size):
                self._flush(short.lines, short.first, column, context)
                short, context = _Short(room, MOST_CHARACTERS - len(above), number), above
            if size > room and head:
                self._flush([_line_of(labels, each)], number, column, "")
                short.first = number + 1
            else:
                short.take(line, size)
        self._flush(short.lines, short.first, column, context)

    def _labelled(self, head: Rows, rows: Rows, row: int, column: int, *, repeated: bool) -> None:
        labels = _labels(head)
        for number, each in enumerate([] if repeated else head, start=row):
            self._flush([_line(each)], number, column, "")
        for number, each in enumerate(rows, start=row if repeated else row + len(head)):
            self._flush([_line_of(labels, each)], number, column, "")

    def _flush(self, lines: list[str], row: int, column: int, above: str) -> None:
        if not lines:
            return
        context, self._context = self._context + above, ""
        self._layout.add("\n".join(lines), self._name, self._kind, row=row, column=column, context=context, heading=self._title)


@dataclass(slots=True)
class _Short:
    """A short table as it grows: tokens and characters left, the number of its first row, and its lines (the head among them where it
    counts as rows)."""

    tokens: int
    characters: int
    first: int
    lines: list[str] = field(default_factory=list[str])

    def takes(self, line: str, size: int) -> bool:
        """Whether a line of this size fits; the first always does."""
        return not self.lines or (size <= self.tokens and len(line) <= self.characters)

    def take(self, line: str, size: int) -> None:
        """Add a line."""
        self.lines.append(line)
        self.tokens -= size
        self.characters -= len(line) + 1


def _heads(rows: Rows) -> int:
    """Rows at the top that name the columns: all of them words, followed by one that holds a number; else the first, when all of it is
    words. None of a single row, or of a note."""
    if len(rows) < _FEWEST or _filled(rows[0]) < _FEWEST or _numeric(rows[0]):
        return 0
    for count in range(1, min(len(rows), _MOST_HEADS + 1)):
        if _numeric(rows[count]):
            return count
    return 1 if all(rows[0]) else 0


def _filled(row: list[str]) -> int:
    return sum(1 for value in row if value)


def _numeric(row: list[str]) -> bool:
    """Whether a row holds a number, a date, an amount or a truth value; a year may as well be the name of a column."""
    return any(value in _TRUTH or _AMOUNT.fullmatch(value) or _figure(value) for value in row)


def _figure(value: str) -> bool:
    return bool(_DIGIT.search(value)) and not _LETTER.search(value) and not _YEAR.fullmatch(value)


def _line(row: list[str]) -> str:
    return "| " + " | ".join(row) + " |"


def _rule(width: int) -> str:
    return "|" + " --- |" * width


def _labels(head: Rows) -> list[str]:
    """What each column is called."""
    return [" ".join(filter(None, column)) for column in zip(*head, strict=True)]


def _line_of(labels: Sequence[str], row: list[str]) -> str:
    return _line([f"{label}: {value}" if label and value else value for label, value in zip(labels, row, strict=True)])
