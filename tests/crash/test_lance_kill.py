"""A writer of passages that is killed at any moment leaves one whole state: the old or the new."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def test_every_kill_leaves_a_whole_state(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.lance_kills", str(tmp_path / "t")], capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["generations"] > 3, "some were whole, however busy the machine"
