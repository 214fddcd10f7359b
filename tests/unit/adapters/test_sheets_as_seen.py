"""Workbooks say what a person sees in their cells: formats, hidden sheets, merged cells, errors, and formulas that nobody calculated."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from typing import TYPE_CHECKING

import openpyxl
import pytest

from headrace.adapters.converters.files import FileConverter
from headrace.adapters.converters.office import styles
from headrace.adapters.converters.office.numbers import LONGEST, shown
from headrace.adapters.converters.office.styles import UNSAVED, Styles
from headrace.knowledge.documents.places import Places

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from openpyxl import Workbook


@pytest.fixture(scope="module")
def converter() -> Generator[FileConverter]:
    files = FileConverter()
    yield files
    files.close()


def saved(fill: Callable[[Workbook], None]) -> bytes:
    book = openpyxl.Workbook()
    fill(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def changed(content: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """The same file with another part."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for each in before.namelist():
            after.writestr(each, change(before.read(each)) if each == part else before.read(each))
    return out.getvalue()


def rows(text: str) -> list[list[str]]:
    return [
        [each.strip() for each in line.strip("|").split("|")] for line in text.split("\n") if line.startswith("|") and "---" not in line
    ]


FORMATTED = [
    (0.25, "0%", "25%"),
    (0.2567, "0.0%", "25.7%"),
    (1234.5, "#,##0.00", "1,234.50"),
    (-1234.5, "#,##0.00;(#,##0.00)", "(1,234.50)"),
    (1234.5, '#,##0.00\\ "€"', "1,234.50 €"),
    (1234.5, '"CHF" #,##0.00', "CHF 1,234.50"),
    (1234.5, "[$£-809]#,##0.00", "£1,234.50"),
    (-12, '_-* #,##0.00\\ "€"_-;-* #,##0.00\\ "€"_-;_-* "-"??\\ "€"_-;_-@_-', "- 12.00 €"),
    (1234567, '0.0,,"M"', "1.2M"),
    (7, "000", "007"),
    (12.6, "0", "13"),
    (2.5, "General", "2.5"),
    (3, "0.00E+00", "3"),
    (0.5, "# ?/?", "0.5"),
    (3, ";;;", "3"),
    (dt.date(2024, 3, 1), "dd.mm.yyyy", "2024-03-01"),
    (45352, "d mmm yy", "2024-03-01"),
    (dt.datetime(2024, 3, 1, 13, 30), "dd.mm.yyyy hh:mm", "2024-03-01 13:30:00"),  # noqa: DTZ001  a sheet has no zones
    (dt.time(8, 15), "hh:mm", "08:15:00"),
    (dt.timedelta(hours=30, minutes=5), "[h]:mm", "30:05:00"),
    (True, "General", "TRUE"),
]


@pytest.mark.parametrize("name", ["a.xlsx", "a.xlsm"])
def test_a_value_reads_as_the_sheet_shows_it(converter: FileConverter, name: str) -> None:
    def fill(book: Workbook) -> None:
        for number, (value, code, _) in enumerate(FORMATTED, start=1):
            cell = book.active.cell(row=2 * number, column=3, value=value)  # pyright: ignore[reportOptionalMemberAccess]
            cell.number_format = code

    found = converter.text(name, saved(fill))
    assert [row[0] for row in rows(found.text)] == [words for _, _, words in FORMATTED]


@pytest.mark.parametrize(
    ("value", "code", "words"),
    [
        (-1234.5, "#,##0.00", "-1,234.50"),
        (-0.001, "0.00", "0.00"),
        (-5, '[>=1000]0.0,"K";0', None),
        (-5, "[<100]0;0.0", None),
        (0, '[=0]"none";0;"x"', None),
        (0.005, "0.00", "0.01"),
        (12.3456, "0.0##", "12.346"),
        (12, "0.0##", "12.0"),
        (12, "0.##", "12"),
        (0.5, "#.##", ".5"),
        (0, '0;-0;"none"', "none"),
        (5, '0" pcs; or so"', "5 pcs; or so"),
        (7, "[Red]0", "7"),
        (12, '"n"', "n"),
        (3, "[>2]0", None),
        (3, "0-0", None),
        (3, "yyyy", None),
        (1e300, "0.00", None),
        (float("inf"), "0", None),
        (3, "0" * (LONGEST + 1), None),
        (-3, "0;General", None),
        (0.1, "0." + "0" * 90, None),
        (7, "0" * 90, f"{7:090}"),
    ],
)
def test_numbers_by_their_format(value: float, code: str, words: str | None) -> None:
    assert shown(value, code) == words


def test_an_amount_names_no_column(converter: FileConverter) -> None:
    def fill(book: Workbook) -> None:
        sheet = book.active
        assert sheet is not None
        for row in (["Item", "Price"], ["Membership", 12], ["Guest", 5]):
            sheet.append(row)
        sheet["B2"].number_format = sheet["B3"].number_format = '"CHF" 0.00'

    found = converter.text("a.xlsx", saved(fill)).text
    assert "| Item | Price |\n| --- | --- |\n| Membership | CHF 12.00 |\n| Guest | CHF 5.00 |" in found


def test_a_hidden_sheet_says_that_it_is(converter: FileConverter) -> None:
    def fill(book: Workbook) -> None:
        for name, state in (("Open", "visible"), ("Draft", "hidden"), ("Old", "veryHidden")):
            sheet = book.create_sheet(name)
            sheet["B2"] = f"in {name}"
            sheet.sheet_state = state

    found = converter.text("a.xlsx", saved(fill))
    places = Places(found.text, found.media_type, found.places)
    said = {name: places.at(found.text.index(f"in {name}"), found.text.index(f"in {name}") + 4) for name in ("Open", "Draft", "Old")}
    assert said == {"Open": "sheet “Open”, B2", "Draft": "hidden sheet “Draft”, B2", "Old": "hidden sheet “Old”, B2"}


def test_a_cell_that_reaches_over_rows_is_said_in_each_of_them(converter: FileConverter) -> None:
    def fill(book: Workbook) -> None:
        sheet = book.active
        assert sheet is not None
        cells = {"B1": "Region", "C1": "Town", "D1": "Stock", "B2": "North", "B4": "South"}
        cells |= {f"C{n}": f"Town {n}" for n in range(2, 6)} | {f"D{n}": n for n in range(2, 6)}  # pyright: ignore[reportAssignmentType]
        for address, value in cells.items():
            sheet[address] = value
        for merged in ("B2:B3", "B4:B5", "B7:B9", "E1:F1"):
            sheet.merge_cells(merged)

    found = rows(converter.text("a.xlsx", saved(fill)).text)
    assert found == [
        ["Region", "Town", "Stock"],
        *(["North", f"Town {n}", f"{n}"] for n in (2, 3)),
        *(["South", f"Town {n}", f"{n}"] for n in (4, 5)),
    ]


def test_a_formula_without_a_saved_value_and_an_error_are_said(converter: FileConverter) -> None:
    def fill(book: Workbook) -> None:
        sheet = book.active
        assert sheet is not None
        for address, value in {"B3": "Sum", "C3": "=SUM(D3:D9)", "A5": "=C3*2", "F12": "=NOW()", "C7": "Ratio", "D7": "#DIV/0!"}.items():
            sheet[address] = value

    found = converter.text("a.xlsx", saved(fill))
    assert rows(found.text) == [["Sum", UNSAVED], [UNSAVED], ["Ratio", "#DIV/0!"], [UNSAVED]]
    places = Places(found.text, found.media_type, found.places)
    at = [each.start() for each in re.finditer(re.escape(UNSAVED), found.text)]
    assert [places.at(each, each + len(UNSAVED)) for each in at] == ["sheet “Sheet”, C3", "sheet “Sheet”, A5", "sheet “Sheet”, F12"]


def test_a_workbook_of_formulas_alone_is_not_silently_empty(converter: FileConverter) -> None:
    def fill(book: Workbook) -> None:
        book.active["B2"] = "=1+1"  # pyright: ignore[reportOptionalSubscript]

    assert UNSAVED in converter.text("a.xlsx", saved(fill)).text
    emptied = changed(saved(fill), "xl/worksheets/sheet1.xml", lambda part: part.replace(b'<c r="B2"', b'<c r="B2" t="str"'))
    with pytest.raises(Exception, match="holds no text"):
        converter.text("a.xlsx", emptied)  # a formula whose value is the empty text


def test_a_sheet_that_begins_far_to_the_right(converter: FileConverter) -> None:
    def fill(book: Workbook) -> None:
        sheet = book.active
        assert sheet is not None
        sheet["DA5"], sheet["DB5"] = 0.5, "=DA5"
        sheet["DA5"].number_format = "0%"

    found = converter.text("a.xlsx", saved(fill))
    assert rows(found.text) == [["50%", UNSAVED]]
    assert Places(found.text, found.media_type, found.places).at(0, len(found.text)) == "sheet “Sheet”, DA5:DB5"


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("xl/styles.xml", lambda part: part.replace(b'numFmtId="9"', b'numFmtId="none"')),
        ("xl/styles.xml", lambda part: re.sub(rb"<cellXfs.*</cellXfs>", b"", part, flags=re.DOTALL)),
        ("xl/worksheets/sheet1.xml", lambda part: part.replace(b's="1"', b's="99"')),
        ("xl/worksheets/sheet1.xml", lambda part: part.replace(b's="1"', b's="-1"')),
    ],
)
def test_formats_that_are_broken_leave_the_value(converter: FileConverter, part: str, change: Callable[[bytes], bytes]) -> None:
    def fill(book: Workbook) -> None:
        sheet = book.active
        assert sheet is not None
        sheet["A1"], sheet["A2"] = "Share", 0.25
        sheet["A2"].number_format = "0%"

    assert converter.text("a.xlsx", saved(fill)).text.endswith("| 25% |")
    assert re.search(r"\| (0\.25|25%) \|$", converter.text("a.xlsx", changed(saved(fill), part, change)).text)


def test_cells_and_rows_without_an_address_follow_each_other() -> None:
    def fill(book: Workbook) -> None:
        sheet = book.active
        assert sheet is not None
        sheet["A1"], sheet["B1"], sheet["A2"] = "=1", 0.5, 0.25
        sheet["B1"].number_format = sheet["A2"].number_format = "0%"

    bare = changed(saved(fill), "xl/worksheets/sheet1.xml", lambda part: re.sub(rb' r="[A-Z]*\d+"', b"", part))
    found = {row: {at: (mark.format, mark.said) for at, mark in marks.items()} for row, marks in Styles(io.BytesIO(bare)).rows("Sheet")}
    assert found == {1: {0: ("", UNSAVED), 1: ("0%", "")}, 2: {0: ("0%", "")}}


def test_a_very_large_sheet_keeps_its_values_unformatted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(book: Workbook) -> None:
        book.active["A1"] = "=1"  # pyright: ignore[reportOptionalSubscript]

    assert list(Styles(io.BytesIO(saved(fill))).rows("Sheet"))
    monkeypatch.setattr(styles, "LARGEST", 100)
    assert list(Styles(io.BytesIO(saved(fill))).rows("Sheet")) == []


def test_a_sheet_that_breaks_off_and_what_is_no_xlsx_have_no_marks() -> None:
    def fill(book: Workbook) -> None:
        book.active["A1"] = "=1"  # pyright: ignore[reportOptionalSubscript]

    cut = changed(saved(fill), "xl/worksheets/sheet1.xml", lambda part: part[: part.index(b"</row>")])
    assert list(Styles(io.BytesIO(cut)).rows("Sheet")) == []
    assert list(Styles(io.BytesIO(cut)).rows("Another")) == []
    assert list(Styles(io.BytesIO(b"\xd0\xcf\x11\xe0")).rows("Sheet")) == []
    assert list(Styles(io.BytesIO(changed(saved(fill), "xl/workbook.xml", lambda _: b"<"))).rows("Sheet")) == []
