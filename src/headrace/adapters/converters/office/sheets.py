"""Workbooks (XLSX, XLSM, XLSB, XLS, ODS) and CSV to text whose places are cells. Runs in the conversion child.

Read by calamine: it says where the data of a sheet begin, which kreuzberg does not (decision 0103).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections import Counter, deque
from typing import TYPE_CHECKING, TypeAlias

from python_calamine import (
    CalamineError,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    load_workbook,  # pyright: ignore[reportUnknownVariableType]
)

from headrace.adapters.converters.decode import decode
from headrace.adapters.converters.layout import LONGEST_TEXT, Layout, too_long
from headrace.adapters.converters.office.numbers import shown
from headrace.adapters.converters.office.styles import Styles
from headrace.adapters.converters.office.tables import Tables, cell, trimmed
from headrace.core.errors import ConversionFailed
from headrace.core.values import PlaceKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from python_calamine import CalamineSheet

    from headrace.adapters.converters.office.styles import Mark

Value: TypeAlias = "int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta"

_DELIMITERS = ",;\t|"
_SAMPLE = 100
"""Records that tell what delimits them."""
_LONGEST_CELL = 1 << 24
_NEAR = 64
"""Columns in which a sheet usually begins: then its first ones are looked at, too, for formulas without a value."""


def workbook(content: bytes) -> Layout:
    """A workbook, sheet by sheet, also those that are hidden. Raises ConversionFailed."""
    layout = Layout()
    try:
        book = load_workbook(io.BytesIO(content))
        styles = Styles(io.BytesIO(content))
        for sheet in book.sheets_metadata:
            if sheet.typ is SheetTypeEnum.WorkSheet:
                found = book.get_sheet_by_name(sheet.name)
                column = found.start[1] if found.start else 0
                left = 0 if column < _NEAR else column
                rows = _spoken(found, styles.rows(sheet.name), column, left)
                name = f"{'' if sheet.visible is SheetVisibleEnum.Visible else 'hidden '}sheet “{sheet.name}”"
                _lay_out(Tables(layout, name, PlaceKind.CELLS, " ".join(sheet.name.split())), rows, left + 1)
    except PasswordError:
        raise ConversionFailed("It is encrypted: a password is needed.", mend="Save it without one.") from None
    except (CalamineError, ValueError):  # its words may quote the file
        raise ConversionFailed("It is broken: it cannot be parsed.", mend="Open it, and save it anew.") from None
    return layout


def _spoken(sheet: CalamineSheet, marked: Iterator[tuple[int, Mapping[int, Mark]]], column: int, left: int) -> Iterator[list[str]]:
    """The rows of a sheet in words, from the column `left` on (from 0); calamine's begin at `column`."""
    above = _Above(sheet.merged_cell_ranges or ())
    coming = next(marked, None)
    number = 0
    for number, row in enumerate(sheet.iter_rows(), start=1):
        marks: Mapping[int, Mark] = {}
        while coming is not None and coming[0] <= number:
            marks, coming = coming[1] if coming[0] == number else marks, next(marked, None)
        words = [""] * (column - left)
        words += [_words(value, marks.get(at)) for at, value in enumerate(row, start=column)]
        yield above.filled(number - 1, _completed(words, marks, left), left)
    while coming is not None:  # below calamine's last row, too, there may be formulas
        while (number := number + 1) < coming[0]:
            yield []
        yield _completed([], coming[1], left)
        coming = next(marked, None)


def _completed(words: list[str], marks: Mapping[int, Mark], left: int) -> list[str]:
    """A row that says what calamine leaves out of it."""
    for at, mark in marks.items():
        if mark.said and at >= left:
            words += [""] * (at - left + 1 - len(words))
            words[at - left] = words[at - left] or cell(mark.said)
    return words


class _Above:
    """Cells that reach over several rows: their words stand in each of them, for a row is quoted without those above."""

    def __init__(self, ranges: Sequence[tuple[tuple[int, int], tuple[int, int]]]) -> None:
        tall = [(top, column, bottom) for (top, column), (bottom, _) in ranges if bottom > top]
        self._coming = deque(sorted(tall))
        self._open: dict[int, tuple[int, str]] = {}

    def filled(self, row: int, words: list[str], left: int) -> list[str]:
        """The words of a row (from 0), with those of the cells that reach into it. A row that holds nothing else stays empty."""
        self._open = {at: (bottom, said) for at, (bottom, said) in self._open.items() if bottom >= row}
        if any(words):
            for at, (_, said) in self._open.items():
                words[at - left] = words[at - left] or said
        while self._coming and self._coming[0][0] <= row:
            top, column, bottom = self._coming.popleft()
            if top == row and 0 <= column - left < len(words) and words[column - left]:
                self._open[column] = bottom, words[column - left]
        return words


def separated(content: bytes, media_type: str) -> Layout:
    """A file of separated values. Raises ConversionFailed."""
    text = decode(content)
    csv.field_size_limit(_LONGEST_CELL)
    delimiter = "\t" if media_type.endswith("tab-separated-values") else _delimiter(text)
    layout = Layout()
    try:
        records = ([cell(value) for value in record] for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        _lay_out(Tables(layout, "", PlaceKind.ROWS), records, 1)
    except csv.Error:
        raise ConversionFailed("It is broken: its quotes do not end.", mend="Save it anew from a spreadsheet.") from None
    return layout


def _lay_out(tables: Tables, rows: Iterable[list[str]], column: int) -> None:
    for first, gathered in _gathered(rows):
        left, table = trimmed(gathered)
        tables.add(table, first, column + left)


def _gathered(rows: Iterable[list[str]]) -> Iterator[tuple[int, list[list[str]]]]:
    """Rows up to the next blank one, with the number of the first."""
    run: list[list[str]] = []
    first, held = 1, 0
    for number, row in enumerate(rows, start=1):
        if any(row):
            if not run:
                first = number
            run.append(row)
            held += sum(map(len, row))
            if held > LONGEST_TEXT:
                raise too_long()
        elif run:
            yield first, run
            run, held = [], 0
    if run:
        yield first, run


def _words(value: Value, mark: Mark | None = None) -> str:
    """A value as a person sees it: by the format of its cell, dates as ISO 8601; without a format, as a spreadsheet would write it."""
    if isinstance(value, str):
        return cell(value)
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return cell((shown(value, mark.format) if mark and mark.format else None) or f"{value:.15g}")
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ", "seconds")
    if isinstance(value, dt.timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return str(value)


def _delimiter(text: str) -> str:
    """The delimiter that divides most records into the same number of fields; a comma when none does."""
    return max(_DELIMITERS, key=lambda delimiter: _regularity(text, delimiter))


def _regularity(text: str, delimiter: str) -> tuple[float, int]:
    """The share of records that have the most usual number of fields, and that number; nothing when it is one."""
    reader = csv.reader(io.StringIO(text[: 1 << 20], newline=""), delimiter=delimiter)
    try:
        widths = Counter(len(record) for record, _ in zip(reader, range(_SAMPLE), strict=False) if record)
    except csv.Error:
        return 0.0, 0
    if not widths:
        return 0.0, 0
    width, count = widths.most_common(1)[0]
    return (0.0, 0) if width == 1 else (count / widths.total(), width)
