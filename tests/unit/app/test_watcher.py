"""The watcher: light, sees every change, starts a pass for it and none without, and tries again after one that failed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from headrace.app.ingest import watcher as watching
from headrace.app.ingest.watcher import SeenSource, signature_of, watch
from headrace.config.layout import Layout

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from pathlib import Path

HEAVY = ("lancedb", "pyarrow", "onnxruntime", "numpy", "kreuzberg", "tokenizers", "pydantic", "sqlalchemy", "msgspec")
LIGHT_MIB = 40
PASS = """
import json, sys, pathlib
sys.path[:0] = {path!r}
from headrace.app.ingest.watcher import signature_of
layout = pathlib.Path({state!r})
def ran():
    (layout / "passes").open("a").write("x")
if (layout / "fail").exists():
    ran()
    sys.exit(1)
source = {{"folder": {docs!r}, "include": ["**/*"], "exclude": [], "signature": ""}}
source["signature"] = signature_of(source)[0]
version = int((layout / "version").read_text())
(layout / "ingest.json").write_text(json.dumps({{"version": version, "sources": [source]}}))
ran()  # only now: a change after it is one that this pass did not see
"""


class Place:
    """A workspace whose passes only say what they saw."""

    def __init__(self, root: Path) -> None:
        self.layout = Layout(root)
        self.docs = root / "docs"
        self.docs.mkdir()
        self.layout.state.mkdir()
        self.db = sqlite3.connect(self.layout.control, isolation_level=None)
        self.db.execute("CREATE TABLE revision_history (n INTEGER)")

    def apply(self, version: int) -> None:
        (self.layout.state / "version").write_text(str(version))
        self.db.execute("INSERT INTO revision_history VALUES (?)", (version,))

    @property
    def passes(self) -> int:
        path = self.layout.state / "passes"
        return len(path.read_text()) if path.exists() else 0

    async def until(self, passes: int) -> None:
        async with asyncio.timeout(20):
            while self.passes < passes:
                await asyncio.sleep(0.02)

    def write(self, name: str) -> None:
        """A file that has been there for a while."""
        (self.docs / name).write_text(name)


@pytest.fixture
def place(tmp_path: Path) -> Generator[Place]:
    made = Place(tmp_path)
    yield made
    made.db.close()


@pytest.fixture
async def watched(place: Place, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Place]:
    """A watcher in a hurry, over a pass that is quick."""
    program = place.layout.state / "pass.py"
    program.write_text(PASS.format(path=sys.path, state=str(place.layout.state), docs=str(place.docs)))
    start = asyncio.create_subprocess_exec

    async def quick(*_: str) -> asyncio.subprocess.Process:
        return await start(sys.executable, str(program))

    monkeypatch.setattr(watching.asyncio, "create_subprocess_exec", quick)
    for name in ("LOOK_EVERY", "SETTLE", "FIRST_PAUSE"):
        monkeypatch.setattr(watching, name, 0.05)
    task = asyncio.create_task(watch(place.layout.workspace))
    yield place
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_a_revision_and_a_change_each_bring_a_pass_and_nothing_else_does(watched: Place) -> None:
    await asyncio.sleep(0.2)
    assert not watched.passes
    watched.apply(1)
    await watched.until(1)
    watched.write("a.md")
    await watched.until(2)
    await asyncio.sleep(0.5)
    assert watched.passes == 2
    watched.apply(2)
    await watched.until(3)
    (watched.docs / "a.md").unlink()
    await watched.until(4)


async def test_a_pass_that_failed_is_tried_again(watched: Place) -> None:
    (watched.layout.state / "fail").touch()
    watched.apply(1)
    await watched.until(3)
    (watched.layout.state / "fail").unlink()
    await watched.until(4)
    await asyncio.sleep(0.3)
    quiet = watched.passes
    await asyncio.sleep(0.3)
    assert watched.passes == quiet


async def test_a_pass_ends_with_the_watcher(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    start = asyncio.create_subprocess_exec
    started: list[asyncio.subprocess.Process] = []

    async def endless(*_: str) -> asyncio.subprocess.Process:
        started.append(await start("sleep", "60"))
        return started[0]

    monkeypatch.setattr(watching.asyncio, "create_subprocess_exec", endless)
    place.apply(1)
    task = asyncio.create_task(watch(place.layout.workspace))
    async with asyncio.timeout(10):
        while not started:
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert started[0].returncode is not None


def test_a_folder_that_is_gone_has_a_signature_of_its_own(tmp_path: Path) -> None:
    there: SeenSource = {"folder": str(tmp_path), "include": ["**/*"], "exclude": [], "signature": ""}
    gone: SeenSource = {**there, "folder": str(tmp_path / "gone")}
    assert signature_of(gone) == ("gone", 0.0)
    assert signature_of(there)[0] != "gone"


def test_the_watcher_imports_nothing_heavy(tmp_path: Path) -> None:
    program = (
        "import sys, json; from headrace.app.ingest.watcher import watch\n"
        "print(json.dumps([sorted(sys.modules), int(open('/proc/self/statm').read().split()[1])]))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=tmp_path)
    modules, pages = json.loads(done.stdout)
    assert not [name for name in HEAVY if name in modules]
    assert pages * os.sysconf("SC_PAGE_SIZE") < LIGHT_MIB << 20


async def test_a_change_that_is_still_going_on_is_waited_for(place: Place) -> None:
    watcher = watching._Watcher(place.layout)
    source: SeenSource = {"folder": str(place.docs), "include": ["**/*"], "exclude": [], "signature": "other"}
    (place.layout.state / watching.STATE).write_text(json.dumps({"version": 1, "sources": [source]}))
    place.apply(1)
    place.write("a.md")
    assert time.time() - (place.docs / "a.md").stat().st_ctime < watching.SETTLE
    assert await watcher.look() == watching.SETTLE


async def test_a_control_store_that_cannot_be_read_is_waited_for(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.state.mkdir()
    layout.control.write_bytes(b"no database at all" * 100)
    assert await watching._Watcher(layout).look() >= watching.LOOK_EVERY
