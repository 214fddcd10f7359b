"""Changing what is in force: check, apply, roll back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.adapters.stores.control import ControlStore
from headrace.adapters.stores.migrations import upgrade
from headrace.app.acts import recording
from headrace.app.acts.checking import check_folder
from headrace.config import revision as revision_form
from headrace.config.faults import lines, verdict
from headrace.config.files import require_workspace
from headrace.config.schemas import publish
from headrace.core.errors import ConfigurationFaults, NotFound, OperationFailed
from headrace.policy.engine import CedarEngine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.adapters.stores.control import Entry
    from headrace.config.layout import Layout
    from headrace.config.revision import Revision


@dataclass(frozen=True, slots=True)
class Differences:
    """Paths that differ from one set of files to another."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def words(self) -> str:
        """In words, for people."""
        parts = (("added", self.added), ("changed", self.changed), ("removed", self.removed))
        return "; ".join(f"{word} {', '.join(paths)}" for word, paths in parts if paths) or "none"


@dataclass(frozen=True, slots=True)
class Change:
    """What is in force now, and what was before (None: nothing). `entry` is None when nothing changed."""

    revision: Revision
    before: Revision | None
    entry: Entry | None

    @property
    def differences(self) -> Differences:
        """From the revision before to this one."""
        return differences(self.before.files if self.before is not None else {}, self.revision.files)


def differences(old: Mapping[str, str], new: Mapping[str, str]) -> Differences:
    """What differs from `old` to `new` (texts by path)."""
    return Differences(
        added=tuple(sorted(new.keys() - old.keys())),
        changed=tuple(sorted(path for path in new.keys() & old.keys() if new[path] != old[path])),
        removed=tuple(sorted(old.keys() - new.keys())),
    )


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
    _readable(revision)
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
        _readable(revision)
        if revision.id == before.id:
            return Change(before, before, None)
        return _turn(layout, store, revision, before, "rollback", version, by=by)
    finally:
        store.close()


def previous(history: Sequence[Entry]) -> str:
    """The revision that was applied before the one in force. A rollback is a step down, not a revision of its own: a second one goes
    further down. Raises NotFound at the bottom."""
    stack: list[str] = []
    for entry in history:
        if entry.act == "rollback" and entry.revision in stack:
            while stack[-1] != entry.revision:
                stack.pop()
        elif stack[-1:] != [entry.revision]:
            stack.append(entry.revision)
    if len(stack) < 2:  # noqa: PLR2004  the one in force, and one below it
        msg = "There is no revision before the one in force."
        raise NotFound(msg, code="workspace.no_earlier_revision", mend="headrace show --history lists what there is.")
    return stack[-2]


def _readable(revision: Revision) -> None:
    """Read the revision as a running process is going to. Raises OperationFailed: an older one may not read with this Headrace, and a
    pointer that turned to it would leave every process behind."""
    CedarEngine(revision.compile())


def _turn(
    layout: Layout, store: ControlStore, revision: Revision, before: Revision | None, name: str, version: int, *, by: str | None
) -> Change:
    """Record the act, then turn the pointer: a record without a turn tells of an act that was broken off, never the other way round."""
    who = by or recording.actor()
    facts = {"revision": revision.id, "before": before.id if before is not None else None, "files": len(revision.files)}
    record = recording.record_now(layout, f"workspace.{name}", {**facts}, by=who)
    return Change(revision, before, store.point_to(revision.id, name, who, record=record, expected=version))
