"""The ledger process: one sequencer gives every record its place, commits in groups, and only then answers.

Requests are read on the event loop and queued; one writer thread drains the queue into one transaction (one fdatasync), signs a
checkpoint over it, and hands the receipts back. While a commit is on its way to the disk the next group gathers, which is what makes
256 writers cheaper than one.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from headrace.core.errors import HeadraceError, Unavailable
from headrace.evidence import records
from headrace.evidence.log.note import load_or_create
from headrace.evidence.log.reader import LogReader
from headrace.evidence.log.store import Conflict, Entry, LogStore
from headrace.evidence.messages import Append, Appended
from headrace.ipc import server

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.core.values import Facts, Receipt

LARGEST_GROUP = 512
"""Records in one transaction: enough to fill a disk's sync, few enough to answer within milliseconds."""

_log = logging.getLogger(__name__)
_append_decoder = msgspec.msgpack.Decoder(Append)
_encoder = msgspec.msgpack.Encoder()


@dataclass(frozen=True, slots=True)
class _Waiting:
    entry: Entry
    answered: asyncio.Future[Receipt]


class Sequencer:
    """The queue and its writer thread."""

    def __init__(self, store: LogStore) -> None:
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="ledger-writer")
        self._writer.start()

    def submit(self, entry: Entry) -> asyncio.Future[Receipt]:
        """Queue a record; the future gets its receipt, or the reason why there is none."""
        answered: asyncio.Future[Receipt] = self._loop.create_future()
        self._queue.put(_Waiting(entry, answered))
        return answered

    async def close(self) -> None:
        """Commit what is queued, then end."""
        self._queue.put(None)
        await asyncio.to_thread(self._writer.join)

    def _write(self) -> None:
        going = True
        while going:
            group, going = self._group()
            if not group:
                continue
            try:
                outcomes: list[Receipt | HeadraceError] = [_outcome(each) for each in self._store.append([one.entry for one in group], _now_us())]
            except sqlite3.Error as error:
                _log.error("a group of %d records could not be committed: %s", len(group), error)
                outcomes = [_unwritten(error)] * len(group)
            self._loop.call_soon_threadsafe(_answer, group, outcomes)

    def _group(self) -> tuple[list[_Waiting], bool]:
        group: list[_Waiting] = []
        one = self._queue.get()
        while one is not None:
            group.append(one)
            if len(group) >= LARGEST_GROUP:
                return group, True
            try:
                one = self._queue.get_nowait()
            except queue.Empty:
                return group, True
        return group, False


def _answer(group: list[_Waiting], outcomes: list[Receipt | HeadraceError]) -> None:
    for waiting, outcome in zip(group, outcomes, strict=True):
        if waiting.answered.done():
            continue
        if isinstance(outcome, HeadraceError):
            waiting.answered.set_exception(outcome)
        else:
            waiting.answered.set_result(outcome)


def _outcome(each: Receipt | Conflict) -> Receipt | HeadraceError:
    if isinstance(each, Conflict):
        return HeadraceError(f"Request {each} has another record of this kind already.", code="ledger.doubled")
    return each


def _unwritten(error: sqlite3.Error) -> Unavailable:
    return Unavailable(
        f"The ledger cannot write ({error}).",
        code="ledger.unwritable",
        mend="Nothing is answered without its record. Free space or make its folder writable; it goes on by itself.",
    )


def _now_us() -> int:
    return time.time_ns() // 1000


class _Methods:
    """The methods that other processes call."""

    def __init__(self, sequencer: Sequencer, store: LogStore, folder: Path) -> None:
        self._sequencer = sequencer
        self._store = store
        self._folder = folder

    async def append(self, payload: bytes) -> bytes:
        """One record; answers when it is durable."""
        asked = _append_decoder.decode(payload)
        receipt = await self._sequencer.submit(Entry(asked.request, asked.kind, asked.instance, asked.record))
        return _encoder.encode(Appended(receipt.log, receipt.sequence, receipt.leaf, receipt.time_us, receipt.signature))

    async def proof(self, payload: bytes) -> bytes:
        """The proof bundle of a request, or nil."""
        request = msgspec.msgpack.decode(payload, type=str)
        return _encoder.encode(await asyncio.to_thread(self._bundle, request))

    async def interrupt(self, payload: bytes) -> bytes:
        """Close what instances other than the living left open; how many there were."""
        living = msgspec.msgpack.decode(payload, type=list[str])
        return _encoder.encode(await close_unfinished(self._sequencer, self._store, living))

    async def ready(self, payload: bytes) -> bytes:
        """The log's size: it serves."""
        del payload
        return _encoder.encode(self._store.size)

    def _bundle(self, request: str) -> dict[str, object] | None:
        with LogReader(self._folder) as reader:
            return reader.bundle(request)


async def close_unfinished(sequencer: Sequencer, store: LogStore, living: list[str]) -> int:
    """Write an *interrupted* record for everything that was opened by an instance that is gone."""
    found = [msgspec.json.decode(record, type=dict[str, object]) for record in store.unfinished(living)]
    for opened in found:
        record = records.interrupted(opened, _now_us())  # pyright: ignore[reportArgumentType] - records hold facts only
        entry = Entry(str(record["request"]), "interrupted", str(record["instance"]), records.canonical(record))
        await sequencer.submit(entry)
    if found:
        _log.warning("%d requests were interrupted when their gateway ended; each has its record", len(found))
    return len(found)


async def serve(folder: Path, socket: Path) -> None:
    """Serve the log in `folder` on `socket` until cancelled; then commit what is queued and end.

    Raises OperationFailed when the signing key cannot be read.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = LogStore(folder, load_or_create(folder))
    sequencer = Sequencer(store)
    methods = _Methods(sequencer, store, folder)
    try:
        listening = await server.serve(
            socket, {"append": methods.append, "proof": methods.proof, "interrupt": methods.interrupt, "ready": methods.ready}
        )
        async with listening:
            await asyncio.get_running_loop().create_future()
    finally:
        await sequencer.close()
        store.close()
