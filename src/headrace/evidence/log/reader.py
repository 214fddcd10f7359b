"""Reading the log: records, receipts, tiles and proofs, from its database, whether the sequencer runs or not."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Self

import msgspec

from headrace.core.errors import NotFound, OperationFailed
from headrace.evidence.log.files import DATABASE, VKEY_FILE
from headrace.evidence.log.merkle import consistency_proof, inclusion_proof
from headrace.evidence.log.store import encoded, node_reader
from headrace.evidence.log.tiles import HEIGHT

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from headrace.core.values import Facts
    from headrace.evidence.log.tiles import Tile
    from headrace.evidence.messages import Found


_COLUMNS = "sequence, leaf, time_us, signature, record"
_PROBE = "SELECT size FROM checkpoints LIMIT 1"
_HASHES = {
    0: "SELECT leaf FROM entries WHERE ? = 0 AND sequence >= ? AND sequence < ? ORDER BY sequence",
    1: "SELECT hash FROM nodes WHERE level = ? AND position >= ? AND position < ? ORDER BY position",
}


class LogReader:
    """A read-only view. A context manager; raises NotFound when there is no log yet, OperationFailed when it cannot be read."""

    def __init__(self, folder: Path) -> None:
        path = folder / DATABASE
        try:
            self.log = (folder / VKEY_FILE).read_text(encoding="utf-8").split("+", 1)[0]
            self._database = connect(path)
        except FileNotFoundError:
            raise no_ledger(folder) from None
        except (OSError, ValueError, sqlite3.Error) as error:
            raise unreadable(str(error), path) from error

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

    def since(self, start: int, most: int) -> list[tuple[bytes, bytes]]:
        """Leaf and canonical bytes of up to `most` records from place `start` on."""
        query = "SELECT leaf, record FROM entries WHERE sequence >= ? ORDER BY sequence LIMIT ?"
        return [(bytes(leaf), bytes(record)) for leaf, record in self._database.execute(query, (start, most))]

    def size(self) -> int:
        """How many records there are."""
        return int(self._database.execute("SELECT coalesce(max(sequence) + 1, 0) FROM entries").fetchone()[0])

    def bundle(self, request: str) -> dict[str, object] | None:
        """The proof bundle of the request's last record: what :mod:`headrace.evidence.verify` reads, but for text and salts."""
        query = f"SELECT {_COLUMNS} FROM entries WHERE request = ? AND part = 'closed'"  # noqa: S608 - constant
        row = self._database.execute(query, (request,)).fetchone()
        if row is None:
            return None
        size, note = self._newest()
        path = inclusion_proof(node_reader(self._database), row[0], size)
        return {
            "record": bytes(row[4]).decode(),
            "receipt": self._receipt(row),
            "proof": {"index": row[0], "size": size, "hashes": encoded(path)},
            "checkpoint": note,
            **self.successions(size),
        }

    def checkpoint(self) -> str | None:
        """The latest signed checkpoint; None while the log is empty."""
        return self._newest()[1] or None

    def checkpoint_at(self, size: int) -> str | None:
        """The checkpoint that was signed over exactly so many records; None when none was."""
        row = self._database.execute("SELECT note FROM checkpoints WHERE size = ?", (size,)).fetchone()
        return row[0] if row else None

    def growth(self, since: int) -> dict[str, object] | None:
        """The latest checkpoint, and the proof that its tree begins with the one of `since` records; None when it has not so many."""
        size, note = self._newest()
        if not 0 <= since <= size or not note:
            return None
        path = consistency_proof(node_reader(self._database), since, size)
        return {"since": since, "checkpoint": note, "consistency": encoded(path), **self.successions(size)}

    def successions(self, size: int) -> dict[str, object]:
        """Under ``succession``, every change of the log's key among the first `size` records, with its path to their root. Nothing where
        the key never changed."""
        if not self._rotates:
            return {}
        query = "SELECT sequence, record FROM successions JOIN entries USING (sequence) WHERE sequence < ? ORDER BY sequence"
        node = node_reader(self._database)
        shown = [
            {"record": bytes(record).decode(), "index": index, "hashes": encoded(inclusion_proof(node, index, size))}
            for index, record in self._database.execute(query, (size,)).fetchall()
        ]
        return {"succession": shown} if shown else {}

    def hashes(self, tile: Tile) -> bytes | None:
        """What a tile of hashes holds; None when the tree that was last signed has not that many of them."""
        if not tile.there(self._newest()[0]):
            return None
        level = HEIGHT * (tile.level or 0)
        rows = self._database.execute(_HASHES[min(level, 1)], (level, tile.first, tile.first + tile.width)).fetchall()
        return b"".join(row[0] for row in rows)

    def entries(self, tile: Tile) -> list[bytes] | None:
        """The records beside a tile of level 0; None when the tree that was last signed has not that many of them."""
        if not tile.there(self._newest()[0]):
            return None
        query = "SELECT record FROM entries WHERE sequence >= ? AND sequence < ? ORDER BY sequence"
        return [bytes(row[0]) for row in self._database.execute(query, (tile.first, tile.first + tile.width)).fetchall()]

    def _newest(self) -> tuple[int, str]:
        """Size and note of the latest checkpoint; a tree of none and no note while the log is empty."""
        row = self._database.execute("SELECT size, note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
        return row or (0, "")

    @property
    def _rotates(self) -> bool:
        """Whether this log's database keeps successions: one that was written by an earlier version may not."""
        return bool(self._database.execute("SELECT 1 FROM sqlite_master WHERE name = 'successions'").fetchone())

    def _receipt(self, row: tuple[int, bytes, int, str, bytes]) -> Facts:
        return {"log": self.log, "sequence": row[0], "leaf": row[1].hex(), "time_us": row[2], "signature": row[3]}


def no_ledger(folder: Path) -> NotFound:
    """There is none in this folder."""
    msg = "This workspace has no ledger yet."
    return NotFound(msg, code="ledger.none", param=str(folder), mend="It begins with the first headrace up.")


def unreadable(why: str, path: Path | None = None) -> OperationFailed:
    """There is one, and it cannot be read."""
    mend = "See whether you may read it; a damaged one comes back from your backup."
    return OperationFailed(f"The ledger cannot be read: {why}.", code="ledger.unreadable", param=str(path) if path else None, mend=mend)


def connect(path: Path) -> sqlite3.Connection:
    """Read-only. A copy in a folder that cannot be written, and that was closed in order, is opened as one that never changes: SQLite's
    read-only mode wants to write its index beside the WAL. Raises FileNotFoundError, sqlite3.Error."""
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
