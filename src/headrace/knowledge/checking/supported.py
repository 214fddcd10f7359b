"""How sure it is that people would call a sentence supported: the fitted part of checking drafts, in six numbers.

``support.json`` beside this file holds them; ``python benchmarks/calibrate_drafts.py`` makes it anew from sentences that people judged.
"""

from __future__ import annotations

import importlib.resources
import math
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from headrace.knowledge.checking.support import Supported


class Weights(msgspec.Struct, frozen=True):
    """Of a logistic function over the numbers of :class:`headrace.knowledge.checking.support.Supported`, and over whether a rule speaks
    against the sentence."""

    bias: float
    words: float
    near: float
    order: float
    against: float


class Calibration(msgspec.Struct, frozen=True):
    """What ``benchmarks/calibrate_drafts.py`` fitted, on what, and for which embedder."""

    embedder: str
    fitted_on: dict[str, str]
    weights: Weights
    threshold: float


CALIBRATION = msgspec.json.decode(
    (importlib.resources.files("headrace.knowledge.checking") / "support.json").read_bytes(), type=Calibration
)
THRESHOLD = CALIBRATION.threshold
"""The chance from which on a sentence is cited."""


def chance(found: Supported, weights: Weights = CALIBRATION.weights, *, against: bool = False) -> float:
    """The chance that people call such a sentence supported; `against`: a figure or a name of it is not held, or the contrary is said."""
    known = weights.words * found.words + weights.near * found.near + weights.order * found.order
    return 1 / (1 + math.exp(-(weights.bias + known + weights.against * against)))
