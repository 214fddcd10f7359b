"""Fit what quotes and abstention are calibrated with, and write it to src/headrace/knowledge/quoting/calibration.json.

    python benchmarks/calibrate.py [--dry-run]

Everything is fitted on half A of the questions (grounded.py); answers.py reports half B. In this order:

    order     pairs of a right and a wrong sentence of one question, by logistic regression; every question counts alike
    chance    how much the sources speak of the question, by logistic regression of answered questions against elsewhere, one to one;
              then slope, bias and ceiling of the chance that the first sentence is right, by maximum likelihood on half answered
              questions, a quarter close and a quarter elsewhere; then how quickly it fades for the sentences that follow, likewise
    threshold where 3 % of the answered questions would be abstained from

The same data give the same file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

import grounded
from headrace.knowledge.quoting import confidence as confident
from headrace.knowledge.quoting.confidence import Calibration, Chance, Order
from headrace.knowledge.quoting.quote import Quoter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from grounded import Asked
    from headrace.core.values import Passage
    from headrace.knowledge.quoting.match import Matches

TARGET = Path(confident.__file__).with_name("calibration.json")
FALSE_ABSTAIN = 0.03
MIXTURE = {"answered": 0.5, "close": 0.25, "elsewhere": 0.25}
"""Of what a confidence speaks: half of the questions have an answer, a quarter look so, a quarter are of other things."""
RIDGE = 1e-4
FIRST = 3
"""Sentences of each question whose chance is fitted."""


@dataclass(frozen=True)
class Case:
    """A question, what its sentences look like, and which of them are right."""

    asked: Asked
    matches: Matches
    right: np.ndarray


def case(asked: Asked, brought: Sequence[Passage], quoter: Quoter) -> Case | None:
    """A question as a case; None when nothing that was found can be quoted."""
    matches = quoter.matches(asked.text, brought)
    if matches is None:
        return None
    right = [asked.is_answered_by(brought[place], brought[place].text[unit.start : unit.end]) for place, unit in matches.places]
    return Case(asked, matches, np.asarray(right))


def logistic(rows: np.ndarray, labels: np.ndarray, weights: np.ndarray, *, bias: bool = True) -> np.ndarray:
    """Coefficients of a weighted logistic regression with a small ridge, the bias last, by Newton's method on standardised columns."""
    middle = rows.mean(axis=0) if bias else np.zeros(rows.shape[1])
    spread = rows.std(axis=0)
    scaled = (rows - middle) / spread
    scaled = np.column_stack((scaled, np.ones(len(scaled)))) if bias else scaled
    ridge = np.full(scaled.shape[1], RIDGE)
    ridge[rows.shape[1] :] = 0
    fitted = np.zeros(scaled.shape[1])
    for _ in range(100):
        chance = 1 / (1 + np.exp(-(scaled @ fitted)))
        slope = scaled.T @ (weights * (chance - labels)) + ridge * fitted
        curve = (scaled * (weights * chance * (1 - chance))[:, np.newaxis]).T @ scaled + np.diag(ridge + 1e-12)
        step = np.linalg.solve(curve, slope)
        fitted -= step
        if np.abs(step).max() < 1e-9:
            break
    found = fitted[: rows.shape[1]] / spread
    return np.append(found, fitted[-1] - middle @ found) if bias else found


def fit_order(cases: Sequence[Case]) -> Order:
    """Right sentences before wrong ones. Every question counts alike."""
    rows, weights = [], []
    for each in cases:
        table = np.column_stack((each.matches.rare, each.matches.rare_content, each.matches.neighbours))
        pairs = (table[each.right][:, np.newaxis] - table[~each.right][np.newaxis]).reshape(-1, table.shape[1])
        if len(pairs):
            rows.append(pairs)
            weights.append(np.full(len(pairs), 1 / len(pairs)))
    every, weight = np.concatenate(rows), np.concatenate(weights)
    # A pair and its mirror: otherwise one label alone would be there, and the columns' spread would not be about 0.
    both = np.concatenate((every, -every))
    labels = np.concatenate((np.ones(len(every)), np.zeros(len(every))))
    return Order(*logistic(both, labels, np.tile(weight, 2) / weight.sum() / 2, bias=False).tolist())


def even(groups: Sequence[tuple[float, int]]) -> np.ndarray:
    """Weights for groups of rows, each with its share of the whole."""
    return np.concatenate([np.full(count, share / count) for share, count in groups])


def minimum(loss: Callable[[np.ndarray], float], start: Sequence[float]) -> np.ndarray:
    """Where a smooth function of few numbers is least: Newton's method with numerical derivatives, each step halved until it helps."""
    at, here, tiny = np.asarray(start, dtype=float), loss(np.asarray(start, dtype=float)), 1e-4
    units = np.eye(len(at)) * tiny
    for _ in range(200):
        slope = np.asarray([(loss(at + one) - loss(at - one)) / (2 * tiny) for one in units])
        curve = np.asarray(
            [[(loss(at + a + b) - loss(at + a - b) - loss(at - a + b) + loss(at - a - b)) / (4 * tiny**2) for b in units] for a in units]
        )
        values, axes = np.linalg.eigh(curve)
        step = axes @ ((axes.T @ slope) / np.maximum(np.abs(values), 1e-6))
        while (there := loss(at - step)) >= here and np.abs(step).max() > 1e-9:
            step = step / 2
        if here - there < 1e-12:
            break
        at, here = at - step, there
    return at


def likelihood(chances: np.ndarray, right: np.ndarray, weights: np.ndarray) -> float:
    """How badly chances speak of what came (negative mean log-likelihood)."""
    kept = np.clip(chances, 1e-9, 1 - 1e-9)
    return -float((weights * np.where(right, np.log(kept), np.log(1 - kept))).sum())


def fit_chance(kinds: Mapping[str, Sequence[Case]], order: Order) -> Chance:
    """The sources speak of it; the first sentence is right; the next ones are."""
    answered, elsewhere = kinds["answered"], kinds["elsewhere"]
    rows = np.asarray([confident.spoken(each.matches) for each in (*answered, *elsewhere)])
    labels = np.arange(len(rows)) < len(answered)
    words, passage, bias = logistic(rows, labels, even([(0.5, len(answered)), (0.5, len(elsewhere))])).tolist()

    mixed = [(share, each) for kind, share in MIXTURE.items() for each in kinds[kind]]
    weights = even([(share, len(kinds[kind])) for kind, share in MIXTURE.items()])
    ranked = [confident.ordered(each.matches, order) for _, each in mixed]
    said = np.asarray([confident.spoken(each.matches) for _, each in mixed]) @ (words, passage) + bias
    right = np.asarray([each.right[rows[0]] for (_, each), rows in zip(mixed, ranked, strict=True)])

    def first(fitted: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-fitted[2])) / (1 + np.exp(-(fitted[0] * said + fitted[1])))

    fitted = minimum(lambda tried: likelihood(first(tried), right, weights), (1.0, 0.0, 1.0))
    slope, shift, height = fitted.tolist()
    others = [(at, place, rows) for at, rows in enumerate(ranked) for place in range(1, min(FIRST, len(rows)))]
    back = np.asarray([confident.behind(mixed[at][1].matches, rows, order)[place] for at, place, rows in others])
    was = np.asarray([mixed[at][1].right[rows[place]] for at, place, rows in others])
    base, weight = first(fitted)[[at for at, _, _ in others]], weights[[at for at, _, _ in others]]
    (fade,) = minimum(lambda tried: likelihood(base * np.exp(np.exp(tried[0]) * back), was, weight), (0.0,)).tolist()
    return Chance(
        bias=slope * bias + shift,
        words=slope * words,
        passage=slope * passage,
        ceiling=float(1 / (1 + np.exp(-height))),
        fade=float(np.exp(fade)),
    )


def fit(cases: Sequence[Case], embedder: str) -> Calibration:
    """All of it."""
    kinds = {kind: [each for each in cases if each.asked.kind.startswith(kind)] for kind in MIXTURE}
    order = fit_order(kinds["answered"])
    told = {kind: f"{len(some):,} questions of half A" for kind, some in kinds.items()}
    calibration = Calibration(embedder=embedder, fitted_on=told, order=order, chance=fit_chance(kinds, order), threshold=0.0)
    sure = [confident.confidence(each.matches, confident.ordered(each.matches, order), calibration)[0] for each in kinds["answered"]]
    return msgspec.structs.replace(calibration, threshold=float(np.quantile(sure, FALSE_ABSTAIN)))


def rounded(value: object) -> object:
    """Numbers to four places, all through."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def main() -> None:
    """Search, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true", help="print, and write nothing")
    args = parser.parse_args()
    asked = [each for each in grounded.questions() if each.half == "A" and each.kind != "same style"]
    with grounded.searching(grounded.passages()) as (embedder, _, retrieval):
        quoter = Quoter(embedder, readings_bytes=1 << 30)
        brought = asyncio.run(grounded.found(retrieval, asked))
        cases = [made for each in asked if (made := case(each, brought[each], quoter)) is not None]
        identity = embedder.identity.partition(":")[0]
    text = json.dumps(rounded(msgspec.to_builtins(fit(cases, identity))), indent=2) + "\n"
    print(text)
    if not args.dry_run:
        TARGET.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
