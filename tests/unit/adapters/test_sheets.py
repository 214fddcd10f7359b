"""Workbooks and CSV: every passage and every quote names the cells that really hold its words."""

from __future__ import annotations

import datetime as dt
import io
import re
from typing import TYPE_CHECKING

import openpyxl
import pytest

from headrace.adapters.converters.files import FileConverter
from headrace.core.errors import ConversionFailed
from headrace.knowledge.documents.places import Places, narrowed
from headrace.knowledge.passages.chunk import chunk
from headrace.knowledge.passages.sentences import units
from tests.support.documents import xlsx

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from headrace.core.conversion import Converted

REGIONS = {"C5": "Region", "D5": "First quarter", "E5": "Second quarter"} | {
    f"{column}{row}": value
    for row in range(6, 46)
    for column, value in (("C", f"Region {row}"), ("D", row * 1000 + 1), ("E", row * 1000 + 2))
}
_ROW_OF_CELLS = re.compile(r"(?<!\\)\|")


@pytest.fixture(scope="module")
def converter() -> Generator[FileConverter]:
    files = FileConverter()
    yield files
    files.close()


def cited(converted: Converted) -> Iterator[tuple[str, str, str]]:
    """Every passage, and every quote of one: its place, its words, and its passage's."""
    places = Places(converted.text, converted.media_type, converted.places)
    for each in chunk(converted.text, converted.media_type, converted.places):
        place = places.at(each.start, each.end)
        yield place, each.text, each.text
        for unit in units(each.text):
            if unit.quotable:
                yield narrowed(place, each.text, unit.start, unit.end), each.text[unit.start : unit.end], each.text


def values(text: str) -> list[str]:
    """The cells of a quoted row, unescaped."""
    return [each.strip().replace("\\|", "|").replace("\\---", "---") for each in _ROW_OF_CELLS.split(text.strip()) if each.strip()]


def named(content: bytes, place: str) -> list[str]:
    """What the workbook holds at a place, read by another library."""
    sheet, _, cells = place.rpartition(", ")
    book = openpyxl.load_workbook(io.BytesIO(content))
    found = book[sheet.removeprefix("sheet “").removesuffix("”")][cells]
    rows = found if isinstance(found, tuple) else ((found,),)
    return [
        " ".join(str(cell.value).split()) for row in rows for cell in (row if isinstance(row, tuple) else (row,)) if cell.value is not None
    ]


def test_a_long_table_is_cut_by_rows_that_repeat_its_head(converter: FileConverter) -> None:
    converted = converter.text("a.xlsx", xlsx({"Sales 2024": REGIONS}))
    passages = chunk(converted.text, converted.media_type, converted.places)
    assert len(passages) >= 3
    assert all("| Region | First quarter | Second quarter |\n| --- | --- | --- |\n" in each.text for each in passages)
    assert all(each.heading == "Sales 2024" for each in passages)
    assert sum(each.text.count("| Region ") for each in passages) == 40 + len(passages)


def test_every_place_is_the_range_that_holds_the_words(converter: FileConverter) -> None:
    odd: Mapping[str, object] = {
        "B2": "Name|Alias",
        "C2": "Since",
        "B3": "Ann\nLee",
        "C3": dt.date(2021, 5, 1),
        "B4": "---",
        "C4": 0.25,
        "AA30": "far away",
    }
    content = xlsx({"Sales 2024": REGIONS, "Odd, B2 ”": odd, "Empty": {}})
    quoted = list(cited(converter.text("a.xlsx", content)))
    assert len({place for place, _, _ in quoted}) > 40
    for place, words, _ in quoted:
        there = named(content, place)
        shown = [
            each for line in words.split("\n") if line.startswith("|") and "---" not in line.replace("\\---", "") for each in values(line)
        ]
        head = {"Region", "First quarter", "Second quarter"} if place.startswith("sheet “Sales") and "C5" not in place else set()
        assert sorted(each for each in shown if each not in head) == sorted(spoken(each) for each in there), place


def spoken(value: str) -> str:
    return value.removesuffix(" 00:00:00")


def wide() -> dict[str, object]:
    names = [openpyxl.utils.get_column_letter(n) for n in range(1, 41)]
    head = {f"{name}1": f"A rather long name of column {name}" for name in names}
    return head | {f"{name}{row}": f"{name}{row} holds this" for name in names for row in (2, 3)}


def test_a_row_too_wide_for_its_head_says_what_each_cell_is(converter: FileConverter) -> None:
    converted = converter.text("a.xlsx", xlsx({"Wide": wide()}))
    assert "A rather long name of column AN: AN3 holds this" in converted.text
    places = Places(converted.text, converted.media_type, converted.places)
    for each in chunk(converted.text, converted.media_type, converted.places):
        for cell in re.findall(r"\b([A-Z]+\d) holds this", each.text):
            assert inside(cell, places.at(each.start, each.end)), (cell, places.at(each.start, each.end))


def inside(cell: str, place: str) -> bool:
    left, top, right, bottom = openpyxl.utils.range_boundaries(place.rpartition(", ")[2])
    row, column = openpyxl.utils.cell.coordinate_to_tuple(cell)
    return left <= column <= right and top <= row <= bottom


def test_names_of_columns_may_stand_above_a_blank_row(converter: FileConverter) -> None:
    cells = {
        "A1": "In millions",
        "B1": "Sales",
        "C1": "Profit",
        "A3": "North",
        "B3": 12,
        "C3": 3,
        "A4": "South",
        "B4": 10,
        "C4": 2,
        "A6": "A note.",
    }
    converted = converter.text("a.xlsx", xlsx({"S": cells}))
    assert "| In millions | Sales | Profit |\n| --- | --- | --- |\n| North | 12 | 3 |\n| South | 10 | 2 |" in converted.text
    assert [place for place, _, _ in cited(converted)][:2] == ["sheet “S”, A1:C1", "sheet “S”, A1:C1"]
    assert "sheet “S”, A4:C4" in {place for place, _, _ in cited(converted)}
    assert "sheet “S”, A6" in {place for place, _, _ in cited(converted)}


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("a.csv", "name;age\nAnn;30\n\nBen;40\n", {"row 2": "| Ann | 30 |", "row 4": "| Ben | 40 |"}),
        ("a.tsv", "name\tage\nAnn, B.\t30\n", {"row 2": "| Ann, B. | 30 |"}),
        ("a.csv", 'name,note\nAnn,"two\nlines"\nBen,"a ""word"""\n', {"row 2": "| Ann | two lines |", "row 3": '| Ben | a "word" |'}),
        ("a.csv", "name|age\nAnn|30\n", {"row 2": "| Ann | 30 |"}),
        ("a.csv", "\ufeffname,age\r\nÄnn,30\r\n", {"row 2": "| Änn | 30 |"}),
        ("a.csv", "one\ntwo words\n", {"row 2": "| two words |"}),
    ],
)  # fmt: skip
def test_csv_places_are_rows(converter: FileConverter, name: str, content: str, rows: dict[str, str]) -> None:
    quoted = {place: words for place, words, _ in cited(converter.text(name, content.encode()))}
    assert {row: quoted[row] for row in rows} == rows


def test_a_japanese_csv_is_read_as_such(converter: FileConverter) -> None:
    assert "| 佐藤 | 東京 |" in converter.text("a.csv", "名前,住所\n佐藤,東京\n鈴木,大阪\n".encode("cp932")).text
    assert "| 佐藤さん | 東京 |" in converter.text("a.csv", "名前,住所\n佐藤さん,東京\n".encode("euc_jp")).text
    assert "It’s “über”" in converter.text("a.csv", "a,b\nIt’s “über”,2\n".encode("cp1252")).text


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "encrypted"),
        ("a.xlsx", b"hello", "not an XLSX"),
        ("a.ods", b"PK\x03\x04" + bytes(600), "broken"),
        ("a.xls", b"hello", "broken"),
        ("a.xlsx", xlsx({"Empty": {}}), "no text"),
        ("a.xlsx", xlsx({"Sparse": {"A1": 1, "XFD1048576": 2}}), "needs more memory"),
        ("a.csv", b"a\x00b", "not text"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_in_words(converter: FileConverter, name: str, content: bytes, reason: str) -> None:
    with pytest.raises(ConversionFailed) as refused:
        converter.text(name, content)
    assert reason in refused.value.reason


def test_a_long_sheet_is_read_in_time_and_memory(converter: FileConverter) -> None:
    rows = "\n".join(f"{n},name {n},{n * 3}" for n in range(40_000))
    converted = converter.text("a.csv", f"id,name,value\n{rows}\n".encode())
    places = Places(converted.text, converted.media_type, converted.places)
    last = chunk(converted.text, converted.media_type, converted.places)[-1]
    assert places.at(last.start, last.end).endswith("40001")
