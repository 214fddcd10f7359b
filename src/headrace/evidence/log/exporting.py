"""The log as files that anybody can check offline: checkpoint, tiles, records, and how the log's key changed (C2SP tlog-tiles).

What is written is what ``/log`` serves, under the same names: put behind any web server it is a log for whoever speaks tlog-tiles.
"""

from __future__ import annotations

import io
import json
import tarfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from headrace.core.errors import NotFound, OperationFailed
from headrace.evidence.log.tiles import WIDTH, Tile, bundle, of_tree
from headrace.evidence.verify.export import SUCCESSION_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from headrace.evidence.log.reader import LogReader

Sink: TypeAlias = "Callable[[str, bytes], None]"
"""Takes one file: its name, its content."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to export: the tree of `size` (None: the latest), and the bundles of records that hold any of `first`…`last`."""

    size: int | None = None
    first: int = 0
    last: int | None = None
    records: bool = True


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    size: int
    tiles: int
    records: int


def export(reader: LogReader, wanted: Wanted, put: Sink) -> Exported:
    """Hand every file to `put`. Raises NotFound when no checkpoint was signed over that size; OperationFailed when a record is too long for
    the form; OSError, sqlite3.Error."""
    note = reader.checkpoint() if wanted.size is None else reader.checkpoint_at(wanted.size)
    if note is None:
        message = "No checkpoint was signed over so many records."
        raise NotFound(message, code="ledger.no_such_size", param="--size", mend="Leave --size out for the latest.")
    size = int(note.split("\n")[1])
    last = size - 1 if wanted.last is None else min(wanted.last, size - 1)
    tiles = records = 0
    put("checkpoint", note.encode())
    if shown := reader.successions(size):
        put(SUCCESSION_FILE, json.dumps(shown, ensure_ascii=False, indent=1).encode())
    for tile in of_tree(size):
        put(tile.path, reader.hashes(tile) or b"")
        tiles += 1
        if tile.level == 0 and wanted.records and tile.first <= last and tile.first + tile.width > wanted.first:
            put(*_entries(reader, tile))
            records += tile.width
    return Exported(size, tiles, records)


def _entries(reader: LogReader, tile: Tile) -> tuple[str, bytes]:
    beside = Tile(None, tile.index, tile.width)
    content = bundle(reader.entries(beside) or [])
    if content is None:
        message = f"A record among {tile.first}…{tile.first + WIDTH - 1} is longer than tlog-tiles allows."
        raise OperationFailed(message, code="ledger.long_record", mend="Export the hashes alone (--hashes), or other records.")
    return beside.path, content


@contextmanager
def into(path: Path) -> Generator[Sink]:
    """A new folder, or a new tar file (``.tar``, ``.tar.gz``) for the block. Raises OperationFailed when it is there already; OSError."""
    if path.exists():
        message = "There is something at that path."
        raise OperationFailed(message, code="ledger.exists", param=str(path), mend="Name a folder or tar file that is not there yet.")
    if not path.name.endswith((".tar", ".tar.gz", ".tgz")):
        path.mkdir(parents=True)
        yield lambda name, content: _into_folder(path, name, content)
        return
    with tarfile.open(path, "w" if path.suffix == ".tar" else "w:gz") as tar:
        yield lambda name, content: _into_tar(tar, name, content)


def _into_folder(path: Path, name: str, content: bytes) -> None:
    (path / name).parent.mkdir(parents=True, exist_ok=True)
    (path / name).write_bytes(content)


def _into_tar(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))
