"""What ingestion knows of each document: SQLite, one file a tenant. It follows the passage store, never leads it.

A document is entered here after its passages are committed there, so a pass that was killed in between does the document again, with
the same result: passage ids depend on content alone. If this file is lost, everything is read anew and nothing is lost.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence
    from pathlib import Path

KEEP_SUPERSEDED_US = 30 * 86_400 * 1_000_000
"""How long the text of a version stays after the document changed: citations of it resolve until then. A deleted document's goes."""
_SCHEMA = 1
_MANY = 500
"""Parameters of one statement; SQLite takes at least 999."""
_TABLES = """
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS document (
  document TEXT PRIMARY KEY, source TEXT NOT NULL, stamp TEXT NOT NULL, content TEXT NOT NULL, recipe TEXT NOT NULL,
  version TEXT NOT NULL, acl TEXT NOT NULL, reason TEXT NOT NULL, passages INTEGER NOT NULL, read_us INTEGER NOT NULL,
  fault TEXT NOT NULL DEFAULT '', mend TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS version (
  document TEXT NOT NULL, version TEXT NOT NULL, superseded_us INTEGER,
  since_us INTEGER NOT NULL DEFAULT 0, passages INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (document, version)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS looked (source TEXT PRIMARY KEY, time_us INTEGER NOT NULL, fault TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passage (id TEXT PRIMARY KEY, document TEXT NOT NULL, digest BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS passage_document ON passage (document);
DROP INDEX IF EXISTS passage_digest;
CREATE INDEX IF NOT EXISTS passage_digest_document ON passage (digest, document);
CREATE TABLE IF NOT EXISTS vector (digest BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
"""
_LATER = (
    ("document", "fault", "TEXT NOT NULL DEFAULT ''"),
    ("document", "mend", "TEXT NOT NULL DEFAULT ''"),
    ("version", "since_us", "INTEGER NOT NULL DEFAULT 0"),
    ("version", "passages", "INTEGER NOT NULL DEFAULT 0"),
)
"""Columns that files of before do not have; 0 and empty mean that it is not known."""


@dataclass(frozen=True, slots=True)
class Row:
    """A document as it was read last. `version` is empty when it could not be read: `reason` says why then, `fault` is its code, and
    `mend` what to do where that is known. Of an archive all of them are empty: it is nothing but what it holds.

    `stamp` is empty when the file was so fresh that a later write might have left the same one: it is then hashed at the next pass.
    `recipe` names converter and chunker.
    """

    document: str
    source: str
    stamp: str
    content: str
    recipe: str
    version: str
    acl: str
    reason: str
    passages: int
    read_us: int
    fault: str = ""
    mend: str = ""

    @property
    def hollow(self) -> bool:
        """Whether it is an archive, and no document."""
        return not self.version and not self.reason


@dataclass(frozen=True, slots=True)
class Entry:
    """A row to enter, with its passages: id and SHA-256 of the text."""

    row: Row
    passages: tuple[tuple[str, bytes], ...] = ()


def schema_fault(database: sqlite3.Connection, path: Path) -> OperationFailed | None:
    """Why this version cannot work with the manifest that is open: a newer Headrace wrote it. Raises sqlite3.Error."""
    if database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'fact'").fetchone()[0] == 0:
        return None
    found = database.execute("SELECT value FROM fact WHERE name = 'schema'").fetchone()
    if found is None or int(found[0]) <= _SCHEMA:
        return None
    msg = f"What ingestion remembers was written by a newer Headrace (schema {found[0]}; this one knows {_SCHEMA})."
    mend = "Use that version, or move the file away: everything is then read anew from the sources."
    return OperationFailed(msg, code="ingest.newer", param=str(path), mend=mend)


class Manifest:
    """The manifest in `path`, made when it is not there. One writer at a time (the ingest lock). Raises OperationFailed when a newer
    Headrace wrote it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        if (newer := schema_fault(self._db, path)) is not None:
            self._db.close()
            raise newer
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA secure_delete=ON")  # a deleted document's vectors are gone, not only unlinked
        self._db.executescript(_TABLES)
        for table, column, form in _LATER:
            if column not in {row[1] for row in self._db.execute(f"PRAGMA table_info({table})")}:
                self._db.execute(f"ALTER TABLE {table} ADD COLUMN {column} {form}")
        self._db.execute("INSERT OR IGNORE INTO fact VALUES ('schema', ?)", (str(_SCHEMA),))

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._db.close()

    def fact(self, name: str) -> str:
        """A remembered fact; empty when it is not known."""
        found = self._db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return str(found[0]) if found else ""

    def remember(self, name: str, value: str) -> None:
        """Remember a fact."""
        self._db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))

    def rows(self) -> dict[str, Row]:
        """Every document."""
        return {row[0]: Row(*row) for row in self._db.execute("SELECT * FROM document")}

    def enter(self, entries: Sequence[Entry]) -> None:
        """Enter documents as they were read, in one transaction."""
        with self._transaction():
            for entry in entries:
                row = entry.row
                self._db.execute("INSERT OR REPLACE INTO document VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", astuple(row))
                self._supersede(row)
                self._db.execute("DELETE FROM passage WHERE document = ?", (row.document,))
                self._db.executemany(
                    "INSERT OR REPLACE INTO passage VALUES (?, ?, ?)", [(key, row.document, digest) for key, digest in entry.passages]
                )

    def looked(self, source: str, time_us: int, fault: str = "") -> None:
        """A source was looked at; `fault` is why it could not be listed."""
        self._db.execute("INSERT OR REPLACE INTO looked VALUES (?, ?, ?)", (source, time_us, fault))

    def touch(self, stamps: Mapping[str, str]) -> None:
        """Other stamps for documents whose content is the same."""
        with self._transaction():
            self._db.executemany("UPDATE document SET stamp = ? WHERE document = ?", [(stamp, name) for name, stamp in stamps.items()])

    def relabel(self, document: str, acl: str) -> None:
        """Another access list for a document."""
        self._db.execute("UPDATE document SET acl = ? WHERE document = ?", (acl, document))

    def forget(self, documents: Iterable[str]) -> None:
        """Documents that are gone from their source."""
        with self._transaction():
            for name in documents:
                for table in ("document", "version", "passage"):
                    self._db.execute(f"DELETE FROM {table} WHERE document = ?", (name,))  # noqa: S608  the names stand above

    def use_weights(self, weights: str) -> None:
        """Say what vectors are made with now. When that changes, every vector is forgotten and every document read anew."""
        known = self.fact("weights")
        if weights in ("", known):
            return
        with self._transaction():
            if known:
                self._db.execute("UPDATE document SET recipe = '', stamp = ''")
                self._db.execute("DELETE FROM vector")
            self.remember("weights", weights)

    def _supersede(self, row: Row) -> None:
        self._db.execute(
            "UPDATE version SET superseded_us = ? WHERE document = ? AND version != ? AND superseded_us IS NULL",
            (row.read_us, row.document, row.version),
        )
        if row.version:
            self._db.execute(
                "INSERT INTO version (document, version, superseded_us, since_us, passages) VALUES (?, ?, NULL, ?, ?) "
                "ON CONFLICT (document, version) DO UPDATE SET passages = excluded.passages, superseded_us = NULL, "
                "since_us = CASE WHEN superseded_us IS NULL THEN since_us ELSE excluded.since_us END",
                (row.document, row.version, row.read_us, row.passages),
            )

    def kept_versions(self, now_us: int) -> frozenset[str]:
        """Versions whose text must stay: the current ones, and those that were until a while ago; older ones are forgotten."""
        self._db.execute("DELETE FROM version WHERE superseded_us < ?", (now_us - KEEP_SUPERSEDED_US,))
        return frozenset(row[0] for row in self._db.execute("SELECT DISTINCT version FROM version"))

    def passages(self) -> tuple[int, int]:
        """Passages, and how many of them have their vector at hand."""
        (total,) = self._db.execute("SELECT count(*) FROM passage").fetchone()
        (ready,) = self._db.execute("SELECT count(*) FROM passage JOIN vector USING (digest)").fetchone()
        return int(total), int(ready)

    def vectors(self, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        """The vectors at hand of texts with these SHA-256."""
        found: dict[bytes, bytes] = {}
        for at in range(0, len(digests), _MANY):
            some = digests[at : at + _MANY]
            marks = ",".join("?" * len(some))
            found.update(self._db.execute(f"SELECT digest, vector FROM vector WHERE digest IN ({marks})", some))  # noqa: S608  marks only
        return found

    def keep_vectors(self, vectors: Mapping[bytes, bytes]) -> None:
        """Keep vectors by SHA-256 of their text, so that an identical passage is embedded once."""
        with self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO vector VALUES (?, ?)", list(vectors.items()))

    def sweep_vectors(self) -> None:
        """Erase the vectors of texts that no document has any more."""
        self._db.execute("DELETE FROM vector WHERE NOT EXISTS (SELECT 1 FROM passage WHERE passage.digest = vector.digest)")

    @contextmanager
    def _transaction(self) -> Generator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
