"""Workbooks (XLSX, XLSM, XLSB, XLS, ODS) and CSV to text whose places are cells. Runs in the conversion child.

Read by calamine: it says where the data of a sheet begin, which kreuzberg does not (decision 0103).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

from python_calamine import CalamineError, PasswordError, SheetTypeEnum, load_workbook  # pyright: ignore[reportUnknownVariableType]

from headrace.adapters.converters.decode import decode
from headrace.adapters.converters.layout import LONGEST_TEXT, Layout, too_long
from headrace.adapters.converters.tables import Tables, cell, trimmed
from headrace.core.errors import ConversionFailed
from headrace.core.values import PlaceKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Value: TypeAlias = "int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta"

_DELIMITERS = ",;\t|"
_SAMPLE = 100
"""Records that tell what delimits them."""
_LONGEST_CELL = 1 << 24


def workbook(content: bytes) -> Layout:
    """A workbook, sheet by sheet, also those that are hidden. Raises ConversionFailed."""
    layout = Layout()
    try:
        book = load_workbook(io.BytesIO(content))
        for sheet in book.sheets_metadata:
            if sheet.typ is SheetTypeEnum.WorkSheet:
                found = book.get_sheet_by_name(sheet.name)
                rows = ([_words(value) for value in row] for row in found.iter_rows())
                column = found.start[1] + 1 if found.start else 1
                _lay_out(Tables(layout, f"sheet “{sheet.name}”", PlaceKind.CELLS, " ".join(sheet.name.split())), rows, column)
    except PasswordError:
        raise ConversionFailed("It is encrypted: a password is needed.", mend="Save it without one.") from None
    except (CalamineError, ValueError):  # its words may quote the file
        raise ConversionFailed("It is broken: it cannot be parsed.", mend="Open it, and save it anew.") from None
    return layout


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


def _words(value: Value) -> str:
    """A value as a spreadsheet would write it without a format."""
    if isinstance(value, str):
        return cell(value)
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ", "seconds")
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
