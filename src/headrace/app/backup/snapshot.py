"""One moment of a running installation, gathered in a folder of its own before it is packed.

Databases are copied by SQLite itself (its online backup), tables and texts of documents by hard links: their files are never changed in
place. What is written first is copied last, so that nothing in the copy lacks what it follows from: an act is in the ledger before it
takes effect, so the control store is copied before the log; knowledge is copied while no pass over the sources writes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.adapters.stores.database import look
from headrace.app.backup.contents import CONTROL, KNOWLEDGE, LEFT_OUT, LOG, OF_THE_MOMENT, SIGNING, STAGING, STATE, WORKSPACE
from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from headrace.config.layout import Layout

_MAGIC = b"SQLite format 3\0"
_KEPT_ELSEWHERE = frozenset({".git"})
"""Version control has its own copies, and changes while it is read."""


@contextlib.contextmanager
def gathered(layout: Layout, *, signing_key: bool, waiting: Callable[[], None]) -> Generator[Path]:
    """A folder with the snapshot, for the block; what a killed one left is cleared away first. `waiting` is called when a pass over the
    sources must end first.

    Raises OperationFailed when another backup runs or a database cannot be copied; OSError.
    """
    with _alone(layout):
        for left in layout.state.glob(f"{STAGING}*/"):
            shutil.rmtree(left)
        staging = layout.state / f"{STAGING}{os.getpid()}"
        staging.mkdir(mode=0o700)
        try:
            _gather(layout, staging, signing_key=signing_key, waiting=waiting)
            yield staging
        finally:
            shutil.rmtree(staging)


def members(staging: Path) -> Iterator[tuple[str, Path]]:
    """(path in the archive, path on disk) of everything in a snapshot, in order."""
    for base, folders, names in os.walk(staging):
        folders.sort()
        for name in sorted([*names, *(each for each in folders if (Path(base) / each).is_symlink())]):
            path = Path(base) / name
            yield path.relative_to(staging).as_posix(), path


def _gather(layout: Layout, staging: Path, *, signing_key: bool, waiting: Callable[[], None]) -> None:
    state = staging / STATE
    state.mkdir()
    _copy_database(layout.control, state / CONTROL)
    _copy_files(layout.workspace, staging / WORKSPACE, passed_over=frozenset({layout.state.name, *_KEPT_ELSEWHERE}))
    with _no_pass(layout, waiting):
        for path in _files_of(layout.state / KNOWLEDGE):
            _bring(path, state / path.relative_to(layout.state))
    last = layout.state / LOG
    for path in _files_of(layout.state):
        inside = path.relative_to(layout.state)
        done = inside.parts[0] == KNOWLEDGE or path in {layout.control, last}
        if done or inside.parts[0].startswith(STAGING) or (inside.as_posix().startswith(SIGNING) and not signing_key):
            continue
        _bring(path, state / inside)
    if last.exists():
        _copy_database(last, state / LOG)


def _files_of(folder: Path) -> Iterator[Path]:
    """Files of the state that outlive the processes."""
    for base, folders, names in os.walk(folder):
        if Path(base).parent.name == ".headrace" and Path(base).name in OF_THE_MOMENT:
            folders.clear()
            continue
        yield from (
            Path(base) / name for name in names if not name.endswith(LEFT_OUT) and not name.startswith("~") and name not in OF_THE_MOMENT
        )


def _bring(path: Path, to: Path) -> None:
    """A database by its own means, anything else by a link to what is there, or a copy where there are no links."""
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):  # it has gone since: nobody follows from it
        with path.open("rb") as file:
            database = file.read(len(_MAGIC)) == _MAGIC
        if database:
            _copy_database(path, to)
        else:
            try:
                os.link(path, to, follow_symlinks=False)
            except FileNotFoundError:
                raise
            except OSError:
                shutil.copy2(path, to)


def _copy_database(path: Path, to: Path) -> None:
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(to, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    try:
        with closing(look(path)) as source, closing(sqlite3.connect(to)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # nothing beside the file belongs to it
    except sqlite3.Error as error:
        msg = f"{path.name} cannot be copied: {error}."
        mend = "Make room on its disk, or see headrace doctor for a damaged one."
        raise OperationFailed(msg, code="backup.copy_failed", param=str(path), mend=mend) from error


def _copy_files(folder: Path, to: Path, *, passed_over: frozenset[str]) -> None:
    """The files that people write, copied: an editor may change them in place."""

    def ignored(base: str, names: list[str]) -> set[str]:
        special = {name for name in names if not _is_kept(Path(base) / name)}
        return special | (passed_over & set(names) if Path(base) == folder else set[str]())

    shutil.copytree(folder, to, symlinks=True, ignore=ignored)


def _is_kept(path: Path) -> bool:
    return path.is_symlink() or path.is_file() or path.is_dir()


@contextlib.contextmanager
def _alone(layout: Layout) -> Generator[None]:
    with (layout.state / "backup.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            msg = "Another backup of this workspace is being taken."
            raise OperationFailed(msg, code="backup.running", mend="Wait for it to end.") from None
        yield


@contextlib.contextmanager
def _no_pass(layout: Layout, waiting: Callable[[], None]) -> Generator[None]:
    """Hold the ingest lock: a pass that runs ends first, and the next one waits."""
    with layout.ingest_lock.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
