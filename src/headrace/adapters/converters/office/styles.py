"""What calamine does not tell of an XLSX: the number formats of its cells, errors, and formulas without a saved value.

Read row by row beside calamine's own rows. Runs in the conversion child.
"""

from __future__ import annotations

import zipfile
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple
from xml.parsers import expat

from headrace.adapters.converters.office.numbers import BUILT_IN
from headrace.adapters.converters.office.package import OFFICE, RELATION, Package
from headrace.core.errors import ConversionFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import IO

_S: Final = f"{{{OFFICE}spreadsheetml/2006/main}}"
_WORKBOOK: Final = "xl/workbook.xml"
_PIECE: Final = 1 << 16
LARGEST: Final = 64 * 1024 * 1024
"""Bytes of a sheet, unpacked, that is read once more: about 1.5 million cells, which take half of the time that a file may."""
_LETTERS: Final = 26
_LONGEST_NAME: Final = 3
"""Letters of a column."""
_LONGEST_ERROR: Final = 32
UNSAVED: Final = "(formula without a saved value)"
"""What is read of a cell whose value was never calculated: a person would see it in the sheet, and nobody can here."""


class Mark(NamedTuple):
    """Of a cell: its number format (empty: none that is followed), and words where calamine has none: of an error, and of a formula whose
    value was not saved."""

    format: str
    said: str = ""


class Styles:
    """The formats of a workbook. One that is no XLSX, or whose parts are broken where calamine does not look, has none."""

    def __init__(self, file: IO[bytes]) -> None:
        self._package: Package | None = None
        self._sheets: dict[str, str] = {}
        self._formats: list[str] = []
        try:
            package = Package(zipfile.ZipFile(file))
            if package.has(_WORKBOOK):
                self._sheets, styles = _parts(package)
                self._formats = _formats(package, styles) if styles else []
                self._package = package
        except (ConversionFailed, zipfile.BadZipFile, ValueError):
            self._package = None

    def rows(self, sheet: str) -> Iterator[tuple[int, Mapping[int, Mark]]]:
        """The rows of a sheet that have marks, in order: number from 1, and marks by column from 0. Ends early where the sheet breaks;
        one beyond LARGEST has none."""
        path = self._sheets.get(sheet, "")
        if self._package is not None and self._package.has(path) and self._package.archive.getinfo(path).file_size <= LARGEST:
            with self._package.archive.open(path) as file:
                yield from _Reader(self._formats).rows(file)


def _parts(package: Package) -> tuple[dict[str, str], str]:
    """The part of each sheet by its name, and the part of the styles (empty: there is none)."""
    related = package.related(_WORKBOOK)
    sheets = {
        each.get("name", ""): related[key][1]
        for each in package.xml(_WORKBOOK).iter(f"{_S}sheet")
        if (key := each.get(f"{RELATION}id", "")) in related
    }
    return sheets, next((path for kind, path in related.values() if kind == "styles" and package.has(path)), "")


def _formats(package: Package, styles: str) -> list[str]:
    """The number format of each style of cells."""
    root = package.xml(styles)
    own = {each.get("numFmtId", ""): each.get("formatCode", "") for each in root.iter(f"{_S}numFmt")}
    cells = root.find(f"{_S}cellXfs")
    ids = [each.get("numFmtId", "0") for each in (cells if cells is not None else ())]
    return [own.get(each) or BUILT_IN.get(int(each), "") for each in ids]


class _Reader:
    """Reads the XML of one sheet as it is unpacked."""

    def __init__(self, formats: list[str]) -> None:
        self._by_style = {str(number): each for number, each in enumerate(formats)}
        self._done: deque[tuple[int, Mapping[int, Mark]]] = deque()
        self._marks: dict[int, Mark] = {}
        self._row = self._column = -1
        self._format = self._kind = ""
        self._value = ""
        self._formula = self._within = False

    def rows(self, file: IO[bytes]) -> Iterator[tuple[int, Mapping[int, Mark]]]:
        """The rows that have marks."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._text
        try:
            while piece := file.read(_PIECE):
                parser.Parse(piece, False)  # noqa: FBT003  expat takes no names
                while self._done:
                    yield self._done.popleft()
        except (expat.ExpatError, zipfile.BadZipFile, OSError):
            return  # what came before stands; calamine says whether the sheet can be read

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = name[name.rfind(" ") + 1 :]
        if name == "c":
            letters = attributes.get("r", "").rstrip("0123456789")
            self._column = _number(letters) if letters else self._column + 1
            self._format = self._by_style.get(attributes.get("s", "0"), "")
            self._kind, self._formula, self._value = attributes.get("t", "n"), False, ""
        elif name == "row":
            given = attributes.get("r", "")
            self._row = int(given) if given.isdecimal() and len(given) <= 7 else max(0, self._row) + 1  # noqa: PLR2004  1,048,576
            self._column, self._marks = -1, {}
        elif name == "f":
            self._formula = True
        self._within = name == "v"

    def _text(self, text: str) -> None:
        if self._within and len(self._value) < _LONGEST_ERROR:
            self._value += text.strip()

    def _end(self, name: str) -> None:
        name = name[name.rfind(" ") + 1 :]
        self._within = False
        if name == "c":
            unsaved = self._formula and not self._value and self._kind != "str"  # "str": a formula whose value is the empty text
            said = UNSAVED if unsaved else self._value[:_LONGEST_ERROR] if self._kind == "e" else ""
            if said or (self._format and self._kind == "n"):
                self._marks[self._column] = Mark(self._format, said)
        elif name == "row" and self._marks:
            self._done.append((self._row, self._marks))


@lru_cache(maxsize=1 << 14)
def _number(letters: str) -> int:
    """The number of a column from 0, by its letters (those of a file: any text)."""
    number = 0
    for letter in letters[:_LONGEST_NAME]:
        number = number * _LETTERS + (ord(letter) - ord("A")) % _LETTERS + 1
    return number - 1
