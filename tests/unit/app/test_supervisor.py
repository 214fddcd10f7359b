"""Children are our own modules, whatever lies in the folder that the command was started in."""

from __future__ import annotations

import asyncio
import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import headrace
from headrace.app.processes.supervisor import Child, Supervisor
from headrace.config.layout import Layout

if TYPE_CHECKING:
    import pytest

SOURCES = Path(headrace.__file__).parent
COMMAND = re.compile(r"sys\.executable, (.{4})")


async def test_a_file_in_the_current_folder_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "downloads"
    here.mkdir()
    for name in ("msgspec", "sqlite3", "http", "headrace"):
        (here / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\nraise SystemExit(9)\n")
    monkeypatch.chdir(here)
    layout = Layout(tmp_path / "workspace")
    supervisor = Supervisor(layout)
    try:
        await supervisor.start(Child("ledger", "headrace.app.processes.ledger"))
        await supervisor.first_breath("ledger", layout.socket("ledger"), 20)
    finally:
        await supervisor.stop("ledger")
        with contextlib.suppress(FileNotFoundError):
            layout.clear_sockets()
    assert supervisor.restarts == {"ledger": 0}
    assert not (tmp_path / "ran").exists()


def test_every_python_that_is_started_passes_over_the_current_folder() -> None:
    flags = [found[1] for path in SOURCES.rglob("*.py") for found in COMMAND.finditer(path.read_text(encoding="utf-8"))]
    assert len(flags) >= 5
    assert set(flags) <= {'"-P"', '"-I"'}


async def test_a_machine_that_refuses_a_restart_is_asked_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """No memory, no files, a full disk: these pass, and the child must come back then."""
    supervisor = Supervisor(Layout(tmp_path))
    await supervisor.start(Child("brief", "this"))
    log = supervisor.log_of("brief")
    try:
        log.unlink()
        log.mkdir()  # cannot be opened
        async with asyncio.timeout(20):
            while "cannot be started" not in caplog.text:
                await asyncio.sleep(0.02)
            log.rmdir()
            while not log.is_file():
                await asyncio.sleep(0.02)
    finally:
        await supervisor.stop("brief")
    assert supervisor.restarts["brief"] >= 2
