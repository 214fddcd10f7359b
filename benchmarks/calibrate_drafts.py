"""Fit what drafts are checked with, and write it to src/headrace/knowledge/checking/support.json.

    python benchmarks/calibrate_drafts.py [--dry-run]

Everything is fitted on half A of the judged texts (attributed.py: begin, halueval, wice); drafts.py reports half B. In this order:

    weights    by logistic regression of supported texts against others, of those that no rule has turned away; each set counts alike, and
               in each both labels do. A text of several sentences is as well supported as the least of them.
    threshold  where one in ten of the texts that people call unsupported would be cited, as a mean over the sets

The same data give the same file.
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
from calibrate import logistic, rounded
from headrace.adapters.embedders.minilm import MiniLM
from headrace.adapters.weights.catalogue import EMBEDDER, built_in
from headrace.adapters.weights.store import ModelStore, default_folder
from headrace.knowledge.checking import supported
from headrace.knowledge.checking.checker import completed, reasoned
from headrace.knowledge.checking.support import Supported, support
from headrace.knowledge.checking.supported import Calibration, Weights, chance
from headrace.knowledge.quoting.reading import Readings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attributed import Judged

TARGET = Path(supported.__file__).with_name("support.json")
SETS = (attributed.begin, attributed.halueval, attributed.wice)
FALSELY_CITED = 0.10
"""Of what people call unsupported: so much may be cited."""


@dataclass(frozen=True)
class Case:
    """A judged text: how well each sentence is supported, and whether a rule turns one away."""

    judged: Judged
    found: tuple[Supported, ...]
    reasons: tuple[str, ...]

    @property
    def turned_away(self) -> bool:
        """Whatever the weights are."""
        return any(self.reasons) or len(self.found) < len(self.judged.sentences)

    def least(self, weights: Weights) -> float:
        """The chance of the sentence that is supported least; 0 when one is turned away."""
        return 0.0 if self.turned_away else min(chance(each, weights) for each in self.found)


def case(judged: Judged, readings: Readings) -> Case:
    """Compare a judged text with what it is judged against."""
    found: list[Supported] = []
    reasons: list[str] = []
    for sentence in judged.sentences:
        asked, read = readings.of(sentence, judged.passages)
        one = support(sentence, asked, judged.passages, read)
        if one is not None:
            found.append(one)
            reasons.append(reasoned(sentence, completed(sentence, one.units, judged.passages, read), judged.passages))
    return Case(judged, tuple(found), tuple(reasons))


def cases(judged: Sequence[Judged]) -> list[Case]:
    """All of them, by the product's embedder."""
    weights = ModelStore(default_folder())
    weights.pull(built_in()[EMBEDDER])
    with closing(MiniLM(weights.path(EMBEDDER), threads=1)) as embedder, ThreadPoolExecutor(2) as threads:
        readings = Readings(embedder, 1 << 28)
        return list(threads.map(lambda each: case(each, readings), judged))


def fit(made: Sequence[Case]) -> Calibration:
    """Weights, then the threshold."""
    known = [each for each in made if each.judged.supported is not None]
    held = [each for each in known if not each.turned_away]
    rows = np.asarray([(min(one.farthest for one in each.found), min(one.words for one in each.found)) for each in held])
    labels = np.asarray([each.judged.supported for each in held])
    groups = [(each.judged.set, each.judged.supported) for each in held]
    share = np.asarray([1 / groups.count(group) for group in groups])
    farthest, words, bias = logistic(rows, labels, share / share.sum()).tolist()
    weights = Weights(bias, farthest, words)
    names = sorted({each.judged.set for each in known})
    wrong = [np.asarray([each.least(weights) for each in known if each.judged.set == name and not each.judged.supported]) for name in names]
    steps = np.unique(np.concatenate(wrong))
    threshold = next(float(step) for step in (*steps, 1.0) if np.mean([(some >= step).mean() for some in wrong]) <= FALSELY_CITED)
    told = {name: f"{sum(each.judged.set == name for each in known):,} texts of half A" for name in names}
    return Calibration("all-minilm-l6-v2-int8", told, weights, threshold)


def main() -> None:
    """Compare, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true", help="print, and write nothing")
    args = parser.parse_args()
    fitted = fit(cases([each for judged in SETS for each in judged() if each.half == "A"]))
    text = json.dumps(rounded(msgspec.to_builtins(fitted)), indent=2) + "\n"
    print(text)
    if not args.dry_run:
        TARGET.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
