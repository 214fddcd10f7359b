"""The whole log read and proved again from its database alone: every record, leaf, node, receipt and checkpoint.

:func:`edge` looks at the last checkpoint only, as the sequencer does when it starts: O(log n). :func:`whole` reads everything, O(n), about
10,000 records a second. Both look at one state of the log, also while it is written.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from headrace.core.errors import OperationFailed
from headrace.evidence.log.files import DATABASE
from headrace.evidence.log.merkle import Frontier
from headrace.evidence.log.reader import connect, no_ledger, unreadable
from headrace.evidence.log.store import CLOSED, OPENED, node_reader, require_known
from headrace.evidence.verify.keyring import Successions
from headrace.evidence.verify.notes import Broken, Unreadable, complete_subtrees, leaf_hash

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

    from headrace.evidence.verify.keyring import Keyring
    from headrace.evidence.verify.notes import VerifierKey

_OPEN = """
SELECT count(*) FROM entries o WHERE o.part = 'opened'
AND (NOT EXISTS (SELECT 1 FROM entries c WHERE c.request = o.request AND c.part = 'closed'))
!= EXISTS (SELECT 1 FROM unfinished u WHERE u.request = o.request AND u.sequence = o.sequence)
"""


@dataclass(frozen=True, slots=True)
class Audited:
    """What was proved: how many records, the root over them (hex), and the signed checkpoint that says so (empty for an empty log)."""

    size: int
    root: str
    checkpoint: str


def edge(database: sqlite3.Connection, pinned: Sequence[VerifierKey]) -> Audited:
    """The log's end against its last checkpoint. `pinned`: keys of the log, of which one is enough where it changed its key.

    Raises OperationFailed with code ``ledger.broken`` or ``ledger.unreadable``.
    """
    try:
        with _one_state(database):
            return _edge(database, _keys(database, pinned))
    except sqlite3.Error as error:
        raise unreadable(str(error)) from error


def _edge(database: sqlite3.Connection, keys: Keyring) -> Audited:
    try:
        (size,) = database.execute("SELECT coalesce(max(sequence) + 1, 0) FROM entries").fetchone()
        node = node_reader(database)
        edge = Frontier(size, [node(level, index) for level, index in complete_subtrees(0, size)])
        row = database.execute("SELECT size, note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
    except TypeError as error:  # a node that is not there
        raise _broken("a node of its tree is missing") from error
    if row is None:
        if size:
            raise _broken("its records have no checkpoint")
        return Audited(0, edge.root().hex(), "")
    if row[0] != size:
        raise _broken(f"it has {size} records, and its last checkpoint was signed over {row[0]}")
    _signed(row[1], size, edge.root(), keys)
    return Audited(size, edge.root().hex(), row[1])


def whole(database: sqlite3.Connection, pinned: Sequence[VerifierKey]) -> Audited:
    """Everything that the log holds; `pinned` as above. Raises OperationFailed with code ``ledger.broken`` (it says at which record) or
    ``ledger.unreadable``."""
    try:
        with _one_state(database):
            found = _Reading(database, _keys(database, pinned)).whole()
            if database.execute(_OPEN).fetchone()[0]:
                raise _broken("what it remembers as unfinished is not what its records leave open")
            return found
    except sqlite3.Error as error:
        raise unreadable(str(error)) from error


def whole_of(folder: Path, pinned: Sequence[VerifierKey]) -> Audited:
    """The whole log in `folder`, also while it is written. Raises NotFound when there is none yet, OperationFailed as above."""
    path = folder / DATABASE
    try:
        with closing(connect(path)) as database:
            require_known(database, path)
            return whole(database, pinned)
    except OperationFailed as failed:
        failed.param = str(path)
        raise
    except FileNotFoundError:
        raise no_ledger(folder) from None
    except sqlite3.Error as error:
        raise unreadable(str(error), path) from error


@contextmanager
def _one_state(database: sqlite3.Connection) -> Generator[None]:
    """What is read in the block is one commit's, whatever is committed meanwhile."""
    database.execute("BEGIN")
    try:
        yield
    finally:
        database.rollback()


class _Head(msgspec.Struct):
    """What of a record says where it is found."""

    request: str = ""
    kind: str = ""


_head = msgspec.json.Decoder(_Head).decode


class _Reading:
    """One pass over the records, growing the tree beside them."""

    def __init__(self, database: sqlite3.Connection, keys: Keyring) -> None:
        self._database = database
        self._keys = keys
        self._notes: Mapping[int, str] = dict(database.execute("SELECT size, note FROM checkpoints"))
        self._node = node_reader(database)

    def whole(self) -> Audited:
        tree, latest, time_us, nodes = Frontier(), "", -1, 0
        for row in self._database.execute(
            "SELECT sequence, leaf, time_us, signature, record, request, part FROM entries ORDER BY sequence"
        ):
            time_us = self._record(row, tree.size, time_us)
            for level, index, node in tree.append(row[1])[1:]:
                nodes += 1
                self._same_node(level, index, node)
            if note := self._notes.get(tree.size):
                _signed(note, tree.size, tree.root(), self._keys)
                latest = note
        if tree.size and tree.size not in self._notes:
            raise _broken("its last records have no checkpoint")
        if any(size > tree.size for size in self._notes):
            raise _broken(f"it has {tree.size} records, and a checkpoint was signed over {max(self._notes)}")
        if self._database.execute("SELECT count(*) FROM nodes").fetchone()[0] != nodes:
            raise _broken("its tree has nodes that its records do not make")
        return Audited(tree.size, tree.root().hex(), latest)

    def _record(self, row: tuple[int, bytes, int, object, object, object, object], place: int, before_us: int) -> int:
        sequence, leaf, time_us, signature, record, request, part = row
        if sequence != place:
            raise _broken(f"record {place} is missing")
        if not isinstance(record, bytes) or leaf_hash(record) != leaf:  # SQLite lets any cell hold anything
            raise _broken(f"record {place} is not the one that its leaf was made of")
        if _found_by(record) != (request, part):
            raise _broken(f"record {place} is found under another request than its own")
        if not isinstance(time_us, int) or time_us < before_us:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise _broken(f"record {place} is earlier than the one before it")
        try:
            self._keys.check_receipt(self._keys.name, sequence, leaf.hex(), time_us, str(signature))
        except Broken as broken:
            raise _broken(f"the receipt of record {place} does not hold: {broken}") from broken
        return time_us

    def _same_node(self, level: int, index: int, made: bytes) -> None:
        try:
            held = self._node(level, index)
        except TypeError:
            held = b""
        if held != made:
            raise _broken(f"node {index} of level {level} in its tree is not the one that its records make")


def _found_by(record: bytes) -> tuple[str, str]:
    """The request under which a record is to be found, and which of its records it is."""
    try:
        said = _head(record)
    except msgspec.DecodeError:
        said = _Head()
    return said.request, OPENED if said.kind == OPENED else CLOSED


def _keys(database: sqlite3.Connection, pinned: Sequence[VerifierKey]) -> Keyring:
    """The log's keys: the pinned ones, and those that its successions lead to."""
    shown: list[object] = []
    if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'successions'").fetchone():
        rows = database.execute("SELECT sequence, record FROM successions JOIN entries USING (sequence) ORDER BY sequence")
        shown = [{"record": bytes(record).decode(errors="replace"), "index": index, "hashes": []} for index, record in rows]
    try:
        return Successions({"succession": shown}).keyring(pinned)
    except (Broken, Unreadable) as error:
        raise _broken(f"its keys do not follow from each other: {error}") from error


def _signed(note: str, size: int, root: bytes, keys: Keyring) -> None:
    """Raises OperationFailed unless the note is the log's checkpoint over this tree."""
    try:
        origin, signed_size, signed_root = keys.check_checkpoint(note)
    except Broken as broken:
        raise _broken(f"the checkpoint over {size} records does not hold: {broken}") from broken
    if (origin, signed_size, signed_root) != (keys.name, size, root):
        raise _broken(f"the checkpoint over {size} records was signed over other records")


def _broken(why: str) -> OperationFailed:
    mend = "Keep the folder as it is for whoever finds out why, and serve from a backup that verifies (headrace restore)."
    return OperationFailed(f"The ledger does not prove what it holds: {why}.", code="ledger.broken", mend=mend)
