"""Reading the log: records, receipts and proof bundles, from its database, whether the sequencer runs or not."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Self

import msgspec

from headrace.core.errors import NotFound, OperationFailed
from headrace.evidence.log.merkle import inclusion_proof
from headrace.evidence.log.note import VKEY_FILE
from headrace.evidence.log.store import DATABASE, encoded, node_reader

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from headrace.core.values import Facts
    from headrace.evidence.messages import Found


_COLUMNS = "sequence, leaf, time_us, signature, record"
_PROBE = "SELECT size FROM checkpoints LIMIT 1"


class LogReader:
    """A read-only view. A context manager; raises NotFound when there is no log yet, OperationFailed when it cannot be read."""

    def __init__(self, folder: Path) -> None:
        path = folder / DATABASE
        try:
            self.log = (folder / VKEY_FILE).read_text(encoding="utf-8").split("+", 1)[0]
            self._database = _connect(path)
        except FileNotFoundError:
            msg = "This workspace has no ledger yet."
            raise NotFound(msg, code="ledger.none", param=str(folder), mend="It begins with the first headrace up.") from None
        except (OSError, ValueError, sqlite3.Error) as error:
            msg = f"The ledger cannot be read: {error}."
            raise OperationFailed(
                msg,
                code="ledger.unreadable",
                param=str(path),
                mend="See whether you may read it; a damaged one comes back from your backup.",
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let the database go."""
        self._database.close()

    def find(self, request: str) -> list[Found]:
        """The records of a request (or an act), in order."""
        rows = self._database.execute(f"SELECT {_COLUMNS} FROM entries WHERE request = ? ORDER BY sequence", (request,))  # noqa: S608 - constant
        return [{"record": msgspec.json.decode(row[4]), "receipt": self._receipt(row)} for row in rows]

    def at(self, sequence: int) -> Found | None:
        """The record at a place in the log; None beyond its end."""
        row = self._database.execute(f"SELECT {_COLUMNS} FROM entries WHERE sequence = ?", (sequence,)).fetchone()  # noqa: S608 - constant
        return {"record": msgspec.json.decode(row[4]), "receipt": self._receipt(row)} if row else None

    def bundle(self, request: str) -> dict[str, object] | None:
        """The proof bundle of the request's last record: what :mod:`headrace.evidence.verify` reads, but for text and salts."""
        query = f"SELECT {_COLUMNS} FROM entries WHERE request = ? AND part = 'closed'"  # noqa: S608 - constant
        row = self._database.execute(query, (request,)).fetchone()
        if row is None:
            return None
        size, note = self._database.execute("SELECT size, note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
        path = inclusion_proof(node_reader(self._database), row[0], size)
        return {
            "record": bytes(row[4]).decode(),
            "receipt": self._receipt(row),
            "proof": {"index": row[0], "size": size, "hashes": encoded(path)},
            "checkpoint": note,
        }

    def checkpoint(self) -> str | None:
        """The latest signed checkpoint; None while the log is empty."""
        row = self._database.execute("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
        return row[0] if row else None

    def _receipt(self, row: tuple[int, bytes, int, str, bytes]) -> Facts:
        return {"log": self.log, "sequence": row[0], "leaf": row[1].hex(), "time_us": row[2], "signature": row[3]}


def _connect(path: Path) -> sqlite3.Connection:
    """Read-only. A copy in a folder that cannot be written, and that was closed in order, is opened as one that never changes: SQLite's
    read-only mode wants to write its index beside the WAL."""
    if not path.exists():
        raise FileNotFoundError(path)
    uri = path.absolute().as_uri()
    try:
        return _probed(f"{uri}?mode=ro")
    except sqlite3.OperationalError:
        if path.with_name(f"{path.name}-wal").exists():
            raise
        return _probed(f"{uri}?immutable=1")


def _probed(uri: str) -> sqlite3.Connection:
    database = sqlite3.connect(uri, uri=True, timeout=5.0, check_same_thread=False)
    try:
        database.execute(_PROBE)
    except sqlite3.Error:
        database.close()
        raise
    return database
