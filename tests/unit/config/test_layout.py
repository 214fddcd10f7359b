"""Where a workspace keeps its state."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.config.layout import Layout
from headrace.core.errors import OperationFailed


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


def test_a_folder_of_sockets_that_is_open_to_others_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody on the same machine may have made it first: its name can be guessed."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    layout = Layout(tmp_path / "w")
    layout.make_sockets()
    layout.make_sockets()
    folder = layout.socket("ledger").parent
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o770)
    with pytest.raises(OperationFailed) as refused:
        layout.make_sockets()
    assert refused.value.code == "operation.foreign_sockets"
    layout.clear_sockets()
    folder.symlink_to(tmp_path)
    with pytest.raises(OperationFailed):
        layout.make_sockets()
