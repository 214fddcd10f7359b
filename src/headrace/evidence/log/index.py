"""An index over the requests of a log, so that a list of them is quick. The log is the truth: the index is read from it, and made anew
whenever it does not fit.

It lies beside the log in a database of its own. Nothing waits for it: the writer of the log does not know of it, and whoever asks for a
list first takes in what the log has gained. Several processes may hold it open and take in; each stretch of the log is taken in once.
"""

from __future__ import annotations

import math
import os
import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self, TypeAlias

import msgspec

from headrace.evidence.facts import RequestFacts
from headrace.evidence.listing import Listed, listed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

    from headrace.evidence.listing import Visible, Wanted
    from headrace.evidence.log.reader import LogReader

INDEX: Final = "index.db"
FORM: Final = 2
"""Of the tables, and of what is read from a record. An index of another form is not opened."""
STRETCH: Final = 256
"""Records that are taken in at a time: the lock on the index is let go between."""
_TABLES = """
CREATE TABLE IF NOT EXISTS taken (size INTEGER NOT NULL, leaf BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS requests (
    request TEXT PRIMARY KEY, received_us INTEGER NOT NULL, tenant TEXT NOT NULL, principal TEXT NOT NULL, holder TEXT NOT NULL,
    key TEXT NOT NULL, service TEXT NOT NULL, outcome TEXT NOT NULL, decision TEXT NOT NULL, deployment TEXT NOT NULL,
    policies TEXT NOT NULL, findings INTEGER NOT NULL, flagged INTEGER NOT NULL, line BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_time ON requests (tenant, received_us, request);
CREATE INDEX IF NOT EXISTS by_principal ON requests (tenant, principal, received_us, request);
CREATE INDEX IF NOT EXISTS by_service ON requests (tenant, service, received_us, request);
CREATE INDEX IF NOT EXISTS by_key ON requests (tenant, key, received_us, request);
CREATE INDEX IF NOT EXISTS by_outcome ON requests (tenant, outcome, received_us, request) WHERE outcome <> 'answered';
CREATE INDEX IF NOT EXISTS by_deployment ON requests (tenant, deployment, received_us, request) WHERE deployment <> '';
CREATE INDEX IF NOT EXISTS by_finding ON requests (tenant, received_us, request) WHERE findings > 0;
CREATE TABLE IF NOT EXISTS cited (version TEXT NOT NULL, request TEXT NOT NULL, PRIMARY KEY (version, request)) WITHOUT ROWID;
"""
_PUT: Final = "INSERT OR REPLACE INTO requests VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_CITES: Final = "INSERT OR IGNORE INTO cited VALUES (?, ?)"
_CITING: Final = "request IN (SELECT request FROM cited WHERE version IN ({}))"
_decode = msgspec.json.Decoder(dict[str, object]).decode
_line = msgspec.msgpack.Decoder(Listed)
_encode = msgspec.msgpack.Encoder().encode

Value: TypeAlias = "str | int | bytes"


class RequestIndex:
    """The index in the file `path`, made when it is not there; None: in memory, for a log in a folder that cannot be written.

    One thread at a time. Raises OSError, and sqlite3.OperationalError when the machine refuses; sqlite3.DatabaseError when the file is
    damaged or of another form: then it is to be removed, and made anew.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._database = self._opened()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def take_in(self, log: LogReader, most: int = STRETCH) -> int:
        """Take in up to `most` more records of the log; how many there were. 0: it knows the whole log."""
        database = self._database
        database.execute("BEGIN IMMEDIATE")  # another process may take in the same stretch: one after the other, from where it ends
        try:
            size = self._size(log)
            found = log.since(size, most)
            if found:
                self._put(record for _, record in found)
                database.execute("DELETE FROM taken")
                database.execute("INSERT INTO taken VALUES (?, ?)", (size + len(found), found[-1][0]))
            database.execute("COMMIT")
        except BaseException:
            database.rollback()  # which SQLite may have done already, when the disk is full
            raise
        return len(found)

    def take_in_all(self, log: LogReader, within: float = math.inf) -> int:
        """Take in everything that the log has gained, for `within` seconds at most; how many records are left."""
        until = time.monotonic() + within
        while self.take_in(log) == STRETCH:
            if time.monotonic() > until:
                return max(0, log.size() - self._taken()[0])
        return 0

    def find(self, wanted: Wanted) -> list[Listed]:
        """What is wanted, newest first, of what was taken in."""
        conditions, values = _where(wanted)
        order = "ORDER BY received_us DESC, request DESC LIMIT ?"
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        found = self._database.execute(f"SELECT line FROM requests {where} {order}", (*values, wanted.limit))  # noqa: S608 - marks alone
        return [_line.decode(line) for (line,) in found]

    def close(self) -> None:
        """Let the file go."""
        self._database.close()

    @staticmethod
    def remove(path: Path) -> None:
        """Take the file away, so that it is made anew."""
        for left in (path, *(path.with_name(f"{path.name}-{part}") for part in ("wal", "shm"))):
            left.unlink(missing_ok=True)

    def _opened(self) -> sqlite3.Connection:
        if self._path is not None:
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        database = sqlite3.connect(self._path or ":memory:", isolation_level=None, check_same_thread=False)
        try:
            # NORMAL: a crash may lose the last stretches, which are read again, and damages nothing; the log's own disk is seldom synced.
            for pragma in ("busy_timeout=5000", "journal_mode=WAL", "synchronous=NORMAL", "cache_size=-4096"):
                database.execute(f"PRAGMA {pragma}")
            form = database.execute("PRAGMA user_version").fetchone()[0]
            if form not in {0, FORM}:
                msg = f"it is of form {form}, and this program's is {FORM}"
                raise sqlite3.DatabaseError(msg)
            database.executescript(f"{_TABLES}PRAGMA user_version={FORM};")
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _taken(self) -> tuple[int, bytes]:
        """How many records were taken in, and the leaf of the last."""
        held = self._database.execute("SELECT size, leaf FROM taken").fetchone()
        return (int(held[0]), bytes(held[1])) if held else (0, b"")

    def _size(self, log: LogReader) -> int:
        """How much of this very log was taken in; what came from another one is forgotten."""
        size, leaf = self._taken()
        if size and [leaf] == [each for each, _ in log.since(size - 1, 1)]:
            return size
        for table in ("requests", "cited", "taken"):
            self._database.execute(f"DELETE FROM {table}")  # noqa: S608 - constant
        return 0

    def _put(self, records: Iterable[bytes]) -> None:
        for record in records:
            with suppress(msgspec.DecodeError):  # what is no record of ours is no request of ours
                facts = RequestFacts(_decode(record))
                if facts.kind != "act":
                    self._database.execute(_PUT, _row(listed(facts), facts.request))
                    self._database.executemany(_CITES, ((version, facts.request) for version in facts.cited))


def _row(line: Listed, request: str) -> tuple[Value, ...]:
    policies = "\n".join(["", *line.policies, ""])
    return (
        request, line.received_us, line.tenant, line.principal, line.holder, line.key, line.service, line.outcome, line.decision or "",
        line.deployment or "", policies, line.findings, line.flagged, _encode(line),
    )  # fmt: skip


def _where(wanted: Wanted) -> tuple[list[str], list[Value]]:
    policy = f"\n{wanted.policy}\n" if wanted.policy else ""
    equal = {column: getattr(wanted, column) for column in ("tenant", "service", "outcome", "key", "decision", "deployment")}
    asked: list[tuple[str, *tuple[Value, ...]] | None] = [
        *((f"{column} = ?", value) for column, value in equal.items() if value),
        ("principal = ?", wanted.person) if wanted.person else None,
        ("instr(policies, ?) > 0", policy) if policy else None,
        None if wanted.findings is None else ("findings > 0" if wanted.findings else "findings = 0",),
        None if wanted.since_us is None else ("received_us >= ?", wanted.since_us),
        None if wanted.until_us is None else ("received_us < ?", wanted.until_us),
        None if wanted.after is None else ("(received_us, request) < (?, ?)", *wanted.after),
        None if wanted.services is None else (f"service IN ({','.join('?' * len(wanted.services))})", *wanted.services),
        (_CITING.format(",".join("?" * len(wanted.cites))), *wanted.cites) if wanted.cites else None,
        None if wanted.visible is None else _seen(wanted.visible),
    ]
    found = [each for each in asked if each is not None]
    return [condition for condition, *_ in found], [value for _, *values in found for value in values]


def _seen(visible: Visible) -> tuple[str, *tuple[Value, ...]]:
    """A record that ended before it was noted what its principal is counts as that principal's own."""
    mine = "(principal = ? AND holder IN (?, ''))"
    ways = {
        f"{mine} AND flagged": visible.own_flagged,
        f"{mine} AND NOT flagged": visible.own_plain,
        f"NOT {mine} AND flagged": visible.other_flagged,
        f"NOT {mine} AND NOT flagged": visible.other_plain,
    }
    if all(ways.values()):
        return ("1",)
    if visible.own_flagged and visible.own_plain and not visible.others:
        return (mine, visible.principal, visible.holder)  # the usual case, for which there is an index
    open_ways = [way for way, is_open in ways.items() if is_open]
    return (f"({' OR '.join(open_ways) or '0'})", *(visible.principal, visible.holder) * len(open_ways))
