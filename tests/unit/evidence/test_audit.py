"""The whole log proved again: whatever is changed in its database is found, and named."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from headrace.app.cli.log import command
from headrace.config.layout import Layout
from headrace.core.errors import OperationFailed
from headrace.evidence import records
from headrace.evidence.log import audit
from headrace.evidence.log.rotation import rotate
from headrace.evidence.log.store import Entry
from headrace.evidence.verify import keys_of
from headrace.evidence.verify.keyring import pinned_alone
from tests.support import ledgers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from click.testing import Result

    from headrace.evidence.log.audit import Audited
    from headrace.evidence.verify import VerifierKey


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Eleven records in three groups: acts, and a request that is opened and not closed."""
    store = ledgers.store(tmp_path)
    every = [*(ledgers.act() for _ in range(10)), ledgers.opened()]
    entries = [Entry(str(each["request"]), str(each["kind"]), "gw_1", records.canonical(each)) for each in every]
    for group in (entries[:4], entries[4:9], entries[9:]):
        store.append(group, ledgers.NOW_US)
    store.close()
    return tmp_path


def audited(log: Path, how: Callable[[sqlite3.Connection, Sequence[VerifierKey]], Audited] = audit.whole) -> Audited:
    with closing(sqlite3.connect(log / "log.db")) as database:
        return how(database, keys_of(str(log / "log.vkey")))


def change(log: Path, *statements: str) -> None:
    with closing(sqlite3.connect(log / "log.db", isolation_level=None)) as database:
        for each in statements:
            database.execute(each)


def test_a_log_as_it_was_written(log: Path) -> None:
    found = audited(log)
    assert found.size == 11
    assert found == audited(log, audit.edge)
    assert pinned_alone(keys_of(str(log / "log.vkey"))).check_checkpoint(found.checkpoint)[1] == 11


@pytest.mark.parametrize("how", [audit.whole, audit.edge])
def test_an_empty_log(tmp_path: Path, how: Callable[[sqlite3.Connection, Sequence[VerifierKey]], Audited]) -> None:
    ledgers.store(tmp_path).close()
    assert audited(tmp_path, how).size == 0
    assert audited(tmp_path, how).checkpoint == ""


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE entries SET record = CAST(replace(record, 'apply', 'forge') AS BLOB) WHERE sequence = 2", "record 2 is not the one"),
        ("UPDATE entries SET record = replace(record, 'apply', 'apply') WHERE sequence = 2", "record 2 is not the one"),
        ("UPDATE entries SET signature = replace(signature, substr(signature, 1, 4), 'AAAA') WHERE sequence = 3", "receipt of record 3"),
        ("UPDATE entries SET signature = 'no base64' WHERE sequence = 3", "receipt of record 3"),
        ("UPDATE entries SET request = 'req_another' WHERE sequence = 3", "record 3 is found under another request"),
        ("UPDATE entries SET part = 'opened' WHERE sequence = 3", "record 3 is found under another request"),
        ("UPDATE entries SET time_us = 5 WHERE sequence = 4", "record 4 is earlier"),
        ("UPDATE entries SET time_us = 'late' WHERE sequence = 4", "record 4 is earlier"),
        ("DELETE FROM entries WHERE sequence = 5", "record 5 is missing"),
        ("DELETE FROM entries WHERE sequence >= 9", "a checkpoint was signed over 11"),
        ("UPDATE nodes SET hash = zeroblob(32) WHERE level = 1 AND position = 1", "node 1 of level 1"),
        ("DELETE FROM nodes WHERE level = 2 AND position = 0", "node 0 of level 2"),
        ("INSERT INTO nodes VALUES (9, 9, zeroblob(32))", "nodes that its records do not make"),
        ("DELETE FROM checkpoints WHERE size = 11", "no checkpoint"),
        ("UPDATE checkpoints SET note = (SELECT note FROM checkpoints WHERE size = 4) WHERE size = 9", "signed over other records"),
        ("UPDATE checkpoints SET note = replace(note, 'headrace', 'headgate') WHERE size = 4", "the checkpoint over 4 records"),
        ("DELETE FROM unfinished", "unfinished"),
        ("DROP TABLE nodes", "cannot be read"),
    ],
)
def test_whatever_is_changed_is_named(log: Path, statement: str, why: str) -> None:
    change(log, statement)
    with pytest.raises(OperationFailed) as caught:
        audited(log)
    assert why in caught.value.message
    assert caught.value.code in {"ledger.broken", "ledger.unreadable"}


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("DELETE FROM checkpoints", "no checkpoint"),
        ("DELETE FROM entries WHERE sequence = 10", "its last checkpoint was signed over 11"),
        ("DELETE FROM nodes WHERE level = 3", "missing"),
        ("UPDATE nodes SET hash = zeroblob(32) WHERE level = 3", "signed over other records"),
        ("DROP TABLE checkpoints", "cannot be read"),
    ],
)
def test_the_edge_is_what_is_looked_at_when_there_is_no_time(log: Path, statement: str, why: str) -> None:
    change(log, statement)
    with pytest.raises(OperationFailed) as caught:
        audited(log, audit.edge)
    assert why in caught.value.message


def test_a_record_that_says_no_request_is_found_under_none(tmp_path: Path) -> None:
    """Whoever holds the key may sign anything, also what is no record."""
    store = ledgers.store(tmp_path)
    store.append([Entry("req_1", "settled", "", b"no JSON")], ledgers.NOW_US)
    store.close()
    with pytest.raises(OperationFailed, match="record 0 is found under another request than its own"):
        audited(tmp_path)


def test_a_forger_with_another_key_is_found(log: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    ledgers.store(other).close()
    (log / "log.vkey").write_text((other / "log.vkey").read_text())
    with pytest.raises(OperationFailed, match="does not hold"):
        audited(log)


def test_a_log_whose_succession_names_none_of_its_keys_is_found(tmp_path: Path) -> None:
    """The key changed; then somebody wrote another log's key over the public one."""
    store = ledgers.store(tmp_path)
    rotate(store, tmp_path, request="req_turn", by="op", now_us=ledgers.NOW_US)
    store.close()
    assert audited(tmp_path).size == 1
    ledgers.store(tmp_path / "other").close()
    (tmp_path / "log.vkey").write_text((tmp_path / "other" / "log.vkey").read_text())
    for how in (audit.whole, audit.edge):
        with pytest.raises(OperationFailed, match="its keys do not follow from each other"):
            audited(tmp_path, how)


@pytest.mark.parametrize("how", [audit.whole, audit.edge])
def test_a_log_that_is_written_meanwhile_is_proved_as_it_was(
    log: Path, how: Callable[[sqlite3.Connection, Sequence[VerifierKey]], Audited]
) -> None:
    """A record that comes between two questions to the database is none of this audit's, and breaks nothing."""
    store = ledgers.store(log)

    def write(statement: str) -> None:
        if " FROM " in statement and "sqlite_master" not in statement:
            store.append([Entry(ledgers.IDS.request(), "act", "", b"{}")], ledgers.NOW_US)

    with closing(sqlite3.connect(log / "log.db")) as database:
        database.set_trace_callback(write)
        assert how(database, keys_of(str(log / "log.vkey"))).size == 11
    assert store.size > 11
    store.close()


class TestCommand:
    """``headrace log audit``."""

    @pytest.fixture
    def workspace(self, tmp_path: Path) -> Path:
        store = ledgers.store(Layout(tmp_path).ledger)
        every = [ledgers.act() for _ in range(5)]
        store.append([Entry(str(each["request"]), "act", "", records.canonical(each)) for each in every], ledgers.NOW_US)
        store.close()
        return tmp_path

    @staticmethod
    def run(workspace: Path, *words: str) -> Result:
        return CliRunner().invoke(command, ["audit", "--workspace", str(workspace), *words])

    def test_a_log_that_holds(self, workspace: Path) -> None:
        done = self.run(workspace)
        assert (done.exit_code, done.output.startswith("5 records hold")) == (0, True)
        found = json.loads(self.run(workspace, "--json").output)
        assert (found["holds"], found["records"]) == (True, 5)
        assert pinned_alone(keys_of(str(Layout(workspace).ledger / "log.vkey"))).check_checkpoint(found["checkpoint"])[1] == 5
        assert found["root"] in done.output

    @pytest.mark.parametrize(
        ("statement", "code", "why"),
        [
            ("UPDATE entries SET record = CAST('{}' AS BLOB) WHERE sequence = 2", "ledger.broken", "record 2 is not the one"),
            ("DELETE FROM checkpoints", "ledger.broken", "no checkpoint"),
            ("UPDATE nodes SET hash = zeroblob(32) WHERE level = 1", "ledger.broken", "node 0 of level 1"),
            ("DROP TABLE checkpoints", "ledger.unreadable", "no such table"),
            ("PRAGMA user_version=99", "ledger.newer", "form 99"),
        ],
    )
    def test_what_was_changed_is_named(self, workspace: Path, statement: str, code: str, why: str) -> None:
        change(Layout(workspace).ledger, statement)
        done = self.run(workspace, "--json")
        assert (done.exit_code, done.stdout) == (1, "")
        error = json.loads(done.stderr)["error"]
        assert (error["code"], error["param"]) == (code, str(Layout(workspace).ledger / "log.db"))
        assert why in error["message"]
        assert error["mend"]

    def test_the_key_of_another_log_proves_nothing(self, workspace: Path, tmp_path: Path) -> None:
        ledgers.store(tmp_path / "other").close()
        done = self.run(workspace, "--key", str(tmp_path / "other" / "log.vkey"))
        assert (done.exit_code, done.stdout) == (1, "")
        assert "the receipt of record 0 does not hold" in done.stderr

    def test_without_a_key_or_a_log(self, workspace: Path, tmp_path: Path) -> None:
        done = self.run(workspace, "--key", str(tmp_path / "none"))
        assert (done.exit_code, done.stdout) == (2, "")
        assert "no key can be read" in done.stderr
        (Layout(workspace).ledger / "log.db").unlink()
        done = self.run(workspace)
        assert done.exit_code == 1
        assert "no ledger yet" in done.stderr
