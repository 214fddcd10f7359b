"""Durable before it leaves, which a kill cannot show: system calls show the order; a disk that loses what was not synced, the rest."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from headrace.evidence.client import LedgerClient
from headrace.evidence.log.files import KEY_FILE, VKEY_FILE
from headrace.evidence.log.reader import LogReader
from tests.crash import calls, line_kills
from tests.crash.disk import CALLS, Disk
from tests.crash.journal import Journal
from tests.support import ledgers
from tests.support.installation import Installation, announced, headrace_up, provider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from headrace.core.values import Receipt
    from tests.crash.calls import Call
    from tests.crash.journal import Entry

pytestmark = pytest.mark.skipif(bool(calls.missing()), reason=calls.missing())
WRITERS = 8
RECORDS = 120


@contextlib.contextmanager
def traced_installation(folder: Path, prefix: Path) -> Iterator[Installation]:
    """An installation whose every process is traced."""
    with provider() as url:
        workspace = folder / "workspace"
        line_kills.lay(workspace, url)
        traced = calls.command(prefix, "pwrite64", "fdatasync", "write", "writev", "sendto", "sendmsg")
        with subprocess.Popen([*traced, *headrace_up(workspace)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            installation = Installation(workspace, announced(process), process)
            try:
                installation.until_ready()
                yield installation
            finally:
                os.kill(child_of(process.pid), signal.SIGTERM)
                process.communicate(timeout=60)


def child_of(pid: int) -> int:
    """The process that strace runs."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def durable_at(found: Sequence[Call], marker: bytes) -> float:
    """When a row with these bytes was surely on the disk: the first sync of the log that began after it was written."""
    written = next(call for call in found if call.name == "pwrite64" and call.path.endswith("log.db-wal") and marker in call.data)
    return min(call.ended for call in found if call.name == "fdatasync" and call.path == written.path and call.began >= written.ended)


def sent_at(found: Sequence[Call], entry: Entry, *parts: bytes) -> float:
    """When bytes with these parts began to go to the client of this request."""
    wanted = (str(entry.request).encode(), *parts)
    return next(call.began for call in found if call.path.startswith("TCP") and all(part in call.data for part in wanted))


def test_every_record_is_on_the_disk_before_the_bytes_that_need_it_are_sent(tmp_path: Path) -> None:
    prefix = tmp_path / "calls"
    with traced_installation(tmp_path, prefix) as installation:
        journal = Journal(installation.url, installation.key("client"))

        async def ask() -> None:
            await asyncio.gather(*(journal.ask(name, f"{n}", stream=n % 2 == 0) for n in range(6) for name in ("on-good", "on-obedient")))

        asyncio.run(ask())
    found = calls.read(prefix)
    assert len(journal.entries) == 12
    for entry in journal.entries:
        assert entry.status == 200
        assert entry.receipt is not None
        request = str(entry.request).encode()
        settled = durable_at(found, request + b"closed")
        assert settled <= sent_at(found, entry, b'"receipt"')
        if entry.stream:
            assert durable_at(found, request + b"opened") <= sent_at(found, entry) < sent_at(found, entry, b'"receipt"')
        else:
            assert settled <= sent_at(found, entry)


async def append(folder: Path, prefix: Path, records: int) -> list[tuple[float, Receipt]]:
    """Receipts of a traced ledger, and when each was in a client's hands; the ledger is ended in order."""
    receipts: list[tuple[float, Receipt]] = []
    with ledgers.process(folder, prefix.parent / "l.sock", *calls.command(prefix, *CALLS)) as process:
        client = LedgerClient(prefix.parent / "l.sock")

        async def one() -> None:
            while len(receipts) < records:
                receipt = await client.append(ledgers.opened() if len(receipts) % 3 else ledgers.settled())
                receipts.append((time.time(), receipt))

        await asyncio.gather(*(one() for _ in range(WRITERS)))
        await client.close()
        os.kill(child_of(process.pid), signal.SIGTERM)
        process.wait(60)
    return receipts


def lost(
    disk: Disk, key: Path, to: Path, moment: float, receipts: Sequence[tuple[float, Receipt]], chance: random.Random | None
) -> list[int]:
    """Records that a client had a receipt for at that moment, and that the disk does not have. The log must open, and go on."""
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir()
    for name in (KEY_FILE, VKEY_FILE):
        shutil.copy(key / name, to)
    disk.write(to, moment, chance)
    held = [receipt for at, receipt in receipts if at <= moment]
    if not (to / "log.db").exists():
        return [receipt.sequence for receipt in held]
    store = ledgers.store(to)
    size = store.size
    store.close()
    with LogReader(to) as reader:
        there = {receipt.sequence: reader.at(receipt.sequence) for receipt in held if receipt.sequence < size}
    found = {n: each["receipt"] for n, each in there.items() if each is not None}
    return [
        receipt.sequence
        for receipt in held
        if found.get(receipt.sequence, {}).get("leaf") != receipt.leaf or found[receipt.sequence]["signature"] != receipt.signature
    ]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Call], list[tuple[float, Receipt]]]:
    """A log, the calls that wrote it, and the receipts given for it."""
    folder = tmp_path_factory.mktemp("disk")
    receipts = asyncio.run(append(folder / "log", folder / "calls", RECORDS))
    return folder / "log", calls.read(folder / "calls"), receipts


def test_a_disk_that_loses_what_was_not_synced_keeps_every_record_that_has_a_receipt(
    written: tuple[Path, list[Call], list[tuple[float, Receipt]]], tmp_path: Path
) -> None:
    folder, found, receipts = written
    disk = Disk(folder, found)
    moments = sorted([*disk.moments, *(at for at, _ in receipts), receipts[-1][0] + 60])
    assert len(disk.moments) > 20
    chance = random.Random(7)
    for n, moment in enumerate(moments[:: max(1, len(moments) // 60)]):
        assert lost(disk, folder, tmp_path / "drop", moment, receipts, None) == [], moment
        if n % 2:
            assert lost(disk, folder, tmp_path / "some", moment, receipts, chance) == [], moment


@pytest.mark.long
def test_the_same_over_the_folding_back_of_the_log(tmp_path: Path) -> None:
    """Enough records that the write-ahead log is folded into the database in the middle, and begun anew."""
    receipts = asyncio.run(append(tmp_path / "log", tmp_path / "calls", 6000))
    disk = Disk(tmp_path / "log", calls.read(tmp_path / "calls"))
    folded = [call for call in calls.read(tmp_path / "calls") if call.name == "pwrite64" and call.path.endswith("log.db")]
    assert sum(receipts[0][0] < call.began < receipts[-1][0] for call in folded) > 100
    chance = random.Random(11)
    moments = [*chance.sample(disk.moments, 40), *(call.ended for call in chance.sample(folded, 40)), receipts[-1][0] + 60]
    for moment in moments:
        assert lost(disk, tmp_path / "log", tmp_path / "drop", moment, receipts, None) == [], moment
        assert lost(disk, tmp_path / "log", tmp_path / "some", moment, receipts, chance) == [], moment


def test_without_its_syncs_the_same_disk_loses_them(written: tuple[Path, list[Call], list[tuple[float, Receipt]]], tmp_path: Path) -> None:
    """The disk is no softer than it says: a ledger that did not sync would be found out."""
    folder, found, receipts = written
    first = next(call for call in found if call.name == "fdatasync" and call.path.endswith("-wal"))
    careless = [call for call in found if not (call.name == "fdatasync" and call.began > first.began)]
    moment = receipts[-1][0]
    assert len(lost(Disk(folder, careless), folder, tmp_path / "drop", moment, receipts, None)) > RECORDS // 2


def test_an_order_that_is_wrong_is_seen() -> None:
    """Of a call that returns after the bytes went out, the first test would say so."""

    def call(began: float, name: str, path: str, data: bytes = b"") -> Call:
        return calls.Call(began, began + 0.5, name, path, data, (), 0)

    made: Callable[..., Call] = call
    order = [
        made(1, "pwrite64", "/x/log.db-wal", b"req_1closed"),
        made(2, "fdatasync", "/x/log.db-wal"),
        made(3, "write", "TCP:[a->b]", b"req_1"),
    ]
    assert durable_at(order, b"req_1closed") == 2.5
    with pytest.raises(ValueError, match=re.escape("min()")):
        durable_at(order[:1], b"req_1closed")
