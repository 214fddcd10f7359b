"""Ingestion is killed at every step; nothing is lost or doubled."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FEWEST = 30
"""Steps of each pass: fewer would mean that the kills no longer reach its writes."""


def test_a_pass_killed_at_any_step_goes_on_with_nothing_lost_or_doubled(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.ingest_kills", str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    steps = json.loads(done.stdout)
    assert steps["first"] >= FEWEST
    assert steps["second"] >= FEWEST
