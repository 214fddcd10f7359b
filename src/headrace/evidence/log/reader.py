"""Reading the log: records, receipts and proof bundles, from its database, whether the sequencer runs or not."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Self

import msgspec

from headrace.core.errors import NotFound
from headrace.evidence.log.merkle import inclusion_proof
from headrace.evidence.log.note import VKEY_FILE
from headrace.evidence.log.store import DATABASE, encoded, node_reader

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from headrace.core.values import Facts
    from headrace.evidence.messages import Found


_COLUMNS = "sequence, leaf, time_us, signature, record"


class LogReader:
    """A read-only view. A context manager; raises NotFound when there is no log yet."""

    def __init__(self, folder: Path) -> None:
        path = folder / DATABASE
        if not path.exists():
            msg = "This workspace has no ledger yet."
            raise NotFound(msg, code="ledger.none", param=str(folder), mend="It begins with the first headrace up.")
        self.log = (folder / VKEY_FILE).read_text(encoding="ascii").split("+", 1)[0]
        self._database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5.0, check_same_thread=False)

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
