"""The index over a log's requests: it says what the log says, and is made anew whenever it does not fit."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import msgspec
import pytest

from headrace.core.errors import Unavailable
from headrace.evidence import indexing, records
from headrace.evidence.facts import RequestFacts
from headrace.evidence.indexing import Indexing
from headrace.evidence.listing import Listing, Visible, Wanted
from headrace.evidence.log.index import FORM, INDEX, STRETCH, RequestIndex
from headrace.evidence.log.reader import LogReader
from headrace.evidence.log.store import Entry, LogStore
from tests.support import ledgers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headrace.core.values import Fact, Facts

ANY = Wanted()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LogStore]:
    with closing(ledgers.store(tmp_path)) as made:
        yield made


def append(store: LogStore, *written: Facts) -> None:
    entries = [Entry(str(each["request"]), str(each["kind"]), str(each.get("instance", "")), records.canonical(each)) for each in written]
    store.append(entries, ledgers.NOW_US)


def listed(folder: Path, wanted: Wanted = ANY, path: Path | None = None) -> list[tuple[str, str]]:
    with LogReader(folder) as log, RequestIndex(path) as index:
        assert index.take_in_all(log) == 0
        return [(each.request, each.outcome) for each in index.find(wanted)]


def test_a_request_stands_once_with_its_last_record_and_an_act_never(store: LogStore, tmp_path: Path) -> None:
    append(store, ledgers.opened("req_a"), ledgers.act(), ledgers.settled("req_b", outcome="refused"))
    assert listed(tmp_path) == [("req_b", "refused"), ("req_a", "open")]
    append(store, ledgers.settled("req_a"))
    assert listed(tmp_path) == [("req_b", "refused"), ("req_a", "answered")]


def test_it_goes_on_from_where_it_was_and_any_number_may_take_in(store: LogStore, tmp_path: Path) -> None:
    append(store, *(ledgers.settled(f"req_{n:04}") for n in range(2 * STRETCH + 3)))
    with LogReader(tmp_path) as log, RequestIndex(tmp_path / INDEX) as one, RequestIndex(tmp_path / INDEX) as other:
        assert one.take_in_all(log, within=0) == STRETCH + 3
        assert other.take_in_all(log) == 0
        assert one.take_in(log) == 0
        assert len(one.find(msgspec.structs.replace(ANY, limit=1000))) == 2 * STRETCH + 3
    assert (tmp_path / INDEX).stat().st_mode & 0o777 == 0o600


def test_which_requests_cite_a_version(store: LogStore, tmp_path: Path) -> None:
    def cites(request: str, *versions: str) -> Facts:
        cited: list[Fact] = [{"version": each, "start": 1, "end": 2} for each in versions]
        return {**ledgers.settled(request), "stages": [{"stage": "released", "began_us": 1, "us": 2, "facts": {"citations": cited}}]}

    append(store, ledgers.opened("req_a"), cites("req_a", "aa", "bb", "aa"), cites("req_b", "bb"), ledgers.settled("req_c"))
    for versions, found in ((("aa",), ["req_a"]), (("bb", "zz"), ["req_b", "req_a"]), (("zz",), [])):
        assert [request for request, _ in listed(tmp_path, msgspec.structs.replace(ANY, cites=versions))] == found
    with closing(ledgers.store(tmp_path / "other")) as other:
        append(other, ledgers.settled("req_a"))
    with LogReader(tmp_path) as log, RequestIndex(tmp_path / INDEX) as index:
        index.take_in_all(log)
    assert listed(tmp_path / "other", msgspec.structs.replace(ANY, cites=("aa",)), path=tmp_path / INDEX) == []


def test_one_of_another_log_is_forgotten(store: LogStore, tmp_path: Path) -> None:
    append(store, ledgers.settled("req_a"))
    index = tmp_path / INDEX
    assert listed(tmp_path, path=index) == [("req_a", "answered")]
    other = tmp_path / "other"
    with closing(ledgers.store(other)) as restored:
        append(restored, ledgers.settled("req_z"))
    assert listed(other, path=index) == [("req_z", "answered")]


def test_what_is_no_record_is_no_request(store: LogStore, tmp_path: Path) -> None:
    store.append([Entry("req_x", "settled", "", b"no JSON")], ledgers.NOW_US)
    append(store, ledgers.settled("req_a"))
    assert listed(tmp_path) == [("req_a", "answered")]


@pytest.mark.parametrize(
    ("visible", "seen"),
    [
        (Visible("ana", "person", own_flagged=True, own_plain=True), ["req_f", "req_p"]),
        (Visible("ana", "person", own_plain=True), ["req_p"]),
        (Visible("ana", "person", own_flagged=True, other_plain=True), ["req_f"]),
        (Visible("eve", "person", own_flagged=True, own_plain=True), []),
        (Visible("eve", "person", other_flagged=True), ["req_f"]),
        (Visible("eve", "person", other_plain=True), ["req_p"]),
        (Visible("eve", "person", own_flagged=True, own_plain=True, other_flagged=True, other_plain=True), ["req_f", "req_p"]),
        (Visible("eve", "person"), []),
    ],
)
def test_who_may_see_what(store: LogStore, tmp_path: Path, visible: Visible, seen: list[str]) -> None:
    plain, flagged = ledgers.settled("req_p"), ledgers.settled("req_f", outcome="refused")
    append(store, plain, flagged)
    assert sorted(request for request, _ in listed(tmp_path, Wanted(visible=visible))) == seen
    for record in (plain, flagged):
        facts = RequestFacts(record)
        shown = visible.shows(own=visible.principal == facts.principal, flagged=facts.flagged)
        assert shown == (facts.request in seen)
    assert visible.anything == bool(seen) or not seen


def test_a_key_that_is_bound_to_no_service_sees_nothing(store: LogStore, tmp_path: Path) -> None:
    append(store, ledgers.settled("req_a"))
    assert listed(tmp_path, Wanted(services=())) == []
    assert listed(tmp_path, Wanted(services=("help",))) == [("req_a", "answered")]


async def test_the_ledger_keeps_it_up_to_date_by_itself(tmp_path: Path) -> None:
    async with ledgers.serving(tmp_path / "log", tmp_path / "s") as client:
        await client.append(ledgers.settled("req_a"))

        def known() -> bool:
            with closing(sqlite3.connect(tmp_path / "log" / INDEX)) as database:
                try:
                    return bool(database.execute("SELECT 1 FROM requests").fetchone())
                except sqlite3.OperationalError:
                    return False

        await ledgers.until(known)
        assert [each.request for each in (await client.requests(ANY)).lines] == ["req_a"]


async def asked(keeper: Indexing) -> Listing:
    return msgspec.msgpack.decode(await keeper.requests(msgspec.msgpack.encode(ANY)), type=Listing)


@pytest.mark.parametrize("damage", [b"this is no database at all, whatever its name says" * 99, None], ids=["garbage", "another form"])
async def test_a_damaged_one_is_made_anew(store: LogStore, tmp_path: Path, damage: bytes | None, caplog: pytest.LogCaptureFixture) -> None:
    append(store, ledgers.settled("req_a"))
    if damage is not None:
        (tmp_path / INDEX).write_bytes(damage)
    else:
        with closing(sqlite3.connect(tmp_path / INDEX)) as database:
            database.execute(f"PRAGMA user_version={FORM + 1}")
    with closing(Indexing(tmp_path)) as keeper:
        assert [each.request for each in (await asked(keeper)).lines] == ["req_a"]
    assert "made anew from the log" in caplog.text


async def test_one_that_cannot_be_had_keeps_nobody_from_writing(
    store: LogStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / INDEX).mkdir()
    monkeypatch.setattr(indexing, "LOOKS_EVERY", 0.01)
    with closing(Indexing(tmp_path)) as keeper:
        following = asyncio.create_task(keeper.follow())
        with pytest.raises(Unavailable, match="log itself is untouched"):
            await asked(keeper)
        await asyncio.sleep(0.1)
        append(store, ledgers.settled("req_a"))
        assert caplog.text.count("cannot be brought up to date") == 1
        (tmp_path / INDEX).rmdir()
        assert [each.request for each in (await asked(keeper)).lines] == ["req_a"]
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def test_a_full_disk_takes_the_list_and_no_record(store: LogStore, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Another file would fare no better, so the index is left as it is; with space again it goes on."""
    append(store, ledgers.settled("req_a"))
    with closing(Indexing(tmp_path)) as keeper:
        with ledgers.no_file_beyond(0), pytest.raises(Unavailable, match="log itself is untouched"):
            await asked(keeper)
        assert [each.request for each in (await asked(keeper)).lines] == ["req_a"]
    assert "made anew" not in caplog.text


async def test_one_that_is_damaged_while_it_is_open_is_made_anew(store: LogStore, tmp_path: Path) -> None:
    append(store, ledgers.settled("req_a"))
    with closing(Indexing(tmp_path)) as keeper:
        await asked(keeper)
        with closing(sqlite3.connect(tmp_path / INDEX)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        whole = (tmp_path / INDEX).read_bytes()
        (tmp_path / INDEX).write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
        append(store, ledgers.settled("req_b"))
        assert sorted(each.request for each in (await asked(keeper)).lines) == ["req_a", "req_b"]
