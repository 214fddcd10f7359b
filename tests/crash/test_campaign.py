"""A slice of the campaign of crashes; the whole of it is ``python -m tests.crash.campaign``, which prints its table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.crash import faults
from tests.crash.campaign import EVERY_STAGE, LOADS, Outcome, Seed, campaign, seeds, table

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
SLICE = (
    ("kill gateway", "streaming", 8),
    ("disk full", "settled", 8),
    ("clock set back", "opened", 1),
    ("kill supervisor", "generated", 8),
)


def run(wanted: Sequence[Seed], folder: Path) -> list[Outcome]:
    return campaign(wanted, folder, lambda _: None)


def test_a_slice_of_the_campaign(tmp_path: Path) -> None:
    there = faults.every(tmp_path)
    found = run([Seed(number, *each) for number, each in enumerate(SLICE) if each[0] in there], tmp_path)
    assert [each.broken for each in found if each.broken] == []
    assert {each.seed.fault for each in found} >= {"kill gateway", "kill supervisor", "clock set back"}
    assert sum(each.ends["answered"] for each in found) > 0
    assert "| all |" in table(found)


def test_seeds_are_every_fault_at_every_stage_under_every_load() -> None:
    names = ["kill gateway", "disk full"]
    count = len(names) * len(EVERY_STAGE) * len(LOADS)
    every = seeds(0, count, names)
    assert len({(each.fault, each.stage, each.clients) for each in every}) == count
    assert seeds(5, 3, names) == every[5:8]
    assert seeds(count, 1, names)[0].fault == every[0].fault


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_the_campaign() -> None:
    done = subprocess.run([sys.executable, "-m", "tests.crash.campaign"], check=False, capture_output=True, text=True, cwd=ROOT)
    sys.stdout.write(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
