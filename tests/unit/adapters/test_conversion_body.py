"""The body of the conversion child, in this process: what it makes of a file is what the child answers, limits and all."""

from __future__ import annotations

import datetime as dt
import zipfile
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from headrace.adapters.converters import worker
from headrace.adapters.converters.child import Child, Limits
from headrace.adapters.converters.formats import CSV, DOCX, EML, HTML, MSG, PDF, PPTX, RTF, TAR, TSV, XLSX, ZIP
from tests.support.documents import docx, mail, packed, pdf, pptx, shape, slide_table, tar, xlsx
from tests.support.outlook import attachment, outlook, person
from tests.support.outlook import compound as written

if TYPE_CHECKING:
    from collections.abc import Generator

CHART = (
    '<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"><c:chart><c:title><c:v>Costs</c:v></c:title>'
    "<c:ser><c:tx><c:v>2024</c:v></c:tx><c:cat><c:v>Chur</c:v></c:cat><c:val><c:v>77</c:v></c:val></c:ser></c:chart></c:chartSpace>"
)
STOCK = {
    "Stock": {
        "A1": "Place", "B1": "Pallets", "C1": "Since", "D1": "At", "E1": "Full",
        "A2": "Chur", "B2": 77, "C2": dt.date(2024, 3, 8), "D2": dt.time(9, 30), "E2": True,
        "A4": "Bern", "B4": 1234.5, "C4": "=1/0",
    },
    "Far": {"ZZ90": "alone"},
}  # fmt: skip
SLIDES = pptx(
    [[shape(["Plan"], "title"), shape(["One", "Two"], "body")], [slide_table([["a", "b"], ["c", "d"]])]],
    notes={1: "Say hello"},
    more={"ppt/charts/chart1.xml": CHART},
)
PEOPLE = [person("Ben", "ben@example.org", 1)]
OUTLOOK = written(outlook({0x0037: "Hours", 0x1000: "We open at nine.", 0x0C1A: "Ana"}, parts=[attachment("a.txt", b"x")], people=PEOPLE))
MAIL = mail("Hours", "We open at nine.\n\n> You said ten.\n", {"a.txt": b"alpha", "b.csv": b"a,b\n1,2\n"})
PAGE = (
    b'<html><head><meta charset="windows-1252"><title>T</title></head>'
    b"<body><h1>H</h1><p>caf\xe9</p><table><tr><td>1</td></tr></table></body></html>"
)
FILES: dict[str, tuple[str, bytes]] = {
    "docx": (DOCX, docx([("Heading1", "Notice"), ("", "Three months.")])),
    "pptx": (PPTX, SLIDES),
    "xlsx": (XLSX, xlsx(STOCK)),
    "csv": (CSV, b'Place;Pallets\nChur;77\n\n"a\nb";2\n'),
    "csv in UTF-16": (CSV, "Ort,Zahl\nZürich,1\n".encode("utf-16")),
    "tsv": (TSV, b"a\tb\n1\t2\n"),
    "html": (HTML, PAGE),
    "pdf": (PDF, pdf(["One page.", "Another."])),
    "rtf": (RTF, rb"{\rtf1\ansi Three months.}"),
    "mail": (EML, MAIL),
    "mail of html": (EML, b"Subject: x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Nine</p>"),
    "outlook": (MSG, OUTLOOK),
    "no docx": (DOCX, b"PK\x03\x04 no archive"),
    "no pptx": (PPTX, packed({"a": "b"})),
    "no xlsx": (XLSX, packed({"a": "b"})),
    "no msg": (MSG, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and nothing more"),
    "no pdf": (PDF, b"%PDF-1.4 and nothing more"),
    "no text": (CSV, b"\x00\x01\x02" * 100),
}
CONTAINERS: dict[str, tuple[str, bytes]] = {
    "zip": (ZIP, packed({"a.txt": b"alpha", "in/b.md": "# B", "c.zip": packed({"d.txt": "delta"}), "../up.txt": "out"})),
    "tar": (TAR, tar({"a.txt": b"alpha", "c.tar": tar({"d.txt": b"delta"}, "w:")})),
    "mail": (EML, MAIL),
    "outlook": (MSG, OUTLOOK),
    "broken zip": (ZIP, b"PK\x03\x04 no archive"),
    "broken tar": (TAR, b"\x1f\x8b no archive"),
}


@pytest.fixture(scope="module")
def child() -> Generator[Child]:
    made = Child(Limits())
    yield made
    made.close()


def both(child: Child, request: worker.Request) -> worker.Reply:
    here = worker._convert(request)  # pyright: ignore[reportPrivateUsage]
    assert here == child.convert(request)
    return here


@pytest.mark.parametrize("name", FILES)
def test_a_file_reads_alike_in_the_child_and_here(child: Child, name: str) -> None:
    reply = both(child, worker.Request(*FILES[name]))
    assert bool(reply.text) is not bool(reply.reason)
    assert bool(reply.reason) is name.startswith("no ")


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_holds_alike_in_the_child_and_here(child: Child, name: str) -> None:
    reply = both(child, worker.Request(*CONTAINERS[name], first=0, container=hash(name) & 0xFFFF))
    assert bool(reply.held) is not bool(reply.reason)


def test_a_bomb_ends_alike_in_the_child_and_here(child: Child) -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.txt", bytes(300 << 20))
    assert all(each.reason for each in both(child, worker.Request(ZIP, out.getvalue(), first=0, container=7)).held)
