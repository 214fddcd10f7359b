"""Turning the pointer from one revision to another: what the commands and the console share. Light: the gateway imports it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.core.errors import NotFound
from headrace.policy.engine import CedarEngine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.adapters.stores.control import Entry
    from headrace.config.revision import Revision
    from headrace.core.values import Facts


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


def require_readable(revision: Revision) -> None:
    """Read the revision as a running process is going to. Raises OperationFailed: an older one may not read with this Headrace, and a
    pointer that turned to it would leave every process behind."""
    CedarEngine(revision.compile())


def act_of(name: str) -> str:
    """What the record of a turn is called: ``workspace.apply``, ``workspace.rollback``."""
    return f"workspace.{name}"


def facts_of(revision: Revision, before: Revision | None) -> Facts:
    """What the record of a turn says."""
    return {"revision": revision.id, "before": before.id if before is not None else None, "files": len(revision.files)}
