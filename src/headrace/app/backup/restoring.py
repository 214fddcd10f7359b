"""Bringing a backup back under a path where nothing is: checked file by file, the ledger proved whole, and only then put there."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.adapters.stores.control import SCHEMA, schema_version
from headrace.app.acts import recording
from headrace.app.backup import archive
from headrace.app.backup.contents import LOG, SIGNING, Contents, unreadable
from headrace.config.files import is_workspace
from headrace.config.layout import Layout
from headrace.core.errors import OperationFailed
from headrace.evidence.log import audit
from headrace.evidence.log.files import VKEY_FILE
from headrace.evidence.log.note import load_or_create
from headrace.evidence.log.store import require_known
from headrace.evidence.verify import Unreadable, keys_of

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.evidence.log.audit import Audited


@dataclass(frozen=True, slots=True)
class Restored:
    """An installation that is back. `record` is the act's in its ledger; None when its signing key is not there to sign it."""

    contents: Contents
    path: Path
    ledger: Audited
    record: str | None


def restore(source: Path, into: Path, *, signing_key: Path | None = None, by: str | None = None) -> Restored:
    """Restore a backup into `into`, which is not there yet or an empty folder. `signing_key`: the log's, kept elsewhere.

    Raises OperationFailed: `into` holds something; the backup is not whole, is a newer version's, or its ledger does not prove itself; the
    key is another's. OSError: the disk is full… Nothing is at `into` then.
    """
    into = into.absolute()
    _refuse_unless_empty(into)
    making = into.with_name(f".{into.name}.restoring")
    shutil.rmtree(making, ignore_errors=True)  # of one that was killed
    into.parent.mkdir(parents=True, exist_ok=True)
    making.mkdir(mode=0o700)
    try:
        contents = archive.extract(source, making)
        layout = Layout(making)
        _known(layout)
        proved = _proved(layout, contents)
        if signing_key is not None:
            _take_key(layout, signing_key)
        record = _recorded(layout, contents, by)
        _sync(making)
        making.rename(into)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    _sync(into.parent)
    return Restored(contents, into, proved, record)


def _refuse_unless_empty(into: Path) -> None:
    if into.is_symlink() or (into.exists() and (not into.is_dir() or any(into.iterdir()))):
        msg = "Something is there already; a restore never writes over anything."
        raise OperationFailed(msg, code="backup.not_empty", param=str(into), mend="Name a folder that is not there yet.")


def _known(layout: Layout) -> None:
    """Raises OperationFailed unless this version can serve what was restored."""
    if not is_workspace(layout.workspace) or not layout.control.exists():
        raise unreadable("it holds no workspace that was ever applied")
    found = schema_version(layout.control)
    if found is None or found > SCHEMA:
        msg = f"What was backed up was written by a newer Headrace (schema {found}; this one knows {SCHEMA})."
        raise OperationFailed(msg, code="backup.newer", mend="Restore it with that version.")


def _proved(layout: Layout, contents: Contents) -> Audited:
    """The whole ledger, proved again. Raises OperationFailed when it does not hold, or is another than the backup says."""
    try:
        keys = keys_of(str(layout.ledger / VKEY_FILE))
        with closing(sqlite3.connect(f"{(layout.state / LOG).as_uri()}?immutable=1", uri=True)) as database:
            require_known(database, layout.state / LOG)
            found = audit.whole(database, keys)
    except (Unreadable, sqlite3.Error) as error:
        raise unreadable(f"its ledger cannot be read ({error})") from error
    if found.checkpoint != contents.checkpoint:
        raise unreadable("its ledger is not the one that it was taken of")
    return found


def _take_key(layout: Layout, given: Path) -> None:
    place = layout.state / SIGNING
    place.unlink(missing_ok=True)
    shutil.copyfile(given, place)
    place.chmod(0o600)


def _recorded(layout: Layout, contents: Contents, by: str | None) -> str | None:
    """Record the act in the restored ledger, if there is the key to sign with."""
    if not (layout.state / SIGNING).exists():
        return None
    load_or_create(layout.ledger, may_create=False)  # raises when the key is another log's
    facts = {"backup": contents.id, "taken_us": contents.taken_us, "headrace": contents.headrace}
    return recording.record_now(layout, "backup.restore", {**facts}, by=by)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
