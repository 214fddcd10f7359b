"""The ledger process: one sequencer gives every record its place, commits in groups, and only then answers.

Requests are read on the event loop and queued; one writer thread drains the queue into one transaction (one fdatasync), signs a
checkpoint over it, and hands the receipts back. While a commit is on its way to the disk the next group gathers, which is what makes
256 writers cheaper than one.
"""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from headrace.core.errors import HeadraceError, OperationFailed, Unavailable
from headrace.evidence import records
from headrace.evidence.indexing import Indexing
from headrace.evidence.log.files import DATABASE
from headrace.evidence.log.note import load_or_create, sync_folder
from headrace.evidence.log.reader import LogReader
from headrace.evidence.log.rotation import rotate, settle
from headrace.evidence.log.store import Conflict, Entry, LogStore
from headrace.evidence.log.tiles import LONGEST_ENTRY
from headrace.evidence.messages import Append, Appended
from headrace.ipc import server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from headrace.core.values import Facts, Receipt

LARGEST_GROUP = 128
"""Records in one transaction: enough to fill a disk's sync, few enough that the next group gathers while this one is written."""

LOCK_PAUSE = 0.1
"""Seconds between looks whether another process still writes the log."""

_log = logging.getLogger(__name__)
_append_decoder = msgspec.msgpack.Decoder(Append)
_encoder = msgspec.msgpack.Encoder()
_Answer: TypeAlias = "bytes | HeadraceError"


@dataclass(frozen=True, slots=True)
class _Appending:
    entry: Entry
    answered: asyncio.Future[bytes]


@dataclass(frozen=True, slots=True)
class _Interrupting:
    living: tuple[str, ...]
    answered: asyncio.Future[bytes]


@dataclass(frozen=True, slots=True)
class _Rotating:
    request: str
    by: str
    answered: asyncio.Future[bytes]


class _Ending:
    """The writer commits what came before, and ends."""


_Job: TypeAlias = _Appending | _Interrupting | _Rotating | _Ending


class Sequencer:
    """The queue and its writer thread, which alone touches the store. Payloads and answers are MessagePack."""

    def __init__(self, store: LogStore, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="ledger-writer")
        self._writer.start()

    def append(self, payload: bytes) -> asyncio.Future[bytes]:
        """One record; the future gets its receipt once it is durable, or the reason why there is none. Raises
        OperationFailed for one that no bundle of the log could hold."""
        asked = _append_decoder.decode(payload)
        if len(asked.record) > LONGEST_ENTRY:
            msg = f"A record of {len(asked.record):,} bytes has no place in the log: an entry of its bundles holds {LONGEST_ENTRY:,}."
            raise OperationFailed(msg, code="ledger.record_too_long", mend="Headrace bounds its records before; report this.")
        answered: asyncio.Future[bytes] = self._loop.create_future()
        self._queue.put(_Appending(Entry(asked.request, asked.kind, asked.instance, asked.record), answered))
        return answered

    def interrupt(self, payload: bytes) -> asyncio.Future[bytes]:
        """Close as interrupted what instances other than the living left open; the future gets how many there were."""
        living = msgspec.msgpack.decode(payload, type=tuple[str, ...])
        answered: asyncio.Future[bytes] = self._loop.create_future()
        self._queue.put(_Interrupting(living, answered))
        return answered

    def rotate(self, payload: bytes) -> asyncio.Future[bytes]:
        """Change the log's key, under this act's id; the future gets the receipt of the record that says so."""
        request, by = msgspec.msgpack.decode(payload, type=tuple[str, str])
        answered: asyncio.Future[bytes] = self._loop.create_future()
        self._queue.put(_Rotating(request, by, answered))
        return answered

    async def close(self) -> None:
        """Commit what is queued, then end."""
        self._queue.put(_Ending())
        await asyncio.to_thread(self._writer.join)

    def _write(self) -> None:
        job: _Job | None = None
        while not isinstance(job, _Ending):
            group, job = self._gather()
            if group:
                self._tell([each.answered for each in group], self._commit([each.entry for each in group]))
            if isinstance(job, _Interrupting):
                self._tell([job.answered], self._close_unfinished(job.living))
            elif isinstance(job, _Rotating):
                self._tell([job.answered], self._rotate(job))

    def _gather(self) -> tuple[list[_Appending], _Interrupting | _Rotating | _Ending | None]:
        """Everything that waits to be appended, and what comes after it when that is something else."""
        group: list[_Appending] = []
        job = self._queue.get()
        while isinstance(job, _Appending):
            group.append(job)
            if len(group) >= LARGEST_GROUP or self._queue.empty():
                return group, None
            job = self._queue.get()
        return group, job

    def _commit(self, entries: list[Entry]) -> list[_Answer]:
        return _attempt(lambda: [_outcome(each) for each in self._store.append(entries, _now_us())], len(entries))

    def _close_unfinished(self, living: tuple[str, ...]) -> list[_Answer]:
        return _attempt(lambda: [_encoder.encode(close_unfinished(self._store, living))], 1)

    def _rotate(self, job: _Rotating) -> list[_Answer]:
        return _attempt(lambda: [_outcome(rotate(self._store, self._folder, request=job.request, by=job.by, now_us=_now_us()))], 1)

    def _tell(self, answered: list[asyncio.Future[bytes]], answers: list[_Answer]) -> None:
        self._loop.call_soon_threadsafe(_hand_over, answered, answers)


def _attempt(work: Callable[[], list[_Answer]], count: int) -> list[_Answer]:
    """The writer outlives whatever happens to one group: who asked is told, and the next group is tried."""
    try:
        return work()
    except (sqlite3.Error, OSError) as error:
        _log.error("%d records could not be committed: %s", count, error)
        return [_unwritten(error) for _ in range(count)]
    except Exception as error:  # noqa: BLE001 - told to who asked, and logged with its trace
        _log.exception("%d records met a defect", count)
        return [HeadraceError(f"The ledger failed with {type(error).__name__}.", code="ledger.defect") for _ in range(count)]


def _hand_over(answered: list[asyncio.Future[bytes]], answers: list[_Answer]) -> None:
    for future, answer in zip(answered, answers, strict=True):
        if future.done():
            continue  # who asked is gone; the record stands
        if isinstance(answer, bytes):
            future.set_result(answer)
        else:
            future.set_exception(answer)


def _outcome(each: Receipt | Conflict) -> _Answer:
    if isinstance(each, Conflict):
        return HeadraceError(f"Request {each.request} has another {each.held} record already.", code="ledger.doubled")
    return _encoder.encode(Appended(each.log, each.sequence, each.leaf, each.time_us, each.signature))


def _unwritten(error: Exception) -> Unavailable:
    return Unavailable(
        f"The ledger cannot write ({error}).",
        code="ledger.unwritable",
        mend="Nothing is answered without its record. Free space or make its folder writable; it goes on by itself.",
    )


def _now_us() -> int:
    return time.time_ns() // 1000


def close_unfinished(store: LogStore, living: tuple[str, ...]) -> int:
    """Write an *interrupted* record for everything that was opened by an instance that is gone; how many there were."""
    found = [msgspec.json.decode(record, type=dict[str, object]) for record in store.unfinished(living)]
    entries: list[Entry] = []
    for opened in found:
        record: Facts = records.interrupted(opened, _now_us())  # pyright: ignore[reportArgumentType] - records hold facts only
        entries.append(Entry(str(record["request"]), "interrupted", str(record["instance"]), records.canonical(record)))
    for start in range(0, len(entries), LARGEST_GROUP):
        store.append(entries[start : start + LARGEST_GROUP], _now_us())
    if found:
        _log.warning("%d requests were interrupted when their gateway ended; each has its record", len(found))
    return len(found)


class _Reading:
    """Answers from the log, beside the writer: one thread, one read-only connection."""

    def __init__(self, folder: Path) -> None:
        self._reader = LogReader(folder)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger-reader")

    async def proof(self, payload: bytes) -> bytes:
        """The proof bundle of a request, or nil."""
        return await self._answer(self._reader.bundle, payload)

    async def find(self, payload: bytes) -> bytes:
        """The records of a request with their receipts."""
        return await self._answer(self._reader.find, payload)

    async def checkpoint(self, payload: bytes) -> bytes:
        """The latest signed checkpoint, or nil while the log is empty."""
        del payload
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: _encoder.encode(self._reader.checkpoint()))

    def close(self) -> None:
        """Answer what is asked, then let go."""
        self._thread.shutdown()
        self._reader.close()

    async def _answer(self, question: Callable[[str], object], payload: bytes) -> bytes:
        request = msgspec.msgpack.decode(payload, type=str)
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: _encoder.encode(question(request)))


async def serve(folder: Path, socket: Path, *, patience: float = 0.0, outlasts: Callable[[], float] = float) -> None:
    """Serve the log in `folder` on `socket` until cancelled; then answer what was asked, commit it, and end.

    `outlasts`, asked from then on: seconds for which it still serves those who are connected, so that they can record how their requests
    ended; cancelled again, it ends at once. `patience`: seconds to wait for another process that writes this log.

    Raises OperationFailed when the log cannot be used: the key or the database is unreadable or damaged, the disk is full, or another
    process writes it.
    """
    store = await _opened(folder, patience)

    async def ready(payload: bytes) -> bytes:
        del payload
        return _encoder.encode(store.size)

    async with AsyncExitStack() as stack:
        stack.callback(store.close)
        reading = _Reading(folder)
        stack.callback(reading.close)
        indexing = Indexing(folder)
        stack.callback(indexing.close)
        sequencer = Sequencer(store, folder)
        stack.push_async_callback(sequencer.close)
        methods: dict[str, server.Method] = {
            "append": sequencer.append,
            "interrupt": sequencer.interrupt,
            "rotate": sequencer.rotate,
            "proof": reading.proof,
            "find": reading.find,
            "checkpoint": reading.checkpoint,
            "requests": indexing.requests,
            "ready": ready,
        }
        serving = await stack.enter_async_context(await server.serve(socket, methods))
        try:
            await indexing.follow()
        finally:
            await serving.deserted(outlasts)


async def _opened(folder: Path, patience: float) -> LogStore:
    deadline = asyncio.get_running_loop().time() + patience
    while True:
        try:
            return _open(folder)
        except OperationFailed as error:
            if error.code != "ledger.locked" or asyncio.get_running_loop().time() >= deadline:
                raise
        await asyncio.sleep(LOCK_PAUSE)


def _open(folder: Path) -> LogStore:
    try:
        made = [each for each in (folder, *folder.parents) if not each.exists()]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for each in reversed(made):
            sync_folder(each.parent)  # a folder that a crash can take away takes the log with it
        settle(folder)
        return LogStore(folder, load_or_create(folder, may_create=not (folder / DATABASE).exists()))
    except OSError as error:
        said = f"The ledger's folder cannot be used: {os.strerror(error.errno or 0)}."
        raise OperationFailed(
            said,
            code="ledger.unusable",
            param=str(folder),
            mend="Free space or make the folder writable; nothing was changed.",
        ) from error
