"""The conversion child: it has nothing, it is killed at its limits, and the next file finds a fresh one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from headrace.adapters.converters.child import Child, Limits
from headrace.adapters.converters.worker import HTML, PDF, Request
from headrace.core.errors import ConversionFailed
from tests.support.documents import pdf

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

PAGE = Request(HTML, b"<p>still here</p>")
SLOW = Request(PDF, pdf([[f"line {line} of page {page}" for line in range(60)] for page in range(3000)]))
"""Takes seconds."""


@pytest.fixture
def started() -> Generator[list[Child]]:
    children: list[Child] = []
    yield children
    for each in children:
        each.close()


@pytest.fixture
def child(started: list[Child]) -> Callable[..., Child]:
    def start(**limits: float) -> Child:
        started.append(Child(Limits(**limits)))  # pyright: ignore[reportArgumentType]
        return started[-1]

    return start


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def until(condition: Callable[[], bool], within: float = 10.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_too_slow_is_killed_in_time_and_the_next_file_is_read(child: Callable[..., Child]) -> None:
    converter = child(seconds=0.5)
    converter.convert(PAGE)
    first = converter.pid
    began = time.monotonic()
    with pytest.raises(ConversionFailed, match=r"longer than 0\.5 s"):
        converter.convert(SLOW)
    assert time.monotonic() - began < 2.5
    assert first is not None
    assert gone(first)
    assert converter.convert(PAGE).text == "still here"


def test_too_much_memory_is_killed_and_the_next_file_is_read(child: Callable[..., Child]) -> None:
    converter = child(memory=96 << 20)
    with pytest.raises(ConversionFailed, match=r"96 MiB of memory|crashed"):
        converter.convert(Request(HTML, b"<div>" * 4_000_000))
    assert converter.convert(PAGE).text == "still here"


def test_a_child_that_dies_is_replaced(child: Callable[..., Child]) -> None:
    converter = child()
    converter.convert(PAGE)
    first = converter.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert converter.convert(PAGE).text == "still here"
    assert converter.pid != first
    converter.close()
    converter.close()
    assert converter.pid is None


def test_a_child_that_dies_of_every_file_gives_a_reason(child: Callable[..., Child], monkeypatch: pytest.MonkeyPatch) -> None:
    converter = child()
    start = converter._start

    def doomed() -> subprocess.Popen[bytes]:
        process = start()
        process.kill()
        return process

    monkeypatch.setattr(converter, "_start", doomed)
    with pytest.raises(ConversionFailed, match=r"crashed on it \(SIGKILL"):
        converter.convert(PAGE)


def test_a_child_is_replaced_after_so_many_files(child: Callable[..., Child]) -> None:
    converter = child(files=2)
    pids = []
    for _ in range(4):
        converter.convert(PAGE)
        pids.append(converter.pid)
    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_the_child_has_no_files_no_network_and_none_of_our_environment(
    child: Callable[..., Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_SECRET", "s3cret")
    converter = child()
    converter.convert(PAGE)
    home = Path(f"/proc/{converter.pid}")
    limits = {line[:26].strip(): line[26:].split()[:2] for line in (home / "limits").read_text().splitlines()}
    assert limits["Max open files"] == ["0", "0"]
    assert limits["Max file size"] == ["0", "0"]
    assert limits["Max data size"] == [str(2 << 30)] * 2
    assert "HEADRACE" not in (home / "environ").read_text()
    sockets = {str(each.readlink()).removeprefix("socket:[").removesuffix("]") for each in (home / "fd").iterdir()}
    local = {line.split()[6] for line in (home / "net" / "unix").read_text().splitlines()[1:]}
    assert all(name in local for name in sockets if name.isdigit())  # the pair by which its own threads wake each other
    assert "NoNewPrivs:\t1" in (home / "status").read_text()


def test_the_child_dies_with_its_parent() -> None:
    program = (
        "from headrace.adapters.converters.child import Child, Limits\n"
        "from headrace.adapters.converters.worker import HTML, Request\n"
        "child = Child(Limits()); child.convert(Request(HTML, b'<p>x</p>')); print(child.pid, flush=True); input()"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    until(lambda: gone(pid))
