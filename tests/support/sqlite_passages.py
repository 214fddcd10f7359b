"""A second implementation of the port PassageStore: small, durable, in SQLite. It shows that ingestion relies on the port alone, and it is
quick enough to be killed many times."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import numpy as np

from headrace.core.values import StoredPassage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

COLUMNS = "id, document, source, version, start, end, text, place, heading, acl"


class SqlitePassages:
    """The passages of one tenant in one SQLite file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS passage (id TEXT, document TEXT, source TEXT, version TEXT, start INT, end INT, text TEXT,"
            " place TEXT, heading TEXT, acl TEXT, vector BLOB, made_by TEXT)"
        )
        self._db.execute("CREATE INDEX IF NOT EXISTS by_id ON passage (id)")
        self._db.execute("CREATE INDEX IF NOT EXISTS by_document ON passage (document)")
        self.optimized = 0

    def replace(self, documents: Sequence[str], passages: Sequence[StoredPassage]) -> None:
        rows = [(p.id, p.document, p.source, p.version, p.start, p.end, p.text, p.place, p.heading, p.acl) for p in passages]
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("DELETE FROM passage WHERE document = ?", [(name,) for name in documents])
        self._db.executemany(f"INSERT INTO passage ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)", rows)  # noqa: S608  a constant
        self._db.execute("COMMIT")

    def relabel(self, documents: Sequence[str], acl: str) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("UPDATE passage SET acl = ? WHERE document = ?", [(acl, name) for name in documents])
        self._db.execute("COMMIT")

    def documents(self) -> Mapping[str, str]:
        return dict(self._db.execute("SELECT DISTINCT document, version FROM passage"))

    def without_vector(self, limit: int) -> Sequence[tuple[str, str]]:
        order = "ORDER BY length(text), id LIMIT ?"
        rows = self._db.execute(f"SELECT {COLUMNS} FROM passage WHERE vector IS NULL {order}", (limit,))  # noqa: S608  constants
        return [(each.id, each.words) for each in (StoredPassage(*row) for row in rows)]

    def add_vectors(self, vectors: Mapping[str, Sequence[float]], made_by: str) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        rows = [(np.asarray(vector, dtype=np.float32).tobytes(), made_by, key) for key, vector in vectors.items()]
        self._db.executemany("UPDATE passage SET vector = ?, made_by = ? WHERE id = ?", rows)
        self._db.execute("COMMIT")

    def optimize(self) -> None:
        self.optimized += 1

    def passages(self) -> list[StoredPassage]:
        """Every passage, by document and place."""
        return [StoredPassage(*row) for row in self._db.execute(f"SELECT {COLUMNS} FROM passage ORDER BY document, start, id")]  # noqa: S608  a constant

    def rows(self) -> list[tuple[object, ...]]:
        """Everything, vectors too, for comparing two stores."""
        return self._db.execute(f"SELECT {COLUMNS}, vector FROM passage ORDER BY document, start, id").fetchall()  # noqa: S608  a constant

    def close(self) -> None:
        self._db.close()
