"""The doctor on what was written: stores of another version, damaged ones, clocks, weights."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from headrace.adapters.weights.store import default_folder
from headrace.app.doctor.rounds import examine
from headrace.app.doctor.subject import Subject
from headrace.evidence import records
from headrace.evidence.log.note import load_or_create
from headrace.evidence.log.store import Entry, LogStore
from headrace.knowledge.ingest.manifest import Manifest
from tests.support import ledgers
from tests.support.patients import found, healthy

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.config.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return healthy(tmp_path)


def change(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(statement, values)


def test_a_control_store_of_a_newer_version(layout: Layout) -> None:
    change(layout.control, "UPDATE alembic_version SET version_num = '9999'")
    finding = found(layout)["control.schema"]
    assert "9999" in finding.what
    assert "newer Headrace" in finding.mend


def test_a_control_store_that_is_damaged(layout: Layout) -> None:
    layout.control.write_bytes(b"no database, and longer than a header of a hundred bytes" * 40)
    assert "backup" in found(layout)["control.unavailable"].mend


def test_a_revision_that_this_version_cannot_read(layout: Layout) -> None:
    change(layout.control, "UPDATE revisions SET data = replace(data, '\"answer\"', '\"reply\"')")
    assert "another version" in found(layout)["workspace.unreadable_revision"].what


def test_a_signing_key_that_is_gone(layout: Layout) -> None:
    (layout.ledger / "log.key").unlink()
    assert "--with-signing-key" in found(layout)["ledger.no_key"].mend


def test_a_public_key_that_is_no_key(layout: Layout) -> None:
    (layout.ledger / "log.vkey").write_text("nothing\n")
    assert found(layout).keys() == {"ledger.no_public_key"}


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE nodes SET hash = zeroblob(32)", "signed over other records"),
        ("DELETE FROM checkpoints", "no checkpoint"),
        ("DELETE FROM nodes", "missing"),
        ("DELETE FROM entries WHERE sequence = (SELECT max(sequence) FROM entries)", "its last checkpoint was signed over"),
        ("UPDATE checkpoints SET note = replace(note, 'headrace', 'headgate')", "does not hold"),
    ],
)
def test_a_ledger_whose_end_was_changed(layout: Layout, statement: str, why: str) -> None:
    change(layout.ledger / "log.db", statement)
    finding = found(layout)["ledger.broken"]
    assert why in finding.what
    assert "restore" in finding.mend


def test_a_ledger_that_is_no_database(layout: Layout) -> None:
    (layout.ledger / "log.db").write_bytes(b"no database, and longer than a header of a hundred bytes" * 40)
    assert found(layout).keys() == {"ledger.unreadable"}


def test_a_ledger_of_a_newer_version(layout: Layout) -> None:
    change(layout.ledger / "log.db", "PRAGMA user_version = 99")
    assert "form 99" in found(layout)["ledger.newer"].what


def test_a_clock_that_went_back(layout: Layout) -> None:
    store = LogStore(layout.ledger, load_or_create(layout.ledger, may_create=False))
    record = ledgers.act()
    store.append([Entry(str(record["request"]), "act", "", records.canonical(record))], time.time_ns() // 1000 + 3_600_000_000)
    store.close()
    assert "clock went back" in found(layout)["machine.clock_went_back"].what


def test_a_manifest_of_a_newer_version(layout: Layout) -> None:
    Manifest(layout.manifest("default")).close()
    assert found(layout) == {}
    change(layout.manifest("default"), "UPDATE fact SET value = '99' WHERE name = 'schema'")
    assert "read anew" in found(layout)["ingest.newer"].mend
    layout.manifest("default").write_bytes(b"no database, and longer than a header of a hundred bytes" * 40)
    assert "read anew" in found(layout)["ingest.manifest_unreadable"].mend


def test_weights_that_are_missing(layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_MODELS", str(tmp_path / "empty"))
    missing = [each for _, findings in examine(Subject(layout, "127.0.0.1", 0)) for each in findings if each.code == "models.missing"]
    assert {each.mend for each in missing} == {
        "headrace models pull smollm2-135m-instruct",
        "headrace models pull all-minilm-l6-v2",
    }


def test_weights_with_one_byte_changed(layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "models"
    shutil.copytree(default_folder(), copy, copy_function=os.link, ignore=shutil.ignore_patterns(".*"))
    file = copy / "all-minilm-l6-v2" / "tokenizer.json"
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.unlink()
    file.write_bytes(content)
    monkeypatch.setenv("HEADRACE_MODELS", str(copy))
    finding = found(layout)["models.damaged"]
    assert "tokenizer.json has SHA-256" in finding.what
    assert "headrace models pull all-minilm-l6-v2" in finding.mend
