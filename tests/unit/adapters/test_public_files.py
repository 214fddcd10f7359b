"""The converter on 195 public files of 26 formats, 43 of them hard: each gives text whose every passage has a place, or a reason in words;
none crashes, hangs, takes more memory than it may, or spoils the next."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import pytest

from headrace.adapters.converters.child import Limits
from headrace.adapters.converters.files import FileConverter
from headrace.core.errors import ConversionFailed
from headrace.knowledge.documents.places import Places
from headrace.knowledge.passages.chunk import chunk
from tests.support.data import shared_data

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from headrace.core.conversion import Converted

SECONDS = 20.0
UNREAD = {
    "MEDRPT-2024-PAT-3847_medical_report_scan.pdf": "It holds no text.",
    "MEDRPT-2024-PAT-3847_medical_report_scan.md": "It is empty.",
    "testAltChunkHTML.docx": "It holds no text.",
    "testArabicMisleadingCharset.html": "It is in an encoding that it does not name.",
    "signed-doc.p7s": "Files of the kind .p7s are not read.",
    "test_rss.xml": "Files of the kind .xml are not read.",
    "ipg08672134.xml": "Files of the kind .xml are not read.",
    "testKeynote2018.key": "Files of the kind .key are not read.",
    "testPages2013.pages": "Files of the kind .pages are not read.",
    "testPPT.xps": "Files of the kind .xps are not read.",
    "testVISIO.vsdx": "Files of the kind .vsdx are not read.",
}
"""What is not marked hard and gives no text, and why: scans, a DOCX that only embeds HTML, and kinds that are not read."""
PLACE = re.compile(
    r"page \d+|slide \d+(, notes)?|line \d+|mail head|mail text(, line \d+)?|rows? \d+(–\d+)?|paragraph \d+|section “.*”"
    r"|(hidden )?sheet “.*”, [A-Z]+\d+(:[A-Z]+\d+)?",
    re.DOTALL,
)


@pytest.fixture(scope="module")
def converter() -> Generator[FileConverter]:
    files = FileConverter(Limits(seconds=SECONDS))
    yield files
    files.close()


def rows(*, hard: bool) -> list[Path]:
    index = shared_data("knowledge/docs/files/index.jsonl")
    read = [json.loads(line) for line in index.read_text().splitlines()]
    return [index.parents[2] / row["path"] for row in read if row["hard"] is hard]


def check(converted: Converted) -> None:
    chunks = chunk(converted.text, converted.media_type, converted.places)
    places = Places(converted.text, converted.media_type, converted.places)
    assert chunks
    assert all(converted.text[each.start : each.end] == each.text for each in chunks)
    assert [place for each in chunks if not PLACE.fullmatch(place := places.at(each.start, each.end))] == []
    kept = "".join(each.text for each in chunks).split()
    assert "".join(kept) == "".join(converted.text.split()) or converted.text.startswith("---")


def read(converter: FileConverter, path: Path) -> tuple[int, list[str]]:
    """How many texts a file gave, and the reasons for what gave none. Each takes no longer than it may."""
    given, reasons = 0, list[str]()

    def one(convert: Callable[[], Converted]) -> None:
        nonlocal given
        began = time.monotonic()
        try:
            check(convert())
            given += 1
        except ConversionFailed as error:
            reasons.append(error.reason)
        assert time.monotonic() - began < SECONDS + 5

    if path.suffix not in {".zip", ".mbox"}:
        one(lambda: converter.convert(path))
    try:
        for part in converter.parts(path):
            one(part.convert)
    except ConversionFailed as error:
        reasons.append(error.reason)
    return given, reasons


def test_every_file_is_read_or_says_why_not(converter: FileConverter) -> None:
    unread = {path.name: reasons for path in rows(hard=False) for given, reasons in [read(converter, path)] if not given}
    said = {name: reasons[0].split(". ")[0].rstrip(".") + "." for name, reasons in unread.items() if name != "moby.zip"}
    assert said == UNREAD
    assert set(unread["moby.zip"]) == {"It is packed in a way that is not read. Pack it anew."}


def test_no_hard_file_crashes_hangs_or_spoils_the_next(converter: FileConverter, tmp_path: Path) -> None:
    good = tmp_path / "good.html"
    good.write_text("<p>Still here.</p>")
    said: set[str] = set()
    for path in rows(hard=True):
        given, reasons = read(converter, path)
        assert given or reasons, path
        said.update(reasons)
        assert converter.convert(good).text == "Still here."
    assert all(reason[0].isupper() and reason.endswith(".") for reason in said)
    assert not any("crashed" in reason or "SIGABRT" in reason for reason in said)
    assert "It is encrypted: a password is needed. Save it without one." in said
