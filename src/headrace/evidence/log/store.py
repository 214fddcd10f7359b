"""The log's database: SQLite in WAL mode with synchronous=FULL, so that a commit is an fdatasync. One writer, any readers.

Its own file: an outage of the control store does not stop it. Hashes of complete subtrees are kept, so every proof takes O(log n) reads.
"""

from __future__ import annotations

import base64
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.core.values import Receipt
from headrace.evidence.log.merkle import Frontier, complete_subtrees, leaf_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from headrace.evidence.log.note import LogKey

DATABASE = "log.db"
_CLOSING = {"settled", "interrupted", "act"}
_TABLES = """
CREATE TABLE IF NOT EXISTS entries (
    sequence INTEGER PRIMARY KEY, request TEXT NOT NULL, part TEXT NOT NULL, leaf BLOB NOT NULL,
    time_us INTEGER NOT NULL, signature TEXT NOT NULL, record BLOB NOT NULL, UNIQUE (request, part));
CREATE TABLE IF NOT EXISTS nodes (level INTEGER, position INTEGER, hash BLOB NOT NULL, PRIMARY KEY (level, position)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS checkpoints (size INTEGER PRIMARY KEY, note TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS unfinished (request TEXT PRIMARY KEY, instance TEXT NOT NULL, sequence INTEGER NOT NULL) WITHOUT ROWID;
"""


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
        return "closed" if self.kind in _CLOSING else self.kind


class Conflict(Exception):
    """The request already has another record of this kind."""


class LogStore:
    """The writer's side. Not for more than one thread at a time, nor for more than one process."""

    def __init__(self, folder: Path, key: LogKey) -> None:
        self._key = key
        self._database = sqlite3.connect(folder / DATABASE, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "wal_autocheckpoint=4000", "cache_size=-4096"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.executescript(_TABLES)
        self._frontier, self._time_us = self._edge()

    @property
    def size(self) -> int:
        """Records in the log."""
        return self._frontier.size

    def append(self, entries: Sequence[Entry], now_us: int) -> list[Receipt | Conflict]:
        """Commit all entries in one transaction, in order, with one checkpoint over them.

        The same bytes again give the receipt that they got; another record in their place is a Conflict. Raises sqlite3.Error when the
        transaction cannot be had: then nothing was appended.
        """
        edge, time_us = self._frontier.copy(), max(now_us, self._time_us + 1)
        database = self._database
        database.execute("BEGIN IMMEDIATE")
        try:
            outcomes = [self._insert(entry, edge, time_us) for entry in entries]
            if edge.size != self._frontier.size:
                database.execute("INSERT INTO checkpoints VALUES (?, ?)", (edge.size, self._key.checkpoint(edge.size, edge.root())))
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise
        self._frontier, self._time_us = edge, time_us
        return outcomes

    def unfinished(self, living: Sequence[str]) -> list[bytes]:
        """Opened records without an end, of instances that are not among the living."""
        marks = ",".join("?" * len(living))
        query = f"SELECT record FROM unfinished JOIN entries USING (sequence) WHERE instance NOT IN ({marks}) ORDER BY sequence"  # noqa: S608 - marks only
        return [bytes(record) for (record,) in self._database.execute(query, tuple(living))]

    def close(self) -> None:
        """Fold the WAL back and let the file go."""
        self._database.close()

    def _insert(self, entry: Entry, edge: Frontier, time_us: int) -> Receipt | Conflict:
        leaf, sequence = leaf_hash(entry.record), edge.size
        signature = self._key.sign_receipt(sequence, leaf.hex(), time_us)
        cursor = self._database.execute(
            "INSERT OR IGNORE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)",
            (sequence, entry.request, entry.part, leaf, time_us, signature, entry.record),
        )
        if cursor.rowcount == 0:
            return self._again(entry, leaf)
        nodes = edge.append(leaf)[1:]
        if nodes:
            self._database.executemany("INSERT INTO nodes VALUES (?, ?, ?)", nodes)
        if entry.kind == "opened":
            self._database.execute("INSERT INTO unfinished VALUES (?, ?, ?)", (entry.request, entry.instance, sequence))
        elif entry.kind != "act":
            self._database.execute("DELETE FROM unfinished WHERE request = ?", (entry.request,))
        return Receipt(self._key.name, sequence, leaf.hex(), time_us, signature)

    def _again(self, entry: Entry, leaf: bytes) -> Receipt | Conflict:
        query = "SELECT sequence, leaf, time_us, signature FROM entries WHERE request = ? AND part = ?"
        sequence, found, time_us, signature = self._database.execute(query, (entry.request, entry.part)).fetchone()
        if found != leaf:
            return Conflict(entry.request)
        return Receipt(self._key.name, sequence, leaf.hex(), time_us, signature)

    def _edge(self) -> tuple[Frontier, int]:
        size, time_us = self._database.execute("SELECT COUNT(*), COALESCE(MAX(time_us), 0) FROM entries").fetchone()
        node = node_reader(self._database)
        return Frontier(size, [node(level, index) for level, index in complete_subtrees(0, size)]), time_us


def node_reader(database: sqlite3.Connection) -> Callable[[int, int], bytes]:
    """Reads node (level, index) of the stored tree."""

    def node(level: int, index: int) -> bytes:
        query = "SELECT hash FROM nodes WHERE level = ? AND position = ?" if level else "SELECT leaf FROM entries WHERE ? = 0 AND sequence = ?"
        with closing(database.execute(query, (level, index))) as cursor:
            return bytes(cursor.fetchone()[0])

    return node


def encoded(hashes: Sequence[bytes]) -> list[str]:
    """Hashes as base64 texts."""
    return [base64.b64encode(each).decode() for each in hashes]
