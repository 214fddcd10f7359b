"""A child process and its signals."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

BODY = """
import asyncio, sys
from pathlib import Path
from headrace.app.processes import child
from headrace.config.layout import Layout

child.ONE_WORD_S = float(sys.argv[3])

async def body(layout):
    print("begun", flush=True)
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        print("told", flush=True)
        await asyncio.sleep(float(sys.argv[2]))
        print("finished, orphaned" if child.orphaned() else "finished", flush=True)

child.run("test", Layout(Path(sys.argv[1])), body)
"""


def started(folder: Path, takes: float, one_word: float = 60.0) -> subprocess.Popen[str]:
    """A child whose end takes so long, once it runs."""
    process = subprocess.Popen([sys.executable, "-c", BODY, str(folder), str(takes), str(one_word)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def test_signals_that_come_at_once_say_one_thing(tmp_path: Path) -> None:
    """As the kernel sends them when a parent of several threads is killed: what is under way is finished all the same."""
    with started(tmp_path, 0.3) as process:
        for _ in range(5):
            process.send_signal(signal.SIGTERM)
            time.sleep(0.02)
        said, _ = process.communicate(timeout=20)
    assert (process.returncode, said) == (0, "told\nfinished\n")


def test_a_signal_that_comes_later_ends_it(tmp_path: Path) -> None:
    with started(tmp_path, 3600, 0.2) as process:
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert process.stdout.readline() == "told\n"
        time.sleep(0.4)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=20)
    assert (process.returncode, said) == (0, "")


def test_a_child_knows_that_its_parent_was_killed(tmp_path: Path) -> None:
    parent = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', *sys.argv[1:]]).wait()"
    with subprocess.Popen([sys.executable, "-c", parent, BODY, str(tmp_path), "0", "60"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.kill()
        assert process.stdout.read() == "told\nfinished, orphaned\n"
