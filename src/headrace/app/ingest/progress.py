"""How far the pass over the sources is, for whoever watches from another process: a small file, written whole, a few times a second."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import msgspec

from headrace.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.config.layout import Layout
    from headrace.knowledge.ingest.report import Counts

WRITTEN_EVERY = 0.2
"""Seconds between two writes within a stage."""


class Progress(msgspec.Struct, frozen=True):
    """A pass: for which turn of the revision pointer, the stage it is at, and the counts of the tenant it is at."""

    version: int
    stage: str
    found: int
    done: int
    passages: int
    vectors: int

    @property
    def searchable(self) -> bool:
        """Whether everything can be found by its words; vectors may still follow."""
        return self.stage in {"embedding", "slow", "done"}

    @property
    def ended(self) -> bool:
        """Whether the pass came to its end: every passage has its vector then."""
        return self.stage == "done"


class Unread(msgspec.Struct, frozen=True):
    """A document that could not be read, and why."""

    document: str
    reason: str


def recorded(layout: Layout, version: int, told: Callable[[Counts], None]) -> Callable[[Counts], None]:
    """`told`, and the file beside it."""
    last: tuple[str, float] = ("", 0.0)

    def both(counts: Counts) -> None:
        nonlocal last
        told(counts)
        now = time.monotonic()
        if counts.stage == last[0] and now - last[1] < WRITTEN_EVERY:
            return
        last = (counts.stage, now)
        _write(layout, Progress(version, counts.stage, counts.found, counts.done, counts.passages, counts.vectors))

    return both


def progress(layout: Layout) -> Progress | None:
    """The pass that began last; None before the first."""
    try:
        return msgspec.json.decode(layout.progress.read_bytes(), type=Progress)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def unread(layout: Layout) -> list[Unread]:
    """Every document that could not be read, of all tenants. Raises Unavailable when the lists cannot be read."""
    found: list[Unread] = []
    for manifest in layout.manifests():
        try:
            with closing(sqlite3.connect(f"{manifest.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as database:
                rows = database.execute("SELECT document, reason FROM document WHERE reason != '' ORDER BY document").fetchall()
        except sqlite3.Error as error:
            msg = f"The list of documents {manifest} cannot be read."
            raise Unavailable(msg, code="knowledge.manifest_unreadable", mend="headrace ingest makes it anew.") from error
        found.extend(Unread(*row) for row in rows)
    return found


def _write(layout: Layout, now: Progress) -> None:
    beside = layout.progress.with_suffix(".new")
    beside.write_bytes(msgspec.json.encode(now))
    beside.replace(layout.progress)
