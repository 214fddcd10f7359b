"""How good quotes are, when abstaining is right, and how quick both are: on SQuAD 2.0, beside plain rankings of sentences in the same run.

    python benchmarks/answers.py [--quick] [--json FILE]

Questions are of half B (grounded.py); what is calibrated was fitted on half A (calibrate.py). A quote is right when it holds an answer
and stands in the question's paragraph; it is taken from the five passages that the product's search brings, so a paragraph that was not
found counts as wrong. The area under the curve (AUROC) is the chance that a question with an answer gets more confidence than one
without. Peers rank the sentences of the same passages: by the cosine of the embedder's vectors, and by BM25 (bm25s, when installed).
Nothing is fitted on the two other collections: XQuAD (more paragraphs of the kind) and a handbook in Markdown, asked the questions that its
own headings ask (left out by --quick, which asks samples). False abstentions there are told for all questions, and for those to which
search brought the place.
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import grounded
import harness
from calibrate import MIXTURE
from headrace.core.values import Quote
from headrace.knowledge.passages.sentences import units
from headrace.knowledge.quoting.quote import THRESHOLD, Quoter

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

    from grounded import Asked
    from headrace.adapters.embedders.minilm import MiniLM
    from headrace.core.values import Passage
    from retrieval import Vectors

    Ranker = Callable[[str, Sequence[Passage]], Sequence[Quote]]

SHOWN = 3
SAMPLE = {"answered": 5, "close": 8, "same style": 8, "elsewhere": 5}
"""With --quick, every n-th question of a kind."""
TIMED, TIMED_QUICKLY = 100, 20
OUTSIDE_HANDBOOK = {"elsewhere/npl", "elsewhere/scifact", "elsewhere/truthfulqa"}
"""Sets that a handbook for employees does not speak of; of bank cards, orders and privacy it does."""
STEPS = (0.05, 0.1, 0.2, 0.3, 0.5)


@dataclass(frozen=True)
class Given:
    """What a question got: the three best quotes' confidences, and which of them are right."""

    asked: Asked
    sure: tuple[float, ...]
    right: tuple[bool, ...]
    brought: bool
    """Whether search brought a passage that holds an answer."""

    @property
    def first(self) -> float:
        """The confidence that decides whether to abstain."""
        return self.sure[0] if self.sure else 0.0


def area(with_answer: Sequence[float], without: Sequence[float]) -> float:
    """AUROC; ties count half."""
    values = np.asarray([*with_answer, *without])
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    most = len(with_answer)
    return float((ranks[:most].sum() - most * (most + 1) / 2) / (most * len(without)))


def ask(ranker: Ranker, brought: Mapping[Asked, Sequence[Passage]]) -> list[Given]:
    """Let a ranker answer every question."""
    given: list[Given] = []
    for asked, passages in brought.items():
        quotes = ranker(asked.text, passages)
        right = tuple(grounded.is_hit(asked, passages, [quote]) for quote in quotes)
        brought_it = any(asked.is_answered_by(passage, passage.text) for passage in passages)
        given.append(Given(asked, tuple(quote.confidence for quote in quotes), right, brought_it))
    return given


def own(embedder: MiniLM) -> Ranker:
    """The product's."""
    quoter = Quoter(embedder, readings_bytes=1 << 30)
    return lambda question, passages: quoter.quotes(question, passages, SHOWN)


def by_cosine(vectors: Vectors) -> Ranker:
    """The peer that compares the vector of each sentence with the question's."""

    def rank(question: str, passages: Sequence[Passage]) -> Sequence[Quote]:
        sentences = _sentences(passages)
        known = vectors.of([question, *(quote.text for quote in sentences)])
        return _best(sentences, [float(known[question] @ known[quote.text]) for quote in sentences])

    return rank


def by_words() -> Ranker | None:
    """The peer that ranks sentences by BM25; None when it is not installed."""
    try:
        import bm25s  # noqa: PLC0415  only a benchmark with this peer needs it
        import Stemmer  # noqa: PLC0415
    except ImportError:
        return None
    stemmer = Stemmer.Stemmer("english")

    def rank(question: str, passages: Sequence[Passage]) -> Sequence[Quote]:
        sentences = _sentences(passages)
        if not sentences:
            return ()
        ranker = bm25s.BM25()
        words = bm25s.tokenize([quote.text for quote in sentences], stopwords="en", stemmer=stemmer, show_progress=False)
        ranker.index(words, show_progress=False)
        asked = bm25s.tokenize([question], stopwords="en", stemmer=stemmer, show_progress=False, return_ids=False)
        return _best(sentences, ranker.get_scores(asked[0]).tolist())

    return rank


def _sentences(passages: Sequence[Passage]) -> list[Quote]:
    return [
        Quote(place, passage.start + unit.start, passage.start + unit.end, passage.text[unit.start : unit.end], "", 0.0)
        for place, passage in enumerate(passages)
        for unit in units(passage.text)
        if unit.quotable
    ]


def _best(sentences: Sequence[Quote], scores: Sequence[float]) -> list[Quote]:
    order = sorted(range(len(sentences)), key=lambda at: -scores[at])[:SHOWN]
    return [Quote(*(getattr(sentences[at], name) for name in ("passage", "start", "end", "text", "place")), scores[at]) for at in order]


def of(given: Sequence[Given], kind: str) -> list[Given]:
    """What questions of a kind got."""
    return [each for each in given if each.asked.kind.startswith(kind)]


def hits(given: Sequence[Given], first: int) -> float:
    """The share of questions with a right quote among the first."""
    return float(np.mean([any(each.right[:first]) for each in given]))


def below(given: Sequence[Given], threshold: float) -> float:
    """The share of questions that would be abstained from."""
    return float(np.mean([each.first < threshold for each in given]))


def reliability(given: Sequence[Given]) -> tuple[float, list[list[str]]]:
    """The expected calibration error of the first quotes over ten equal steps of confidence, on the mixture; and its table."""
    groups = {kind: of(given, kind) for kind in MIXTURE}
    rows = [
        (each.first, bool(each.right and each.right[0]), MIXTURE[kind] / len(group)) for kind, group in groups.items() for each in group
    ]
    sure, right, weight = (np.asarray(column, dtype=float) for column in zip(*rows, strict=True))
    step = np.minimum((sure * 10).astype(int), 9)
    table, error = [["confidence", "questions", "mean", "right"]], 0.0
    for at in sorted(set(step.tolist())):
        inside = step == at
        said, was = (float(np.average(column[inside], weights=weight[inside])) for column in (sure, right))
        error += float(weight[inside].sum()) * abs(said - was)
        table.append([f"{at / 10:.1f}–{at / 10 + 0.1:.1f}", str(int(inside.sum())), f"{said:.2f}", f"{was:.2f}"])
    return error, table


def times(embedder: MiniLM, brought: Mapping[Asked, Sequence[Passage]], most: int) -> dict[str, float]:
    """Milliseconds for the quotes of one question: over passages never read before, and over passages that other questions had read."""
    cases = [(asked.text, passages) for asked, passages in brought.items() if len(passages) == grounded.PASSAGES][:most]
    quoter = Quoter(embedder, readings_bytes=1 << 30)
    spent: dict[str, list[float]] = {"cold": [], "warm": []}
    for question, passages in cases:
        spent["cold"].append(_timed(Quoter(embedder), question, passages))
        quoter.quotes(passages[0].text[:40], passages, SHOWN)
        spent["warm"].append(_timed(quoter, question, passages))
    shares = {"p50": 0.5, "p95": 0.95}
    return {f"quotes_{of}_{label}_ms": float(np.quantile(spent[of], share)) for of in spent for label, share in shares.items()}


def _timed(quoter: Quoter, question: str, passages: Sequence[Passage]) -> float:
    began = time.perf_counter()
    quoter.quotes(question, passages, SHOWN)
    return (time.perf_counter() - began) * 1000


def measured(given: Sequence[Given]) -> dict[str, float]:
    """How well one ranking quotes, and how well its first score tells when to abstain."""
    answered = of(given, "answered")
    sure = [each.first for each in answered]
    areas = {
        f"abstain_auroc_{name}": area(sure, [each.first for each in of(given, kind)])
        for name, kind in (("out_of_scope", "elsewhere"), ("same_style", "same style"), ("adversarial", "close"))
    }
    return {"quote_hit1": hits(answered, 1), "quote_hit3": hits(answered, SHOWN), **areas}


def sets(given: Sequence[Given]) -> dict[str, float]:
    """AUROC for each set of questions that are out of scope."""
    sure = [each.first for each in of(given, "answered")]
    kinds = sorted({each.asked.kind for each in of(given, "elsewhere")})
    return {f"abstain_auroc_{kind.split('/')[1]}": area(sure, [each.first for each in of(given, kind)]) for kind in kinds}


def trade(given: Sequence[Given]) -> list[list[str]]:
    """What each threshold does."""
    head = ["threshold", "answered: abstained", "first quote right", "out of scope: quoted", "same style: quoted", "adversarial: quoted"]
    rows = [head]
    for threshold in sorted({*STEPS, THRESHOLD}):
        shown = [each for each in of(given, "answered") if each.first >= threshold]
        quoted = [1 - below(of(given, kind), threshold) for kind in ("elsewhere", "same style", "close")]
        shares = [below(of(given, "answered"), threshold), hits(shown, 1), *quoted]
        rows.append([f"{threshold:.3f}{' (default)' if threshold == THRESHOLD else ''}", *(f"{share:.1%}" for share in shares)])
    return rows


def report(
    args: argparse.Namespace, every: Mapping[str, list[Given]], others: Mapping[str, list[Given]], spent: Mapping[str, float]
) -> None:
    """The tables and the figures."""
    mine = every["headrace"]
    names = list(measured(mine))
    harness.table(
        [
            ["ranking of sentences", *names],
            *([name, *(f"{value:.4f}" for value in measured(given).values())] for name, given in every.items()),
        ]
    )
    error, steps = reliability(mine)
    figures = measured(mine) | sets(mine) | dict(spent)
    figures |= {"false_abstain_rate": below(of(mine, "answered"), THRESHOLD), "calibration_error": error, "threshold": THRESHOLD}
    figures |= {"out_of_scope_quoted_rate": 1 - below(of(mine, "elsewhere"), THRESHOLD)}
    for name, given in others.items():
        figures |= {f"{figure}_{name}": value for figure, value in elsewhere(given).items()}
    for table in (trade(mine), steps, [["figure", "value"], *([name, f"{value:.4f}"] for name, value in figures.items())]):
        print()
        harness.table(table)
    counts = {kind: len(of(mine, kind)) for kind in SAMPLE} | {name: len(of(given, "answered")) for name, given in others.items()}
    print("\nquestions: " + ", ".join(f"{count:,} {kind}" for kind, count in counts.items()))
    harness.write(args, figures, {name: measured(given) for name, given in every.items() if name != "headrace"})


def elsewhere(given: Sequence[Given]) -> dict[str, float]:
    """The figures of another collection. What is abstained from rightly, because search did not bring the place, is told apart."""
    answered = of(given, "answered")
    figures = {"quote_hit1": hits(answered, 1), "quote_hit3": hits(answered, SHOWN), "false_abstain_rate": below(answered, THRESHOLD)}
    if (brought := [each for each in answered if each.brought]) != answered:
        figures |= {"brought_rate": len(brought) / len(answered), "false_abstain_rate_brought": below(brought, THRESHOLD)}
    if out := of(given, "elsewhere"):
        figures |= {"abstain_auroc": area([each.first for each in answered], [each.first for each in out])}
        figures |= {"out_of_scope_quoted_rate": 1 - below(out, THRESHOLD)}
    return figures


def main() -> None:
    """Search, quote, print, write."""
    args = harness.parser(__doc__).parse_args()
    if not grounded.SQUAD.is_dir():
        sys.exit(f"The questions are not here: {grounded.SQUAD}")
    asked = [each for each in grounded.questions() if each.half == "B"]
    out_of_scope = [each for each in asked if each.kind in OUTSIDE_HANDBOOK]
    xquad = grounded.xquad_questions()
    if args.quick:
        asked = [each for kind, step in SAMPLE.items() for each in [one for one in asked if one.kind.startswith(kind)][::step]]
        xquad = xquad[::10]
    with grounded.searching(grounded.passages()) as (embedder, vectors, search):
        brought = asyncio.run(grounded.found(search, asked))
        every = {"headrace": ask(own(embedder), brought), "vectors of sentences": ask(by_cosine(vectors), brought)}
        if ranker := by_words():
            every["BM25 over sentences"] = ask(ranker, brought)
        answered = {each: brought[each] for each in asked if each.kind == "answered"}
        spent = times(embedder, answered, TIMED_QUICKLY if args.quick else TIMED)
    collections = {"xquad": (grounded.xquad_passages(), xquad)}
    if not args.quick:
        stored, headings = grounded.handbook()
        collections["handbook"] = (stored, headings + out_of_scope)
    others: dict[str, list[Given]] = {}
    for name, (stored, questions) in collections.items():
        with grounded.searching(stored) as (embedder, _, search):
            others[name] = ask(own(embedder), asyncio.run(grounded.found(search, questions)))
    report(args, every, others, spent)


if __name__ == "__main__":
    main()
