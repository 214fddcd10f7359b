"""The converter on public files: the five formats are read, and none of the hard ones crashes, hangs or spoils the next."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from headrace.adapters.converters.child import Limits
from headrace.adapters.converters.files import MEDIA_TYPES, FileConverter
from headrace.core.errors import ConversionFailed
from headrace.knowledge.chunk import chunk
from tests.support.data import shared_data

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

SECONDS = 20.0
NO_TEXT = {"MEDRPT-2024-PAT-3847_medical_report_scan.pdf", "MEDRPT-2024-PAT-3847_medical_report_scan.md", "testAltChunkHTML.docx"}
"""Not marked hard, and without a character of text: a scan, what another program made of it, and a DOCX that only embeds HTML."""


@pytest.fixture(scope="module")
def converter() -> Generator[FileConverter]:
    files = FileConverter(Limits(seconds=SECONDS))
    yield files
    files.close()


def rows(*, hard: bool) -> list[Path]:
    index = shared_data("knowledge/docs/files/index.jsonl")
    read = [json.loads(line) for line in index.read_text().splitlines()]
    return [index.parents[2] / row["path"] for row in read if row["hard"] is hard]


def test_every_file_of_the_five_formats_is_read(converter: FileConverter) -> None:
    unread: dict[str, str] = {}
    for path in rows(hard=False):
        if path.suffix not in MEDIA_TYPES:
            continue
        try:
            converted = converter.convert(path)
        except ConversionFailed as error:
            unread[path.name] = error.message
            continue
        chunks = chunk(converted.text, converted.media_type)
        assert chunks
        assert all(converted.text[each.start : each.end] == each.text for each in chunks)
    assert unread.keys() == NO_TEXT, unread


def test_no_hard_file_crashes_hangs_or_spoils_the_next(converter: FileConverter, tmp_path: Path) -> None:
    good = tmp_path / "good.html"
    good.write_text("<p>Still here.</p>")
    said: set[str] = set()
    for path in rows(hard=True):
        began = time.monotonic()
        try:
            assert converter.convert(path).text.strip()
        except ConversionFailed as error:
            said.add(error.message.split(".")[0])
        assert time.monotonic() - began < SECONDS + 2
        assert converter.convert(good).text == "Still here."
    assert not any("crashed" in reason for reason in said)
    assert "It is encrypted: a password is needed" in said
