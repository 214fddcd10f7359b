"""The log's database: SQLite in WAL mode with synchronous=FULL, so that a commit is an fdatasync. One writer, any readers.

Its own file: an outage of the control store does not stop it. Hashes of complete subtrees are kept, so every proof takes O(log n) reads.
Statements take many rows at once: each one lets go of the interpreter's lock, and getting it back from a busy event loop costs more than
the insert.
"""

from __future__ import annotations

import base64
import fcntl
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from headrace.core.errors import OperationFailed
from headrace.core.values import Receipt
from headrace.evidence.log.files import DATABASE, LOCK
from headrace.evidence.log.merkle import Frontier, complete_subtrees, leaf_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from headrace.evidence.log.note import LogKey

OPENED = "opened"
CLOSED = "closed"
FORM = 1
"""Version of the database's form, in its ``user_version``; the first release wrote none (0), and the same tables."""
_TABLES = """
CREATE TABLE IF NOT EXISTS entries (
    sequence INTEGER PRIMARY KEY, request TEXT NOT NULL, part TEXT NOT NULL, leaf BLOB NOT NULL,
    time_us INTEGER NOT NULL, signature TEXT NOT NULL, record BLOB NOT NULL, UNIQUE (request, part));
CREATE TABLE IF NOT EXISTS nodes (level INTEGER, position INTEGER, hash BLOB NOT NULL, PRIMARY KEY (level, position)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS checkpoints (size INTEGER PRIMARY KEY, note TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS successions (sequence INTEGER PRIMARY KEY, vkey TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS unfinished (request TEXT PRIMARY KEY, instance TEXT NOT NULL, sequence INTEGER NOT NULL) WITHOUT ROWID;
"""
_ROWS_AT_ONCE = (64, 16, 4, 1)
_WORTH_SHARING = 16

_Value: TypeAlias = "str | int | bytes"


@dataclass(frozen=True, slots=True)
class Entry:
    """A record to append. `kind` as in the record; `instance` the gateway that opened it."""

    request: str
    kind: str
    instance: str
    record: bytes

    @property
    def part(self) -> str:
        """A request has at most one opening and one closing entry."""
        return OPENED if self.kind == OPENED else CLOSED


@dataclass(frozen=True, slots=True)
class Conflict:
    """The request has another record in this place already, or is closed. `held` is that record's kind of place."""

    request: str
    held: str


class LogStore:
    """The writer's side. Not for more than one thread at a time; a second process is refused.

    Raises OperationFailed when another process writes this log, when the database cannot be opened, or when it does not agree with the
    last checkpoint that was signed.
    """

    def __init__(self, folder: Path, key: LogKey) -> None:
        self._key = key
        os.close(os.open(folder / DATABASE, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))  # and the files beside it have its mode
        self._lock = exclusive(folder)
        self._time_us: int = 0
        self._signers = ThreadPoolExecutor(1, thread_name_prefix="ledger-signer")
        self._database = sqlite3.connect(folder / DATABASE, isolation_level=None, check_same_thread=False)
        try:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "wal_autocheckpoint=4000", "cache_size=-2048"):
                self._database.execute(f"PRAGMA {pragma}")
            older = require_known(self._database, folder / DATABASE) < FORM
            self._database.executescript(f"{_TABLES}PRAGMA user_version={FORM};" if older else _TABLES)
            self._frontier, self._time_us = self._edge()
        except OperationFailed:
            self.close()
            raise
        except sqlite3.Error as error:
            self.close()
            raise _unusable(folder, str(error)) from error

    @property
    def key(self) -> LogKey:
        """The key that signs now."""
        return self._key

    @property
    def size(self) -> int:
        """Records in the log."""
        return self._frontier.size

    def append(self, entries: Sequence[Entry], now_us: int) -> list[Receipt | Conflict]:
        """Commit all entries in one transaction, in order, with one checkpoint over them.

        The same bytes again give the receipt that they got; another record in their place is a Conflict. Raises sqlite3.Error when the
        transaction cannot be had: then nothing was appended.
        """
        group = _Group(self._known(entries), self._frontier.copy(), max(now_us, self._time_us + 1))
        placed = [group.place(entry) for entry in entries]
        if group.new:
            self._sign(group.new)
            self._commit(group)
            self._frontier, self._time_us = group.edge, group.time_us
        return [each if isinstance(each, Conflict) else self._receipt(each) for each in placed]

    def succeed(self, entry: Entry, heir: LogKey, now_us: int) -> Receipt:
        """Commit the record by which `heir` follows this log's key: its receipt is the old key's, its checkpoint is signed by both, and
        what comes after it is the heir's to sign. Raises sqlite3.Error: then nothing was appended, and the key is what it was."""
        group = _Group({}, self._frontier.copy(), max(now_us, self._time_us + 1))
        group.place(entry)
        self._sign(group.new)
        receipt = self._receipt(group.new[0])
        self._commit(group, heir)
        self._frontier, self._time_us, self._key = group.edge, group.time_us, heir
        return receipt

    def receipt_of(self, request: str) -> Receipt | None:
        """The receipt of a request's end, or of an act; None when the log has none."""
        query = "SELECT sequence, leaf, time_us, signature FROM entries WHERE request = ? AND part = ?"
        row = self._database.execute(query, (request, CLOSED)).fetchone()
        return self._receipt(_Place(*row)) if row else None

    def unfinished(self, living: Sequence[str]) -> list[bytes]:
        """Opened records without an end, of instances that are not among the living."""
        marks = ",".join("?" * len(living))
        query = "SELECT record FROM unfinished JOIN entries USING (sequence)"
        query += f" WHERE instance NOT IN ({marks}) ORDER BY sequence"
        return [bytes(record) for (record,) in self._database.execute(query, tuple(living))]

    def close(self) -> None:
        """Fold the WAL back and let the files go."""
        self._signers.shutdown()
        self._database.close()
        os.close(self._lock)

    def _receipt(self, place: _Place) -> Receipt:
        return Receipt(self._key.name, place.sequence, place.leaf.hex(), place.time_us, place.signature)

    def _known(self, entries: Sequence[Entry]) -> dict[tuple[str, str], _Place]:
        """What the log holds already of these requests."""
        requests = [entry.request for entry in entries]
        requests += requests[-1:] * ((1 << (len(requests) - 1).bit_length()) - len(requests))  # few lengths: few statements to prepare
        marks = ",".join("?" * len(requests))
        query = f"SELECT request, part, sequence, leaf, time_us, signature FROM entries WHERE request IN ({marks})"  # noqa: S608 - only marks
        return {(row[0], row[1]): _Place(row[2], row[3], row[4], row[5]) for row in self._database.execute(query, requests)}

    def _sign(self, places: Sequence[_Place]) -> None:
        """Sign their receipts: half of the work of a large group, done without the interpreter's lock, so two threads share it."""
        half = len(places) // 2 if len(places) >= _WORTH_SHARING else 0
        shared = self._signers.submit(self._sign_each, places[:half]) if half else None
        self._sign_each(places[half:])
        if shared is not None:
            shared.result()

    def _sign_each(self, places: Sequence[_Place]) -> None:
        for place in places:
            place.signature = self._key.sign_receipt(place.sequence, place.leaf.hex(), place.time_us)

    def _commit(self, group: _Group, heir: LogKey | None = None) -> None:
        database = self._database
        database.execute("BEGIN IMMEDIATE")
        try:
            self._insert("entries", group.rows())
            self._insert("nodes", group.nodes)
            self._insert("unfinished", group.opened)
            if group.closed:
                database.executemany("DELETE FROM unfinished WHERE request = ?", group.closed)
            note = self._key.checkpoint(group.edge.size, group.edge.root())
            if heir is not None:
                note = heir.sign_too(note)
                database.execute("INSERT INTO successions VALUES (?, ?)", (group.new[0].sequence, heir.vkey))
            database.execute("INSERT INTO checkpoints VALUES (?, ?)", (group.edge.size, note))
            database.execute("COMMIT")
        except BaseException:
            database.rollback()  # which SQLite may have done already, when the disk is full
            raise

    def _insert(self, table: str, rows: Sequence[tuple[_Value, ...]]) -> None:
        at = 0
        for count in _ROWS_AT_ONCE:
            while len(rows) - at >= count:
                marks = ",".join(["(" + ",".join("?" * len(rows[0])) + ")"] * count)
                values = tuple(chain.from_iterable(rows[at : at + count]))
                self._database.execute(f"INSERT INTO {table} VALUES {marks}", values)  # noqa: S608 - our own tables, and marks
                at += count

    def _edge(self) -> tuple[Frontier, int]:
        last = self._database.execute("SELECT sequence + 1, time_us FROM entries ORDER BY sequence DESC LIMIT 1").fetchone()
        size, time_us = last or (0, 0)
        node = node_reader(self._database)
        edge = Frontier(size, [node(level, index) for level, index in complete_subtrees(0, size)])
        signed = self._database.execute("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
        if size and (signed is None or not _signed_so(signed[0], self._key.checkpoint(size, edge.root()))):
            msg = "the last checkpoint is not one of this key over these records"
            raise sqlite3.DatabaseError(msg)
        return edge, time_us


@dataclass(slots=True)
class _Place:
    """Where a record stands; `signature` is that of its receipt."""

    sequence: int
    leaf: bytes
    time_us: int
    signature: str = ""


class _Group:
    """The records of one transaction, as they find their places."""

    def __init__(self, known: dict[tuple[str, str], _Place], edge: Frontier, time_us: int) -> None:
        self._known = known
        self._records: list[Entry] = []
        self.edge = edge
        self.time_us = time_us
        self.new: list[_Place] = []
        self.nodes: list[tuple[_Value, ...]] = []
        self.opened: list[tuple[_Value, ...]] = []
        self.closed: list[tuple[str]] = []

    def place(self, entry: Entry) -> _Place | Conflict:
        """The next place for a new record; the one that it has for one that is known."""
        leaf, request, part = leaf_hash(entry.record), entry.request, entry.part
        held = self._known.get((request, part))
        if held is not None:
            return held if held.leaf == leaf else Conflict(request, part)
        if part == OPENED:
            if (request, CLOSED) in self._known:
                return Conflict(request, CLOSED)
            self.opened.append((request, entry.instance, self.edge.size))
        elif (request, OPENED) in self._known:
            self.closed.append((request,))
        place = _Place(self.edge.size, leaf, self.time_us)
        self._known[request, part] = place
        self._records.append(entry)
        self.new.append(place)
        self.nodes += self.edge.append(leaf)[1:]
        return place

    def rows(self) -> list[tuple[_Value, ...]]:
        """The entries to insert, signed."""
        return [
            (place.sequence, entry.request, entry.part, place.leaf, place.time_us, place.signature, entry.record)
            for place, entry in zip(self.new, self._records, strict=True)
        ]


def require_known(database: sqlite3.Connection, path: Path) -> int:
    """The form of this database. Raises OperationFailed when a newer Headrace wrote it; sqlite3.Error when it cannot be read."""
    (found,) = database.execute("PRAGMA user_version").fetchone()
    if found > FORM:
        msg = f"The ledger was written by a newer Headrace (form {found}; this one knows {FORM})."
        raise OperationFailed(msg, code="ledger.newer", param=str(path), mend="Use that version. Nothing was changed.")
    return int(found)


def node_reader(database: sqlite3.Connection) -> Callable[[int, int], bytes]:
    """Reads node (level, index) of the stored tree."""

    def node(level: int, index: int) -> bytes:
        inner = "SELECT hash FROM nodes WHERE level = ? AND position = ?"
        leaf = "SELECT leaf FROM entries WHERE ? = 0 AND sequence = ?"
        with closing(database.execute(inner if level else leaf, (level, index))) as cursor:
            return bytes(cursor.fetchone()[0])

    return node


def _signed_so(note: str, expected: str) -> bool:
    """Whether the note is the expected one; the signature of the key before may stand between its text and its signature."""
    text, _, line = expected.rpartition("\n\n")
    return note.startswith(f"{text}\n\n") and note.endswith(f"\n{line}") and note.rpartition("\n\n")[0] == text


def encoded(hashes: Sequence[bytes]) -> list[str]:
    """Hashes as base64 texts."""
    return [base64.b64encode(each).decode() for each in hashes]


def exclusive(folder: Path) -> int:
    """The lock of whoever writes this log: two sequencers would give one place to two records, so the second is refused. It goes when the
    descriptor is closed, and with the process, however that ends. Raises OperationFailed with code ``ledger.locked``."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        msg = "Another process writes this ledger."
        raise OperationFailed(msg, code="ledger.locked", param=str(folder), mend="Stop that one first.") from None
    return descriptor


def _unusable(folder: Path, why: str) -> OperationFailed:
    return OperationFailed(
        f"The ledger's database cannot be used: {why}.",
        code="ledger.unusable",
        param=str(folder / DATABASE),
        mend="Nothing was changed. Free space or make the folder writable; a damaged database comes back from your backup, with its key.",
    )
