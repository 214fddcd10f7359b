"""Fit what drafts are checked with, and write it to src/headrace/knowledge/checking/support.json.

    python benchmarks/calibrate_drafts.py [--dry-run]

Everything is fitted on half A of the judged texts (attributed.py: begin, halueval, wice, scifact), and so was chosen which numbers are
weighed; drafts.py reports half B, which nobody looks at before. Halves are by hash of the text that is judged against. In this order:

    weights    by logistic regression of supported texts against others; each set counts alike, and in each both labels do. A text of
               several sentences is as well supported as the least of them.
    threshold  where one in ten of the texts that people call unsupported would be cited, as a mean over the sets

Also printed, on half A: what the same fit on the other sets does to each set that is left out. The same data give the same file.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

import attributed
from answers import area
from calibrate import logistic, rounded
from headrace.adapters.embedders.minilm import MiniLM
from headrace.adapters.weights.catalogue import EMBEDDER, built_in
from headrace.adapters.weights.store import ModelStore, default_folder
from headrace.knowledge.checking import supported
from headrace.knowledge.checking.checker import Look, looked
from headrace.knowledge.checking.supported import Calibration, Weights, chance
from headrace.knowledge.quoting.reading import Readings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attributed import Judged

TARGET = Path(supported.__file__).with_name("support.json")
SETS = (attributed.begin, attributed.halueval, attributed.wice, attributed.scifact)
FALSELY_CITED = 0.10
"""Of what people call unsupported: so much may be cited."""


@dataclass(frozen=True)
class Case:
    """A judged text, and what is known of each of its sentences."""

    judged: Judged
    looks: tuple[Look, ...]

    @property
    def against(self) -> bool:
        """Whether a rule turns a sentence away, whatever the weights are."""
        return any(each.reason or each.found is None for each in self.looks)

    def least(self, weights: Weights) -> float:
        """The chance of the sentence that is supported least; 0 of one for which nothing could be cited."""
        return min(chance(each.found, weights, against=bool(each.reason)) if each.found else 0.0 for each in self.looks)

    def cited(self, calibration: Calibration) -> bool:
        """Whether all of it would be."""
        return not self.against and self.least(calibration.weights) >= calibration.threshold


def cases(judged: Sequence[Judged]) -> list[Case]:
    """All of them, by the product's embedder."""
    weights = ModelStore(default_folder())
    weights.pull(built_in()[EMBEDDER])
    with closing(MiniLM(weights.path(EMBEDDER), threads=1)) as embedder, ThreadPoolExecutor(2) as threads:
        readings = Readings(embedder, 1 << 28)
        return list(threads.map(lambda each: Case(each, tuple(looked(one, each.passages, readings) for one in each.sentences)), judged))


def weigh(made: Sequence[Case]) -> Weights:
    """By those texts of which every sentence could be compared."""
    known = [each for each in made if each.judged.supported is not None and all(look.found for look in each.looks)]
    rows = np.asarray([_least(each) for each in known])
    labels = np.asarray([each.judged.supported for each in known])
    groups = [(each.judged.set, each.judged.supported) for each in known]
    share = np.asarray([1 / groups.count(group) for group in groups])
    *weights, bias = logistic(rows, labels, share / share.sum()).tolist()
    return Weights(bias, *weights)


def _least(made: Case) -> tuple[float, ...]:
    looks = [(each.found, each.reason) for each in made.looks if each.found]
    rows = [(found.words, found.near, found.order, -float(bool(reason))) for found, reason in looks]
    words, near, order, against = (min(column) for column in zip(*rows, strict=True))
    return words, near, order, -against


def fit(made: Sequence[Case]) -> Calibration:
    """Weights, then the threshold."""
    weights = weigh(made)
    names = sorted({each.judged.set for each in made})
    unsupported = [each for each in made if each.judged.supported is False]
    wrong = [
        np.asarray([0.0 if each.against else each.least(weights) for each in unsupported if each.judged.set == name]) for name in names
    ]
    steps = np.unique(np.concatenate(wrong))
    threshold = next(float(step) for step in (*steps, 1.0) if np.mean([(some >= step).mean() for some in wrong]) <= FALSELY_CITED)
    known = [each for each in made if each.judged.supported is not None]
    told = {name: f"{sum(each.judged.set == name for each in known):,} texts of half A" for name in names}
    return Calibration("all-minilm-l6-v2-int8", told, weights, threshold)


def left_out(made: Sequence[Case]) -> dict[str, float]:
    """AUROC of each set by weights that were fitted on the others."""
    found: dict[str, float] = {}
    for name in sorted({each.judged.set for each in made}):
        weights = weigh([each for each in made if each.judged.set != name])
        some = [each for each in made if each.judged.set == name]
        scores = [[each.least(weights) for each in some if each.judged.supported is label] for label in (True, False)]
        found[name] = area(*scores)
    return found


def main() -> None:
    """Compare, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true", help="print, and write nothing")
    args = parser.parse_args()
    made = cases([each for judged in SETS for each in judged() if each.half == "A"])
    text = json.dumps(rounded(msgspec.to_builtins(fit(made))), indent=2) + "\n"
    print(text)
    print("AUROC when left out:", ", ".join(f"{name} {value:.3f}" for name, value in left_out(made).items()))
    if not args.dry_run:
        TARGET.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
