"""``headrace ingest``: bring the sources' documents up to date, in the foreground."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.live import Live

from headrace.app.cli.options import json_option, print_json, told, workspace_option
from headrace.app.cli.plain import plain_name
from headrace.app.ingest.passes import ingest
from headrace.config.layout import Layout
from headrace.knowledge.ingest.report import Counts, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from headrace.knowledge.ingest.report import Report

_LINE_EVERY = 5.0
_SHOW_EVERY = 0.1


@click.command("ingest")
@click.option("--source", default=None, help="Only this source; the others stay as they are.")
@click.option("--full", is_flag=True, help="Look into every file, also those whose size and times say that they are the same.")
@workspace_option
@json_option
@told
def command(source: str | None, workspace: Path, *, full: bool, as_json: bool) -> int:
    """Read what is new or changed in the sources, drop what is gone, and give every passage its vector.

    Documents are searchable by words as soon as they are read, before their vectors are ready. Ends with 0 also when documents could not
    be read: they are named. Ends with 1 when a whole source could not be.
    """
    reports = _run(Layout(workspace.absolute()), source, full=full, quiet=as_json)
    if as_json:
        print_json(_for_programs(reports))
    else:
        for line in _for_people(reports):
            click.echo(line)
    return int(any(failed.document.endswith("/") for report in reports for failed in report.failed))


def _run(layout: Layout, source: str | None, *, full: bool, quiet: bool) -> Sequence[Report]:
    if quiet:
        return ingest(layout, lambda _: None, only=source, full=full)
    if not sys.stderr.isatty():
        return ingest(layout, Spaced(_LINE_EVERY, lambda counts: click.echo(sentence(counts), err=True)), only=source, full=full)
    with Live(console=Console(stderr=True), transient=True, refresh_per_second=10) as live:
        return ingest(layout, Spaced(_SHOW_EVERY, lambda counts: live.update(sentence(counts))), only=source, full=full)


class Spaced:
    """Progress, shown at each stage and then no more often than every so many seconds."""

    def __init__(self, seconds: float, show: Callable[[Counts], None]) -> None:
        self._seconds = seconds
        self._show = show
        self._stage: Stage | None = None
        self._shown = 0.0

    def __call__(self, counts: Counts) -> None:
        """Hear of progress, and show it when it is time."""
        now = time.monotonic()
        if counts.stage is Stage.DONE:
            return  # the report says it
        if counts.stage is self._stage and now - self._shown < self._seconds:
            return
        self._stage, self._shown = counts.stage, now
        self._show(counts)


def sentence(counts: Counts) -> str:
    """How far a pass is."""
    if counts.stage is Stage.WAITING:
        return "waiting for another pass to end"
    if counts.stage is Stage.LISTING:
        return f"listing    {counts.found:,} documents"
    if counts.stage is Stage.READING:
        return f"reading    {counts.done:,} of {counts.found:,} documents, {counts.passages:,} passages searchable"
    if counts.stage is Stage.SLOW:
        return f"reading    {counts.done:,} of {counts.found:,} documents; the rest takes long, all others are searchable"
    return f"vectors    {counts.vectors:,} of {counts.passages:,} (every passage is searchable by words)"


def _for_people(reports: Sequence[Report]) -> list[str]:
    lines: list[str] = []
    for report in reports:
        counts = report.counts
        about = [f"{number:,} {word}" for word, number in _changes(counts).items() if number] or ["none"]
        tenant = f"   tenant {report.tenant}" if len(reports) > 1 else ""
        lines.append(f"{'documents':<11}{counts.found:,} found ({', '.join(about)}){tenant}")
        lines += [f"{'':<11}{plain_name(failed.document)}: {plain_name(failed.reason)}" for failed in report.failed]
        lines.append(f"{'passages':<11}{counts.passages:,} (all searchable after {report.searchable_after:.1f} s)")
        lines.append(f"{'vectors':<11}{counts.vectors:,} of {counts.passages:,} (after {report.seconds:.1f} s)")
    return lines or ["The revision in force has no sources."]


def _changes(counts: Counts) -> dict[str, int]:
    return {
        "new": counts.new,
        "changed": counts.changed,
        "unchanged": counts.unchanged,
        "deleted": counts.deleted,
        "relabelled": counts.relabelled,
        "unreadable": counts.failed,
    }


def _for_programs(reports: Sequence[Report]) -> dict[str, object]:
    """Sums over the tenants: `documents` are those that can be searched."""
    changes = [_changes(report.counts) for report in reports]
    return {
        "documents": sum(each["new"] + each["changed"] + each["unchanged"] for each in changes),
        "found": sum(report.counts.found for report in reports),
        **{word: sum(each[word] for each in changes) for word in _changes(Counts())},
        "passages": sum(report.counts.passages for report in reports),
        "vectors": sum(report.counts.vectors for report in reports),
        "seconds": round(sum(report.seconds for report in reports), 3),
        "searchable_after": round(sum(report.searchable_after for report in reports), 3),
        "failed": [asdict(failed) for report in reports for failed in report.failed],
    }
