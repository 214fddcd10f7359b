"""The log's database: order, identity, refusal, and what it notices about itself."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

import pytest

from headrace.core.errors import OperationFailed
from headrace.core.values import Receipt
from headrace.evidence import records
from headrace.evidence.log.files import DATABASE
from headrace.evidence.log.note import load_or_create
from headrace.evidence.log.reader import LogReader
from headrace.evidence.log.store import FORM, Conflict, Entry, LogStore
from headrace.evidence.verify.notes import open_note, read_checkpoint, read_key
from tests.support import ledgers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headrace.core.values import Facts


def entry(record: Facts) -> Entry:
    return Entry(str(record["request"]), str(record["kind"]), str(record.get("instance", "")), records.canonical(record))


def receipts(outcomes: list[Receipt | Conflict]) -> list[Receipt]:
    assert all(isinstance(each, Receipt) for each in outcomes)
    return [each for each in outcomes if isinstance(each, Receipt)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LogStore]:
    opened = ledgers.store(tmp_path)
    yield opened
    opened.close()


def stored(folder: Path) -> list[tuple[int, int, bytes]]:
    with sqlite3.connect(folder / DATABASE) as database:
        rows = database.execute("SELECT sequence, time_us, record FROM entries ORDER BY sequence").fetchall()
    database.close()
    return rows


def test_the_log_is_its_owners_alone(tmp_path: Path) -> None:
    """Whatever mode the process and the folder leave: a command writes it too, and a backup keeps modes."""
    before = os.umask(0o022)
    try:
        opened = ledgers.store(tmp_path)
        opened.append([entry(ledgers.act())], ledgers.NOW_US)
        modes = {each.name: oct(each.stat().st_mode & 0o777) for each in tmp_path.iterdir() if each.name != "log.vkey"}
        opened.close()
    finally:
        os.umask(before)
    assert {f"{DATABASE}-wal", DATABASE, "log.key"} <= modes.keys()
    assert set(modes.values()) == {"0o600"}


@pytest.mark.parametrize("sizes", [(1,), (1, 2, 3, 5, 64, 90), (130, 1)])
def test_groups_of_any_size_make_one_tree(store: LogStore, tmp_path: Path, sizes: tuple[int, ...]) -> None:
    appended: list[bytes] = []
    key = read_key(load_or_create(tmp_path, may_create=False).vkey)
    for size in sizes:
        group = [entry(ledgers.settled()) for _ in range(size)]
        found = receipts(store.append(group, ledgers.NOW_US))
        assert [each.sequence for each in found] == list(range(len(appended), len(appended) + size))
        appended += [each.record for each in group]
        with LogReader(tmp_path) as reader:
            note = reader.checkpoint()
            assert note is not None
            assert read_checkpoint(open_note(note, key)[0])[1:] == (len(appended), ledgers.root_of(appended))
    assert [record for _, _, record in stored(tmp_path)] == appended
    assert store.size == len(appended)


def test_the_same_bytes_get_the_same_receipt(store: LogStore, tmp_path: Path) -> None:
    first = entry(ledgers.settled())
    (receipt,) = store.append([first], ledgers.NOW_US)
    assert store.append([first, first], ledgers.NOW_US + 5) == [receipt, receipt]
    second = entry(ledgers.settled())
    both = store.append([second, second], ledgers.NOW_US + 9)
    assert both[0] == both[1] != receipt
    assert len(stored(tmp_path)) == 2


def test_a_request_has_one_end(store: LogStore, tmp_path: Path) -> None:
    store.append([entry(ledgers.settled("req_1"))], ledgers.NOW_US)
    refused = store.append([entry(ledgers.settled("req_1", outcome="refused")), entry(ledgers.settled("req_2"))], ledgers.NOW_US)
    assert refused[0] == Conflict("req_1", "closed")
    assert receipts(refused[1:])[0].sequence == 1
    assert store.append([entry(ledgers.opened("req_1"))], ledgers.NOW_US) == [Conflict("req_1", "closed")]
    assert store.append([entry(ledgers.settled("req_1", outcome="failed"))], ledgers.NOW_US) == [Conflict("req_1", "closed")]
    assert len(stored(tmp_path)) == 2


def test_a_request_is_opened_once(store: LogStore) -> None:
    store.append([entry(ledgers.opened("req_1"))], ledgers.NOW_US)
    assert store.append([entry(ledgers.opened("req_1", instance="gw_2"))], ledgers.NOW_US) == [Conflict("req_1", "opened")]


def test_the_clock_may_go_back_and_the_order_stands(store: LogStore, tmp_path: Path) -> None:
    for now in (ledgers.NOW_US, ledgers.NOW_US - 3_600_000_000, 0, ledgers.NOW_US + 7):
        store.append([entry(ledgers.settled())], now)
    times = [time_us for _, time_us, _ in stored(tmp_path)]
    assert times == [ledgers.NOW_US, ledgers.NOW_US + 1, ledgers.NOW_US + 2, ledgers.NOW_US + 7]


def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    entries = [entry(ledgers.settled()) for _ in range(11)]
    for start in range(0, 11, 3):
        opened = ledgers.store(tmp_path)
        opened.append(entries[start : start + 3], ledgers.NOW_US)
        opened.close()
    with LogReader(tmp_path) as reader:
        note = reader.checkpoint()
    assert note is not None
    assert read_checkpoint(note.rpartition("\n\n")[0] + "\n")[2] == ledgers.root_of([each.record for each in entries])


def test_a_group_that_cannot_be_committed_leaves_nothing(store: LogStore, tmp_path: Path) -> None:
    store.append([entry(ledgers.settled())], ledgers.NOW_US)
    pages = store._database.execute("PRAGMA page_count").fetchone()[0]
    store._database.execute(f"PRAGMA max_page_count = {pages}")
    group = [entry(ledgers.settled()) for _ in range(40)]
    with pytest.raises(sqlite3.OperationalError, match="full"):
        store.append(group, ledgers.NOW_US)
    assert len(stored(tmp_path)) == store.size == 1
    store._database.execute("PRAGMA max_page_count = 100000")
    assert [each.sequence for each in receipts(store.append(group, ledgers.NOW_US))] == list(range(1, 41))


def test_unfinished_are_those_of_the_dead(store: LogStore) -> None:
    for request, instance in (("req_1", "gw_1"), ("req_2", "gw_1"), ("req_3", "gw_2")):
        store.append([entry(ledgers.opened(request, instance))], ledgers.NOW_US)
    store.append([entry(ledgers.settled("req_1"))], ledgers.NOW_US)
    assert [ledgers.parsed(each)["request"] for each in store.unfinished([])] == ["req_2", "req_3"]
    assert [ledgers.parsed(each)["request"] for each in store.unfinished(["gw_1"])] == ["req_3"]
    assert store.unfinished(["gw_1", "gw_2"]) == []


def test_opened_and_closed_in_one_group(store: LogStore) -> None:
    store.append([entry(ledgers.opened("req_1")), entry(ledgers.settled("req_1"))], ledgers.NOW_US)
    assert store.unfinished([]) == []


def test_a_second_writer_is_refused(store: LogStore, tmp_path: Path) -> None:
    assert store.size == 0
    with pytest.raises(OperationFailed, match="Another process writes this ledger") as refused:
        ledgers.store(tmp_path)
    assert refused.value.code == "ledger.locked"


def test_a_database_that_is_none_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_bytes(b"this is no database, and it is long enough to be looked at" * 40)
    with pytest.raises(OperationFailed, match="not a database") as refused:
        ledgers.store(tmp_path)
    assert refused.value.code == "ledger.unusable"
    with pytest.raises(OperationFailed, match="not a database"):  # and the lock was let go
        ledgers.store(tmp_path)


def test_a_log_that_a_newer_version_wrote_is_refused_and_left_alone(tmp_path: Path) -> None:
    ledgers.store(tmp_path).close()
    with sqlite3.connect(tmp_path / DATABASE) as database:
        database.execute(f"PRAGMA user_version={FORM + 1}")
    database.close()
    content = (tmp_path / DATABASE).read_bytes()
    for _ in range(2):  # and the lock was let go
        with pytest.raises(OperationFailed, match="newer Headrace") as refused:
            ledgers.store(tmp_path)
        assert refused.value.code == "ledger.newer"
    assert (tmp_path / DATABASE).read_bytes() == content


@pytest.mark.parametrize(
    "harm",
    [
        "DELETE FROM entries WHERE sequence = 4",
        "UPDATE entries SET leaf = zeroblob(32) WHERE sequence = 4",
        "UPDATE nodes SET hash = zeroblob(32)",
        "DELETE FROM checkpoints",
    ],
)
def test_a_log_that_does_not_agree_with_its_last_checkpoint_is_not_written_on(tmp_path: Path, harm: str) -> None:
    store = ledgers.store(tmp_path)
    store.append([entry(ledgers.settled()) for _ in range(5)], ledgers.NOW_US)
    store.close()
    with sqlite3.connect(tmp_path / DATABASE) as database:
        database.execute(harm)
    database.close()
    with pytest.raises(OperationFailed, match="the last checkpoint is not one of this key over these records"):
        ledgers.store(tmp_path)
