"""A change of what is in force, in words and as JSON: what ``apply`` and ``rollback`` print."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from headrace.app.processes.installation import address

if TYPE_CHECKING:
    from headrace.app.acts.turns import Change
    from headrace.config.layout import Layout


def change_json(change: Change) -> dict[str, object]:
    """For programs: whole ids, and which files differ."""
    return {
        "revision": change.revision.id,
        "before": change.before.id if change.before is not None else None,
        "changed": change.entry is not None,
        "record": change.entry.record if change.entry is not None else None,
        "files": {name: list(paths) for name, paths in asdict(change.differences).items()},
    }


def change_lines(change: Change, layout: Layout) -> list[str]:
    """For people."""
    short = change.revision.short
    if change.entry is None:
        return [f"Nothing to do: revision {short} is in force already, with these very files."]
    was = f", {change.before.short} before" if change.before is not None else ""
    lines = [f"Revision {short} is in force{was} ({len(change.revision.files)} files; record {change.entry.record})."]
    if change.before is not None:
        lines.append(f"Files: {change.differences.words()}.")
    running = address(layout)
    if running is not None:
        lines.append(f"The installation at {running['url']} follows within seconds.")
    return lines
