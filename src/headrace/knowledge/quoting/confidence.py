"""How sentences are ordered, and how sure their order is: the fitted part of quoting, in nine numbers.

``calibration.json`` beside this file holds them; ``python benchmarks/calibrate.py`` makes it anew from public questions.
"""

from __future__ import annotations

import importlib.resources
import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headrace.knowledge.quoting.match import Floats, Matches


class Order(msgspec.Struct, frozen=True):
    """Weights that order the sentences of one question (see Matches)."""

    rare: float
    rare_content: float
    neighbours: float


class Chance(msgspec.Struct, frozen=True):
    """Of the first sentence: `ceiling` times a logistic function of the best that there is among all sentences. Of another: that of the
    first, times e to the power of `fade` times how far it stands behind (a negative number)."""

    bias: float
    words: float
    passage: float
    ceiling: float
    fade: float


class Calibration(msgspec.Struct, frozen=True):
    """What ``benchmarks/calibrate.py`` fitted, on what, and for which embedder."""

    embedder: str
    fitted_on: dict[str, str]
    order: Order
    chance: Chance
    threshold: float


CALIBRATION = msgspec.json.decode(
    (importlib.resources.files("headrace.knowledge.quoting") / "calibration.json").read_bytes(), type=Calibration
)


def standing(matches: Matches, order: Order = CALIBRATION.order) -> Floats:
    """How each sentence stands among those of the same question; comparable within one question only."""
    return order.rare * matches.rare + order.rare_content * matches.rare_content + order.neighbours * matches.neighbours


def ordered(matches: Matches, order: Order = CALIBRATION.order) -> NDArray[np.intp]:
    """The rows of the sentences, best first; of equals the one that comes first."""
    return np.argsort(-standing(matches, order), kind="stable")


def spoken(matches: Matches) -> tuple[float, float]:
    """How much the sources speak of the question at all: the best `words` and the best `passage` of any sentence."""
    return float(matches.words.max()), float(matches.passage.max())


def behind(matches: Matches, rows: NDArray[np.intp], order: Order = CALIBRATION.order) -> Floats:
    """How far each of these sentences, best first, stands behind the first: 0 or less."""
    scores = standing(matches, order)[rows]
    return scores - scores[0]


def confidence(matches: Matches, rows: NDArray[np.intp], calibration: Calibration = CALIBRATION) -> Floats:
    """The chance that each of these sentences, best first, holds the answer; never rising."""
    chance = calibration.chance
    words, passage = spoken(matches)
    first = chance.ceiling / (1.0 + math.exp(-(chance.bias + chance.words * words + chance.passage * passage)))
    return first * np.exp(chance.fade * behind(matches, rows, calibration.order))
