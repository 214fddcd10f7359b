"""Where an installation is reached: believed only of the one that holds this very workspace now."""

from __future__ import annotations

import json
import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from headrace.app.processes.installation import address, exclusive
from headrace.config.layout import Layout
from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from pathlib import Path


def announced(layout: Layout, pid: int) -> None:
    layout.address.write_text(json.dumps({"url": "http://127.0.0.1:8080", "pid": pid, "gateway": pid}))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def test_the_holder_of_the_workspace_is_reached_where_it_says(layout: Layout) -> None:
    assert address(layout) is None
    with exclusive(layout):
        assert address(layout) is None
        announced(layout, os.getpid())
        found = address(layout)
    assert found is not None
    assert found["url"] == "http://127.0.0.1:8080"


@pytest.mark.parametrize("pid", [1, os.getpid()])
def test_what_a_killed_one_left_is_not_believed_though_its_number_lives_on(layout: Layout, pid: int) -> None:
    """Another program has its number now, ours or somebody else's: a key must not be sent to whatever listens there."""
    with exclusive(layout):
        pass
    layout.lock.write_text(str(pid))
    announced(layout, pid)
    assert address(layout) is None


def test_what_a_killed_one_left_is_not_believed_while_the_next_one_starts(layout: Layout) -> None:
    with exclusive(layout):
        announced(layout, 1)
        assert address(layout) is None
    layout.lock.write_text("")
    assert address(layout) is None


def test_a_copy_of_a_workspace_is_not_the_one_that_is_served(layout: Layout, tmp_path: Path) -> None:
    with exclusive(layout):
        announced(layout, os.getpid())
        copy = Layout(tmp_path / "copy")
        copy.state.mkdir(parents=True)
        for each in (layout.lock, layout.address):
            (copy.state / each.name).write_bytes(each.read_bytes())
        assert address(copy) is None
        with exclusive(copy):
            pass


def test_a_second_one_is_told_who_serves(layout: Layout) -> None:
    with exclusive(layout):
        with pytest.raises(OperationFailed) as refused, exclusive(layout):
            pass
        assert refused.value.code == "operation.already_running"
        announced(layout, os.getpid())
        with pytest.raises(OperationFailed, match=f"at http://127.0.0.1:8080 \\(process {os.getpid()}\\)"), exclusive(layout):
            pass


def test_whoever_asks_where_it_is_keeps_nobody_from_starting(layout: Layout) -> None:
    with exclusive(layout):
        announced(layout, os.getpid())
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            address(layout)

    asking = [threading.Thread(target=ask) for _ in range(2)]
    for each in asking:
        each.start()
    try:
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            with exclusive(layout):
                pass
    finally:
        over.set()
        for each in asking:
            each.join()
