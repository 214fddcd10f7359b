"""The ledger process's body: interruptions, refusals, full disks, restarts."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from headrace.core.errors import HeadraceError, OperationFailed, Unavailable
from headrace.evidence import client as clients
from headrace.evidence import records, sequencer
from headrace.evidence.client import LedgerClient
from headrace.evidence.log.files import DATABASE, KEY_FILE, VKEY_FILE
from headrace.evidence.log.reader import LogReader
from headrace.evidence.log.store import LogStore
from headrace.evidence.messages import Append
from headrace.evidence.verify import read_key, verify
from headrace.ipc.client import Client
from tests.support import ledgers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from headrace.core.values import Receipt


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger"


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "l.sock"


@pytest.fixture
async def ledger(folder: Path, socket: Path) -> AsyncIterator[LedgerClient]:
    async with ledgers.serving(folder, socket) as client:
        yield client


async def test_what_the_dead_left_open_is_closed_as_interrupted(ledger: LedgerClient) -> None:
    await asyncio.gather(*(ledger.append(ledgers.opened(f"req_{number}", "gw_dead")) for number in range(sequencer.LARGEST_GROUP + 3)))
    await ledger.append(ledgers.settled("req_0"))
    await ledger.append(ledgers.opened("req_alive", "gw_1"))
    assert await ledger.interrupt(["gw_1"]) == sequencer.LARGEST_GROUP + 2
    assert await ledger.interrupt(["gw_1"]) == 0
    assert [each["record"]["kind"] for each in await ledger.find("req_7")] == ["opened", "interrupted"]
    assert [each["record"]["kind"] for each in await ledger.find("req_0")] == ["opened", "settled"]
    assert [each["record"]["kind"] for each in await ledger.find("req_alive")] == ["opened"]
    assert (await ledger.proof("req_7")) is not None


async def test_an_interrupted_request_cannot_be_settled_any_more(ledger: LedgerClient) -> None:
    await ledger.append(ledgers.opened("req_1", "gw_dead"))
    await ledger.interrupt([])
    with pytest.raises(HeadraceError, match="Request req_1 has another closed record already") as refused:
        await ledger.append(ledgers.settled("req_1"))
    assert refused.value.code == "ledger.doubled"


async def test_an_interruption_waits_for_its_turn(ledger: LedgerClient) -> None:
    """What was asked before it is written before it: a request settled in time is not interrupted."""
    await ledger.append(ledgers.opened("req_1", "gw_dead"))
    settled, interrupted = await asyncio.gather(ledger.append(ledgers.settled("req_1")), ledger.interrupt([]))
    assert (settled.sequence, interrupted) == (1, 0)


async def test_size_and_checkpoint(ledger: LedgerClient) -> None:
    assert (await ledger.ready(), await ledger.checkpoint()) == (0, None)
    await ledger.append(ledgers.act())
    assert await ledger.ready() == 1
    assert str(await ledger.checkpoint()).split("\n")[1] == "1"


async def test_the_key_changes_once_between_what_was_asked_before_and_after(ledger: LedgerClient, folder: Path) -> None:
    """While records come in: each has its receipt from the key that is in force at its place."""
    before = read_key((folder / VKEY_FILE).read_text())
    asked = [ledger.append(ledgers.settled(f"req_{number}")) for number in range(9)]
    receipts = await asyncio.gather(*asked, ledger.rotate("req_turn", "op"), ledger.append(ledgers.settled("req_after")))
    assert await ledger.rotate("req_turn", "op") == receipts[9]
    assert read_key((folder / VKEY_FILE).read_text()).id != before.id
    for request in ("req_0", "req_turn", "req_after"):
        links = verify(dict(await ledger.proof(request) or {}), before)
        assert all(link.holds for link in links if link.name != "text"), request


async def test_it_serves_again_what_it_served(folder: Path, socket: Path) -> None:
    record = ledgers.settled("req_1")
    async with ledgers.serving(folder, socket) as first:
        receipt = await first.append(record)
    async with ledgers.serving(folder, socket) as second:
        assert await second.append(record) == receipt
        assert (await second.append(ledgers.settled())).sequence == 1


async def test_what_was_asked_is_answered_before_it_ends(folder: Path, socket: Path) -> None:
    task = asyncio.create_task(sequencer.serve(folder, socket))
    await ledgers.until(socket.exists)
    ledger = LedgerClient(socket)
    await ledger.ready()
    asked = [asyncio.create_task(ledger.append(ledgers.settled())) for _ in range(200)]
    reached = asyncio.create_task(ledger.ready())
    await ledgers.until(reached.done)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    receipts: list[Receipt] = await asyncio.gather(*asked)
    assert sorted(each.sequence for each in receipts) == list(range(200))
    await ledger.close()


async def test_the_client_waits_for_a_ledger_that_is_restarted(folder: Path, socket: Path) -> None:
    ledger = LedgerClient(socket)
    record = ledgers.settled()
    asked = asyncio.create_task(ledger.append(record))
    await asyncio.sleep(0.01)
    async with ledgers.serving(folder, socket):
        receipt = await asked
        assert await ledger.append(record) == receipt
    await ledger.close()


async def test_the_client_does_not_wait_for_ever(socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "PATIENCE", 0.1)
    ledger = LedgerClient(socket)
    with pytest.raises(Unavailable, match="The ledger process is not there"):
        await ledger.append(ledgers.settled())
    with pytest.raises(Unavailable):
        await ledger.ready()
    await ledger.close()


async def test_a_payload_of_another_form_is_an_error(ledger: LedgerClient, socket: Path) -> None:
    plain = Client(socket, "ledger")
    for method in ("append", "interrupt", "proof", "find"):
        with pytest.raises(HeadraceError, match=f"{method} failed with ValidationError"):
            await plain.call(method, msgspec.msgpack.encode(5))
    await plain.close()
    assert await ledger.ready() == 0


async def test_the_writer_outlives_a_defect(
    ledger: LedgerClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    with monkeypatch.context() as broken:
        broken.setattr(LogStore, "append", lambda *_: 1 / 0)
        with pytest.raises(HeadraceError, match="ZeroDivisionError") as failed:
            await ledger.append(ledgers.settled())
        assert failed.value.code == "ledger.defect"
    assert (await ledger.append(ledgers.settled())).sequence == 0


async def test_a_full_disk_is_said_and_gotten_over(ledger: LedgerClient, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    await ledger.append(ledgers.settled())
    held = [ledgers.settled() for _ in range(50)]
    with ledgers.no_file_beyond((folder / f"{DATABASE}-wal").stat().st_size + 9000):
        answers = await asyncio.gather(*(ledger.append(each) for each in held), return_exceptions=True)
        size = await ledger.ready()
    refused = [each for each in answers if isinstance(each, Unavailable)]
    assert refused
    assert {(each.code, "cannot write" in each.message) for each in refused} == {("ledger.unwritable", True)}
    assert size == 1 + len(held) - len(refused)
    receipts = [await ledger.append(each) for each in held]
    assert sorted(each.sequence for each in receipts) == list(range(1, 51))
    assert [each for each in answers if not isinstance(each, BaseException)] == [
        receipt for receipt, answer in zip(receipts, answers, strict=True) if not isinstance(answer, BaseException)
    ]
    with LogReader(folder) as reader:
        assert reader.at(50) is not None
        assert reader.at(51) is None


async def test_the_record_stands_also_when_who_asked_has_left(ledger: LedgerClient, socket: Path) -> None:
    leaving = Client(socket, "ledger")
    record = ledgers.settled("req_1")
    asked = Append("req_1", "settled", "gw_1", records.canonical(record))
    await leaving.call("ready", msgspec.msgpack.encode(None))
    call = asyncio.create_task(leaving.call("append", msgspec.msgpack.encode(asked)))
    await asyncio.sleep(0)
    await leaving.close()
    with pytest.raises(Unavailable):
        await call
    assert (await ledger.append(record)).sequence == 0
    assert len(await ledger.find("req_1")) == 1


async def test_a_commit_is_not_answered_to_who_has_left(folder: Path) -> None:
    store = ledgers.store(folder.parent)
    writer = sequencer.Sequencer(store, folder.parent)
    left = writer.append(msgspec.msgpack.encode(Append("req_1", "settled", "gw_1", b"{}")))
    left.cancel()
    await writer.close()
    assert store.size == 1
    store.close()


@pytest.mark.parametrize("folder", ["/proc/nowhere/ledger", "/dev/null/ledger"])
async def test_a_folder_that_cannot_be_used_is_said(folder: str, socket: Path) -> None:
    with pytest.raises(OperationFailed, match="The ledger's folder cannot be used") as failed:
        await sequencer.serve(Path(folder), socket)
    assert failed.value.code == "ledger.unusable"


async def test_records_without_their_key_are_not_written_on(folder: Path, socket: Path) -> None:
    async with ledgers.serving(folder, socket) as ledger:
        await ledger.append(ledgers.act())
    (folder / KEY_FILE).unlink()
    with pytest.raises(OperationFailed, match="signing key is gone"):
        await sequencer.serve(folder, socket)


async def test_a_ledger_that_outlasts_its_gateway_records_what_still_ends(folder: Path, socket: Path) -> None:
    serving = asyncio.create_task(sequencer.serve(folder, socket, outlasts=lambda: 20.0))
    await ledgers.until(socket.exists)
    client = LedgerClient(socket)
    await client.append(ledgers.opened("req_1"))
    serving.cancel()
    await asyncio.sleep(0.1)
    assert (await client.append(ledgers.settled("req_1"))).sequence == 1
    assert not serving.done()
    await client.close()
    with contextlib.suppress(asyncio.CancelledError):
        await serving
    with LogReader(folder) as reader:
        assert [each["record"]["kind"] for each in reader.find("req_1")] == ["opened", "settled"]


async def test_told_again_it_ends_at_once(folder: Path, socket: Path) -> None:
    serving = asyncio.create_task(sequencer.serve(folder, socket, outlasts=lambda: 3600.0))
    await ledgers.until(socket.exists)
    client = LedgerClient(socket)
    await client.append(ledgers.settled())
    serving.cancel()
    await asyncio.sleep(0.1)
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving
    await client.close()


async def test_a_ledger_waits_for_the_one_before_it(folder: Path, socket: Path) -> None:
    before = ledgers.store(folder)
    serving = asyncio.create_task(sequencer.serve(folder, socket, patience=20.0))
    await asyncio.sleep(0.3)
    assert not serving.done()
    before.close()
    await ledgers.until(socket.exists)
    client = LedgerClient(socket)
    await client.ready()
    await client.close()
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving
