"""The Converter contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.adapters.converters.files import FileConverter
from headrace.testing.converter import ConverterContract
from tests.support.documents import docx, mail, packed, pdf, tar

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@pytest.fixture(scope="module")
def converter() -> Generator[FileConverter]:
    files = FileConverter()
    yield files
    files.close()


@pytest.fixture
def samples(tmp_path: Path) -> dict[Path, str]:
    content = {
        "a.md": b"# Returns\n\nGoods come back **within** thirty days.\n",
        "a.txt": "Grüße aus Zürich.\r\nZweite Zeile.\r\n".encode(),
        "a.html": b"<html><head><title>Fees</title></head><body><p>No fee &amp; no <b>wait</b>.</p></body></html>",
        "a.pdf": pdf([["First page, first line."], ["Second page (the last)."]]),
        "a.docx": docx([("Heading1", "Leave"), ("", "Everyone has 25 days.")]),
    }
    words = ("**within** thirty", "Zürich.\r\nZweite", "No fee & no wait.", "Second page (the last).", "Everyone has 25 days.")
    made = {tmp_path / name: wanted for name, wanted in zip(content, words, strict=True)}
    for path in made:
        path.write_bytes(content[path.name])
    return made


HELD = {
    "notes/a.md": b"# Returns\n\nGoods come back.\n",
    "lease.pdf": pdf([["Five years."]]),
    "leave.docx": docx([("Heading1", "Leave"), ("", "Everyone has 25 days.")]),
}


@pytest.fixture
def containers(tmp_path: Path) -> dict[Path, dict[str, bytes]]:
    flat = {name.rpartition("/")[2]: content for name, content in HELD.items()}
    nested = {f"inner/held.zip/{name}": content for name, content in HELD.items()}
    content = {
        "held.zip": (packed(HELD), HELD),
        "held.tgz": (tar(HELD), HELD),
        "offer.eml": (mail("Offer", "See attached.", flat), flat),
        "nested.zip": (packed({"inner/held.zip": packed(HELD)}), nested),
    }
    for name, (packed_up, _) in content.items():
        (tmp_path / name).write_bytes(packed_up)
    return {tmp_path / name: dict(files) for name, (_, files) in content.items()}


class TestFileConverter(ConverterContract):
    """Markdown, text, HTML, PDF and DOCX; ZIP, tar and mail."""
