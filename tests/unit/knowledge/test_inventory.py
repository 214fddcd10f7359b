"""What ingestion wrote down, for those who only look."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from headrace.core.errors import Unavailable
from headrace.knowledge.documents.inventory import Filter, Inventory, Look, Totals, Version
from headrace.knowledge.ingest.manifest import Entry, Manifest, Row

if TYPE_CHECKING:
    from pathlib import Path

HOUR = 3_600_000_000
BEFORE = """
CREATE TABLE document (document TEXT PRIMARY KEY, source TEXT NOT NULL, stamp TEXT NOT NULL, content TEXT NOT NULL, recipe TEXT NOT NULL,
  version TEXT NOT NULL, acl TEXT NOT NULL, reason TEXT NOT NULL, passages INTEGER NOT NULL, read_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE version (document TEXT NOT NULL, version TEXT NOT NULL, superseded_us INTEGER, PRIMARY KEY (document, version)) WITHOUT ROWID;
CREATE TABLE passage (id TEXT PRIMARY KEY, document TEXT NOT NULL, digest BLOB NOT NULL) WITHOUT ROWID;
INSERT INTO document VALUES ('handbook/a.md', 'handbook', 's', 'c', 'r', 'v1', 'handbook', '', 3, 7);
INSERT INTO version VALUES ('handbook/a.md', 'v1', NULL);
"""
"""The tables of the first release."""


def row(document: str, version: str = "v1", *, reason: str = "", fault: str = "", passages: int = 2, read_us: int = HOUR) -> Row:
    source = document.partition("/")[0]
    return Row(document, source, "s", "c", "r", version, source, reason, passages, read_us, fault)


def entry(document: str, **known: object) -> Entry:
    made = row(document, **known)  # pyright: ignore[reportArgumentType]
    return Entry(made, tuple((f"{document}-{n}", f"{document}-{n}".encode()) for n in range(made.passages)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    entries = [
        entry("handbook/a.md"),
        entry("handbook/B/roll_back.md", passages=4, read_us=2 * HOUR),
        entry("handbook/empty.md", passages=0),
        entry("handbook/locked.pdf", version="", reason="It is encrypted.", fault="ingest.unreadable", passages=0),
        entry("handbook-old/a.md"),
        entry("handbook0/a.md"),
        entry("payroll/salaries.md"),
    ]
    with closing(Manifest(tmp_path / "ingest.db")) as manifest:
        manifest.enter(entries)
        manifest.keep_vectors({b"handbook/a.md-0": b"v", b"payroll/salaries.md-0": b"v", b"payroll/salaries.md-1": b"v"})
        manifest.looked("handbook", 3 * HOUR)
        manifest.looked("payroll", 3 * HOUR, "The folder is not there.")
    return tmp_path / "ingest.db"


def names(inventory: Inventory, source: str = "handbook", text: str = "", state: str = "", **more: int) -> list[str]:
    found = inventory.documents(source, Filter(text, state), None, skip=more.get("skip", 0), most=more.get("most", 50))
    return [each.name.partition("/")[2] for each in found]


def test_a_source_is_its_own_documents_and_no_namesakes(path: Path) -> None:
    inventory = Inventory(path)
    assert inventory.totals("handbook", Filter(), None) == Totals(4, 6, 1, 2 * HOUR)
    assert names(inventory) == ["B/roll_back.md", "a.md", "empty.md", "locked.pdf"]
    assert names(inventory, "handbook-old") == ["a.md"]
    assert names(inventory, "hand") == names(inventory, "%") == names(inventory, "") == []


def test_documents_are_found_by_path_and_state_and_come_in_pages(path: Path) -> None:
    inventory = Inventory(path)
    assert names(inventory, text="ROLL_") == ["B/roll_back.md"]
    assert names(inventory, text="%") == names(inventory, text="handbook") == []
    assert names(inventory, state="found") == ["B/roll_back.md", "a.md"]
    assert names(inventory, state="read") == ["B/roll_back.md", "a.md", "empty.md"]
    assert names(inventory, state="empty") == ["empty.md"]
    assert names(inventory, state="unread") == ["locked.pdf"]
    assert names(inventory, skip=1, most=2) == ["a.md", "empty.md"]
    assert inventory.totals("handbook", Filter("a.md", "found"), None).documents == 1


def test_what_may_not_be_seen_is_in_no_count_and_on_no_page(path: Path) -> None:
    inventory = Inventory(path)

    def seen(inside: str) -> bool:
        return not inside.startswith("B/")

    assert inventory.totals("handbook", Filter(), seen) == Totals(3, 2, 1, HOUR)
    assert [each.name for each in inventory.documents("handbook", Filter("roll"), seen, skip=0, most=5)] == []
    assert inventory.vectors(lambda name: name.startswith("payroll/")) == {"payroll": 2}
    assert inventory.vectors(None) == {"handbook": 1, "payroll": 2}


def test_a_document_says_why_it_could_not_be_read(path: Path) -> None:
    known = Inventory(path).document("handbook/locked.pdf")
    assert known is not None
    assert (known.version, known.reason, known.fault, known.versions) == ("", "It is encrypted.", "ingest.unreadable", 0)
    assert Inventory(path).document("handbook/nothing.md") is None


def test_versions_say_from_when_to_when_they_held(path: Path) -> None:
    with closing(Manifest(path)) as manifest:
        manifest.enter([entry("handbook/a.md", version="v2", passages=5, read_us=4 * HOUR)])
        manifest.enter([entry("handbook/a.md", version="v2", passages=5, read_us=5 * HOUR)])  # read anew, and still the same
    inventory = Inventory(path)
    assert inventory.versions("handbook/a.md") == [Version("v2", 4 * HOUR, None, 5), Version("v1", HOUR, 4 * HOUR, 2)]
    assert inventory.has("handbook/a.md", "v1")
    assert not inventory.has("handbook/B/roll_back.md", "v2")
    with closing(Manifest(path)) as manifest:
        manifest.enter([entry("handbook/a.md", version="v1", read_us=6 * HOUR)])  # what was comes back
    assert inventory.versions("handbook/a.md") == [Version("v1", 6 * HOUR, None, 2), Version("v2", 4 * HOUR, 6 * HOUR, 5)]


def test_a_source_says_when_it_was_looked_at_and_what_was_wrong(path: Path) -> None:
    inventory = Inventory(path)
    assert inventory.look("handbook") == Look(3 * HOUR, "")
    assert inventory.look("payroll") == Look(3 * HOUR, "The folder is not there.")
    assert inventory.look("nothing") is None


def test_a_file_of_the_first_release_is_read_as_it_is_and_grows_when_ingestion_opens_it(tmp_path: Path) -> None:
    path = tmp_path / "ingest.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(BEFORE)
    inventory = Inventory(path)
    assert inventory.totals("handbook", Filter(), None) == Totals(1, 3, 0, 7)
    assert inventory.versions("handbook/a.md") == [Version("v1", 0, None, 0)]
    assert inventory.look("handbook") is None
    for _ in range(2):
        with closing(Manifest(path)) as manifest:
            assert manifest.rows()["handbook/a.md"].fault == ""
            manifest.enter([entry("handbook/a.md", version="v2", read_us=HOUR)])
    assert inventory.versions("handbook/a.md") == [Version("v2", HOUR, None, 2), Version("v1", 0, HOUR, 0)]


def test_no_file_is_nothing_and_a_broken_one_is_said(tmp_path: Path) -> None:
    inventory = Inventory(tmp_path / "ingest.db")
    assert inventory.totals("handbook", Filter(), None) == Totals()
    assert inventory.vectors(None) == {}
    assert inventory.document("handbook/a.md") is None
    (tmp_path / "ingest.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(Unavailable, match="cannot be read"):
        inventory.look("handbook")
