"""What was written: the control store, the ledger, the documents' manifests, the weights. Read, and left as it was."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from headrace.adapters.stores.database import look
from headrace.adapters.weights.catalogue import needed
from headrace.adapters.weights.store import ModelStore, default_folder
from headrace.app.doctor.finding import Finding, told
from headrace.core.errors import HeadraceError
from headrace.evidence.log import audit
from headrace.evidence.log.files import DATABASE, KEY_FILE, VKEY_FILE
from headrace.evidence.log.store import require_known
from headrace.evidence.verify import Unreadable, keys_of
from headrace.knowledge.ingest.manifest import schema_fault

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.app.doctor.finding import Findings
    from headrace.app.doctor.subject import Subject

AHEAD_US = 60_000_000
"""How far the last record may be ahead of the clock: a minute, as clocks are set now and then."""


def control(subject: Subject) -> Findings:
    """Can this version read the control store, and does what it holds fit together?"""
    where = str(subject.layout.control)
    if isinstance(subject.control, HeadraceError):
        yield told(subject.control, where)
    elif subject.in_force is not None:
        try:
            subject.in_force.compile()
        except HeadraceError as error:
            yield told(error, where)


def ledger(subject: Subject) -> Findings:
    """Is the log's key there, does its end prove itself, and is its last record in the past?"""
    folder = subject.layout.ledger
    if not (folder / DATABASE).exists():
        return
    if not (folder / KEY_FILE).exists():
        yield Finding(
            "ledger.no_key",
            "The log's signing key is gone, so nothing can be recorded, and nothing is answered.",
            str(folder / KEY_FILE),
            "Put it back from where you keep it (a backup holds it only when taken with --with-signing-key).",
        )
    try:
        keys = keys_of(str(folder / VKEY_FILE))
        with closing(look(folder / DATABASE)) as database:
            require_known(database, folder / DATABASE)
            audit.edge(database, keys)
            last = database.execute("SELECT max(time_us) FROM entries").fetchone()[0]
    except Unreadable as error:
        yield Finding("ledger.no_public_key", f"The log's public key cannot be read: {error}.", str(folder / VKEY_FILE), _FROM_BACKUP)
    except sqlite3.Error as error:
        yield Finding("ledger.unreadable", f"The ledger cannot be read: {error}.", str(folder / DATABASE), _FROM_BACKUP)
    except HeadraceError as error:
        yield told(error, str(folder / DATABASE))
    else:
        yield from _clock(last or 0, folder / DATABASE)


_FROM_BACKUP = "See whether you may read it; a damaged one comes back from your backup."


def _clock(last_us: int, where: Path) -> Findings:
    ahead = last_us - time.time_ns() // 1000
    if ahead > AHEAD_US:
        when = datetime.fromtimestamp(last_us / 1_000_000, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        yield Finding(
            "machine.clock_went_back",
            f"The last record is of {when}, {ahead // 1_000_000} s ahead of this machine's clock: the clock went back, or was ahead.",
            str(where),
            "Set the clock (timedatectl, chrony). Until it has caught up, new records get the last one's time and keys expire late.",
        )


def manifests(subject: Subject) -> Findings:
    """Can this version read what ingestion remembers of each tenant's documents?"""
    for path in subject.layout.manifests():
        try:
            with closing(look(path)) as database:
                fault = schema_fault(database, path)
        except sqlite3.Error as error:
            mend = "Move it away: everything is then read anew from the sources, and nothing is lost."
            yield Finding("ingest.manifest_unreadable", f"What ingestion remembers cannot be read: {error}.", str(path), mend)
        else:
            if fault is not None:
                yield told(fault, str(path))


def models(subject: Subject) -> Findings:
    """Are the weights that the workspace needs here, and are they what was fetched? Every file is hashed."""
    if subject.workspace is None:
        return
    store = ModelStore(default_folder())
    try:
        wanted = needed(subject.workspace)
    except HeadraceError as error:
        yield told(error, "models/")
        return
    for model in wanted:
        if not store.has(model):
            yield Finding(
                "models.missing",
                f'The weights of "{model.model}" are not here, or not whole, and the workspace cannot be served without them.',
                str(store.folder / model.model),
                f"headrace models pull {model.model}",
            )
            continue
        for fault in store.verify(model.model):
            mend = f"headrace models remove {model.model}, then headrace models pull {model.model}"
            yield Finding("models.damaged", f'The weights of "{model.model}" are damaged: {fault}.', str(store.path(model.model)), mend)
