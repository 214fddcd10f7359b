"""The documents of one tenant, for those who only look: SQL over what ingestion wrote down, read-only. Light: the gateway imports it.

Who may see what is the caller's to say: `seen` is asked about the path of each document (inside its source), within the query, so that
counts and pages are of what may be seen and of nothing else. None: all of the source may be seen.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from headrace.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

Seen: TypeAlias = "Callable[[str], bool] | None"
PATIENCE: Final = 2.0
"""Seconds to wait while ingestion writes."""
STATES: Final = ("", "read", "found", "empty", "unread")
"""What a document can be asked for by: any; read; read and found by searches; read and empty, so nothing can be found; not to be read."""
_OF = """FROM document WHERE document > :source || '/' AND document < :source || '0' AND seen(substr(document, length(:source) + 2))
AND (:text = '' OR instr(lower(substr(document, length(:source) + 2)), lower(:text)))
AND (version != '' OR reason != '') AND CASE :state WHEN '' THEN 1 WHEN 'unread' THEN reason != '' ELSE reason = '' END
AND CASE :state WHEN 'found' THEN passages > 0 WHEN 'empty' THEN passages = 0 ELSE 1 END"""
"""The documents of a source that a filter lets through, archives apart (what they hold is there).
``0`` is the character after ``/``, so this is a stretch of the primary key."""
_TOTALS = "SELECT count(*), sum(passages), sum(reason != ''), max(read_us) " + _OF
_PAGE = (
    "SELECT *, (SELECT count(*) FROM version WHERE version.document = document.document) AS versions "  # noqa: S608  our own texts alone
    + _OF
    + " ORDER BY document LIMIT :most OFFSET :skip"
)
_ONE = (
    "SELECT *, (SELECT count(*) FROM version WHERE version.document = document.document) AS versions FROM document WHERE document = :name"
)
_VECTORS = """SELECT substr(document, 1, instr(document, '/') - 1), count(*) FROM vector CROSS JOIN passage USING (digest)
WHERE seen(document) GROUP BY 1"""


@dataclass(frozen=True, slots=True)
class Totals:
    """Of the documents that may be seen. `changed_us`: when one of them was last read anew (0: never)."""

    documents: int = 0
    passages: int = 0
    unread: int = 0
    changed_us: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """A document as it was read last. `version` is empty when it could not be read; `reason` says why then, `fault` is its code,
    `mend` what to do, where that is known."""

    name: str
    version: str
    reason: str
    fault: str
    mend: str
    passages: int
    read_us: int
    versions: int
    """That are kept, the current one among them."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version that is kept. `since_us` and `passages` are 0 where they were not written down; `superseded_us` is None for the current."""

    version: str
    since_us: int
    superseded_us: int | None
    passages: int


@dataclass(frozen=True, slots=True)
class Look:
    """When a source was looked at last; `fault` is why it could not be listed."""

    time_us: int
    fault: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Which documents: `text` is in their path (ASCII letters of either case), `state` one of :data:`STATES`."""

    text: str = ""
    state: str = ""


class Inventory:
    """What is in the manifest at `path`; nothing, while there is none. Each method opens the file for itself, and takes tens of
    milliseconds for twenty thousand documents. They raise Unavailable when it cannot be read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def totals(self, source: str, wanted: Filter, seen: Seen) -> Totals:
        """What there is of a source."""
        (row,) = self._rows(_TOTALS, _given(source, wanted), seen) or [(0, 0, 0, 0)]
        return Totals(*(int(each or 0) for each in row))

    def vectors(self, seen: Seen) -> Mapping[str, int]:
        """How many passages of each source have their vector; here `seen` is asked about whole names, ``source/path``. Looks at every
        passage of the tenant: to be asked while a pass is under way."""
        return {str(source): int(count) for source, count in self._rows(_VECTORS, {}, seen)}

    def documents(self, source: str, wanted: Filter, seen: Seen, *, skip: int, most: int) -> Sequence[Known]:
        """Documents of a source in the order of their paths."""
        return [_known(row) for row in self._rows(_PAGE, _given(source, wanted) | {"skip": skip, "most": most}, seen)]

    def document(self, name: str) -> Known | None:
        """The document ``source/path``."""
        rows = self._rows(_ONE, {"name": name})
        return _known(rows[0]) if rows else None

    def versions(self, name: str) -> Sequence[Version]:
        """The kept versions of a document, the newest first."""
        rows = self._rows("SELECT * FROM version WHERE document = :name", {"name": name})
        found = [Version(row["version"], _later(row, "since_us"), row["superseded_us"], _later(row, "passages")) for row in rows]
        return sorted(found, key=lambda each: (each.superseded_us is None, each.superseded_us or 0), reverse=True)

    def has(self, name: str, version: str) -> bool:
        """Whether this is (or lately was) a version of this very document: texts are kept by content, and readers by document."""
        return bool(self._rows("SELECT 1 FROM version WHERE document = :name AND version = :version", {"name": name, "version": version}))

    def holding(self, versions: Collection[str]) -> Sequence[tuple[str, str]]:
        """(version, document) for every document that has, or lately had, one of these versions; in the order of their names."""
        query = "SELECT version, document FROM version WHERE version IN (SELECT value FROM json_each(:versions)) ORDER BY document"
        rows = self._rows(query, {"versions": json.dumps(sorted(versions))})
        return [(row["version"], row["document"]) for row in rows]

    def look(self, source: str) -> Look | None:
        """When the source was looked at last; None: never, or before that was written down."""
        if not self._rows("SELECT 1 FROM sqlite_master WHERE name = 'looked'", {}):
            return None
        rows = self._rows("SELECT time_us, fault FROM looked WHERE source = :source", {"source": source})
        return Look(*rows[0]) if rows else None

    def _rows(self, query: str, given: Mapping[str, str | int], seen: Seen = None) -> list[sqlite3.Row]:
        if not self._path.exists():
            return []
        try:
            with closing(sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True, timeout=PATIENCE)) as database:
                database.row_factory = sqlite3.Row
                database.create_function("seen", 1, seen or _everything, deterministic=True)
                return database.execute(query, given).fetchall()
        except sqlite3.Error as error:
            msg = "The list of documents cannot be read."
            raise Unavailable(msg, code="knowledge.manifest_unreadable", mend="Try again; headrace ingest makes it anew.") from error


def _everything(_path: str) -> bool:
    return True


def _given(source: str, wanted: Filter) -> dict[str, str | int]:
    return {"source": source, "text": wanted.text, "state": wanted.state}


def _known(row: sqlite3.Row) -> Known:
    fault, mend = (str(_later(row, column) or "") for column in ("fault", "mend"))
    return Known(row["document"], row["version"], row["reason"], fault, mend, row["passages"], row["read_us"], row["versions"])


def _later(row: sqlite3.Row, column: str) -> int:
    """A column that files of before do not have."""
    return row[column] if column in row.keys() else 0  # noqa: SIM118  a row holds its values, not its columns
