"""Changing what is in force: check, apply, roll back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.adapters.stores.control import ControlStore
from headrace.adapters.stores.migrations import upgrade
from headrace.app.acts import recording
from headrace.app.acts.checking import check_folder
from headrace.app.acts.turns import Change, act_of, facts_of, previous, require_readable
from headrace.config import revision as revision_form
from headrace.config.faults import lines, verdict
from headrace.config.files import require_workspace
from headrace.config.schemas import publish
from headrace.core.errors import ConfigurationFaults, OperationFailed

if TYPE_CHECKING:
    from headrace.config.layout import Layout
    from headrace.config.revision import Revision


def open_store(layout: Layout) -> ControlStore:
    """The workspace's control store, brought up to date, made where there is none yet. Raises OperationFailed when a newer Headrace wrote
    it, or there is no workspace."""
    if not layout.control.exists():
        require_workspace(layout.workspace)
    upgrade(layout.control)
    return ControlStore(layout.control)


def apply(layout: Layout, *, by: str | None = None) -> Change:
    """Check the files and put them in force, recorded; nothing changes when they are in force already.

    Raises ConfigurationFaults with every fault (and leaves what is in force alone),
    OperationFailed, Unavailable.
    """
    checked = check_folder(layout.workspace)
    if checked.faults:
        told = "\n".join([*lines(checked.faults), verdict(checked.faults, len(checked.files))])
        raise ConfigurationFaults(told, checked.faults)
    revision = revision_form.of(checked)
    require_readable(revision)
    store = open_store(layout)
    try:
        version, before = store.version(), store.current()
        publish(layout.state / "schemas")
        if before is not None and before.id == revision.id:
            return Change(before, before, None)
        store.put_revision(revision, by or recording.actor())
        return _turn(layout, store, revision, before, "apply", version, by=by)
    finally:
        store.close()


def roll_back(layout: Layout, start: str | None, *, by: str | None = None) -> Change:
    """Put an earlier revision in force, by the beginning of its id; None: the one that was applied before the current one.

    Raises NotFound, OperationFailed, Unavailable.
    """
    store = open_store(layout)
    try:
        version, before = store.version(), store.current()
        if before is None:
            msg = "Nothing was ever applied here."
            raise OperationFailed(msg, code="workspace.nothing_applied", mend="headrace apply puts the workspace's files in force.")
        revision = store.revision(start if start is not None else previous(store.history()))
        require_readable(revision)
        if revision.id == before.id:
            return Change(before, before, None)
        return _turn(layout, store, revision, before, "rollback", version, by=by)
    finally:
        store.close()


def _turn(
    layout: Layout, store: ControlStore, revision: Revision, before: Revision | None, name: str, version: int, *, by: str | None
) -> Change:
    """Record the act, then turn the pointer: a record without a turn tells of an act that was broken off, never the other way round."""
    who = by or recording.actor()
    record = recording.record_now(layout, act_of(name), facts_of(revision, before), by=who)
    return Change(revision, before, store.point_to(revision.id, name, who, record=record, expected=version))
