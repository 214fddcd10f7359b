"""Reading the log while it is written, after it was closed, after a crash, and from a copy that cannot be written."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from headrace.core.errors import NotFound, OperationFailed
from headrace.evidence import records
from headrace.evidence.log.files import DATABASE
from headrace.evidence.log.reader import LogReader
from headrace.evidence.log.store import Entry, LogStore
from headrace.evidence.verify import read_key, verify
from tests.support import ledgers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.core.values import Facts

SALT = bytes(range(32))
NOBODY = 65534


def append(store: LogStore, record: Facts) -> None:
    store.append(
        [Entry(str(record["request"]), str(record["kind"]), str(record.get("instance", "")), records.canonical(record))], ledgers.NOW_US
    )


def filled(folder: Path) -> LogStore:
    store = ledgers.store(folder)
    for _ in range(3):
        append(store, ledgers.act())
    append(store, ledgers.opened("req_1"))
    append(store, ledgers.settled("req_1", texts={"answer": (SALT, "Forty-two.")}))
    append(store, ledgers.opened("req_2"))
    return store


def check(folder: Path) -> None:
    """Everything that a reader is asked for."""
    with LogReader(folder) as reader:
        found = reader.find("req_1")
        assert [each["record"]["kind"] for each in found] == ["opened", "settled"]
        assert [each["receipt"]["sequence"] for each in found] == [3, 4]
        bundle = reader.bundle("req_1")
        assert bundle is not None
        whole = json.loads(json.dumps({**bundle, "text": "Forty-two.", "salts": {"answer": SALT.hex()}}))
        assert all(link.holds for link in verify(whole, read_key((folder / "log.vkey").read_text())))
        assert reader.bundle("req_2") is None
        assert reader.find("req_3") == []
        assert reader.at(4) == found[1]
        assert reader.at(99) is None
        assert str(reader.checkpoint()).startswith(f"{reader.log}\n6\n")


def test_while_it_is_written(tmp_path: Path) -> None:
    store = filled(tmp_path)
    check(tmp_path)
    store.close()


def test_after_it_was_closed(tmp_path: Path) -> None:
    filled(tmp_path).close()
    check(tmp_path)


def test_after_a_crash(tmp_path: Path) -> None:
    """What a killed process leaves: the database and its WAL, not folded back."""
    store = filled(tmp_path / "live")
    shutil.copytree(tmp_path / "live", tmp_path / "left", ignore=shutil.ignore_patterns("*-shm"))
    store.close()
    check(tmp_path / "left")


@contextlib.contextmanager
def ordinary_user() -> Iterator[None]:
    """Root may write everywhere: be somebody else for the block."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("crashed", [False, True])
def test_from_a_copy_that_cannot_be_written(crashed: bool) -> None:  # noqa: FBT001 - two cases
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        store = filled(folder / "live")
        if not crashed:
            store.close()
        copy = shutil.copytree(folder / "live", folder / "copy")
        if crashed:
            store.close()
        for path in copy.iterdir():
            path.chmod(0o444)
        copy.chmod(0o555)
        with ordinary_user():
            check(copy)
        copy.chmod(0o755)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    filled(tmp_path).close()
    (tmp_path / DATABASE).write_bytes(b"garbage that is long enough to be looked at" * 100)
    with pytest.raises(OperationFailed, match="not a database"):
        LogReader(tmp_path)
    (tmp_path / DATABASE).write_bytes(b"")
    with pytest.raises(OperationFailed, match="no such table"):
        LogReader(tmp_path)
    with sqlite3.connect(tmp_path / DATABASE) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE something (else_entirely)")
        with pytest.raises(OperationFailed, match="no such table"):
            LogReader(tmp_path)
    database.close()


def test_an_empty_log_has_no_checkpoint(tmp_path: Path) -> None:
    ledgers.store(tmp_path).close()
    with LogReader(tmp_path) as reader:
        assert reader.checkpoint() is None


def test_no_log_yet(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no ledger yet"):
        LogReader(tmp_path)


def test_a_key_without_its_log(tmp_path: Path) -> None:
    filled(tmp_path).close()
    (tmp_path / DATABASE).unlink()
    with pytest.raises(NotFound, match="no ledger yet"):
        LogReader(tmp_path)
