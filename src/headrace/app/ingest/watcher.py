"""The watcher of an installation: looks at the sources, and starts a pass when something changed. It stays light, the pass does not.

What the last finished pass saw stands in ``ingest.json`` (see :mod:`headrace.app.ingest.passes`): the revision's number, and of each source
where it is and a signature over its files. The watcher only compares.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sqlite3
import sys
import time
from pathlib import Path
from typing import TypedDict

from headrace.adapters.sources.folder import Folder
from headrace.config.layout import Layout
from headrace.core.errors import OperationFailed

LOOK_EVERY = 3.0
"""Seconds between two looks, at least."""
SHARE = 20
"""A look that takes long is followed by a pause so many times as long: looking takes at most a twentieth of one core."""
SETTLE = 2.5
"""Seconds that the newest change should be old before a pass begins, so that files still being copied are read once."""
LONGEST_SETTLE = 30.0
FIRST_PAUSE = 10.0
LONGEST_PAUSE = 300.0
"""Seconds between a pass that failed and the next; doubled each time."""
STATE = "ingest.json"

_log = logging.getLogger(__name__)


class SeenSource(TypedDict):
    """A source as a pass saw it."""

    folder: str
    include: list[str]
    exclude: list[str]
    signature: str


class Seen(TypedDict):
    """What the last finished pass saw: the number of the revision in force, and the sources."""

    version: int
    sources: list[SeenSource]


async def watch(folder: Path) -> None:
    """Keep the passages of a workspace up to date until cancelled; a pass under way is then ended (the next one goes on)."""
    watcher = _Watcher(Layout(folder))
    while True:
        await asyncio.sleep(await watcher.look())


class _Watcher:
    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._pause = FIRST_PAUSE
        self._waiting_since: float | None = None

    async def look(self) -> float:
        """Look once, and run a pass when one is needed; returns the seconds to wait before the next look."""
        began = time.monotonic()
        changed, newest = self._changed()
        took = time.monotonic() - began
        if not changed:
            self._waiting_since = None
            return max(LOOK_EVERY, took * SHARE)
        self._waiting_since = self._waiting_since or began
        if time.time() - newest < SETTLE and began - self._waiting_since < LONGEST_SETTLE:
            return SETTLE
        self._waiting_since = None
        if await self._pass():
            self._pause = FIRST_PAUSE
            return max(LOOK_EVERY, took * SHARE)
        pause, self._pause = self._pause, min(self._pause * 2, LONGEST_PAUSE)
        return pause

    def _changed(self) -> tuple[bool, float]:
        """Whether the revision or a source is not what the last pass saw, and when the newest change was (seconds since 1970)."""
        version = _version(self._layout.control)
        if version == 0:
            return False, 0.0  # nothing is in force yet
        seen = _seen(self._layout)
        if seen is None or seen["version"] != version:
            return True, 0.0
        looks = [(source, *signature_of(source)) for source in seen["sources"]]
        changes = [at for source, signature, at in looks if signature != source["signature"]]
        return bool(changes), max(changes, default=0.0)

    async def _pass(self) -> bool:
        command = (sys.executable, "-P", "-m", "headrace.app.processes.ingest_pass", "--workspace", str(self._layout.workspace))
        process = await asyncio.create_subprocess_exec(*command)
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
            raise
        if code:
            _log.error("a pass over the sources ended with %d; the next one comes in %g s", code, self._pause)
        return code == 0


def signature_of(source: SeenSource) -> tuple[str, float]:
    """A hash over every file of a source, and when the newest of them changed (seconds since 1970); ``gone`` when it cannot be listed."""
    try:
        return Folder(Path(source["folder"]), source["include"], source["exclude"]).signature()
    except OperationFailed:
        return "gone", 0.0


def _seen(layout: Layout) -> Seen | None:
    try:
        return json.loads((layout.state / STATE).read_bytes())
    except (FileNotFoundError, ValueError):
        return None  # no pass has finished yet


def _version(control: Path) -> int:
    """The number of the revision in force; 0 when there is none. By SQL: the control store's own module would triple this process."""
    if not control.exists():
        return 0
    try:
        with contextlib.closing(sqlite3.connect(f"{control.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as db:
            return int(db.execute("SELECT coalesce(max(n), 0) FROM revision_history").fetchone()[0])
    except sqlite3.DatabaseError as error:
        _log.warning("the control store could not be read: %s", error)
        return 0
