"""Where a workspace keeps its state."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from headrace.config.layout import Layout

if TYPE_CHECKING:
    import pytest


def test_everything_is_below_the_state_folder(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    below = (layout.control, layout.ledger, layout.knowledge("t"), layout.address, layout.lock, layout.ingest_lock, layout.logs)
    assert all(path.is_relative_to(layout.state) for path in below)
    assert len(set(below)) == len(below)


def test_sockets_are_short_and_private_to_user_and_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    assert len(str(Layout(deep).socket("engine-" + "n" * 30)).encode()) < 108
    assert Layout(deep).socket("ledger") != Layout(tmp_path).socket("ledger")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1")
    assert Layout(deep).socket("ledger").is_relative_to(Path("/run/user/1"))
