"""How the work on a text grows with the text: a ratio, so that it says the same on a fast, a slow and a busy machine."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TIMES = 8
"""How much longer the longer text is. Work in proportion takes about TIMES as long, quadratic work TIMES² (64) times."""
PROPORTIONAL = 24
"""What still counts as in proportion, caches and a busy neighbour included."""

LEAST_S = 0.0005
"""Seconds of processor time below which a measurement is noise, and counts as so much."""


def growth(work: Callable[[str], object], of: Callable[[int], str], many: int) -> float:
    """How many times as long `work` takes with ``of(many)`` as with ``of(many // TIMES)``: the better of two of each."""
    return _seconds(work, of(many)) / max(LEAST_S, _seconds(work, of(many // TIMES)))


def _seconds(work: Callable[[str], object], text: str) -> float:
    best = float("inf")
    gc.disable()  # what other tests have left behind is looked through by nobody meanwhile
    try:
        for _ in range(2):
            began = time.process_time()
            work(text)
            best = min(best, time.process_time() - began)
    finally:
        gc.enable()
    return best
