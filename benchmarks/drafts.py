"""How good drafts are: the check by itself against what people say, and whole answers by mode and model, right, wrong and silent.

    python benchmarks/drafts.py [--quick] [--json FILE]

1. judged   Texts that people judged (attributed.py), of half B: the area under the curve (AUROC) of the check's score with an interval of
            95 % (bootstrap over sources), beside plain word overlap and ROUGE-L (precision; Lin 2004), and what is cited at the calibrated
            threshold. On mtrag nothing was fitted.
2. written  Answers that people wrote or approved over given passages (mtrag, answerable): how many of their sentences are cited, and, with
            every number and name changed for one that no passage holds, how many of those get through.
3. served   SQuAD 2.0 questions of half B to a whole installation: quotes, drafts by a provider that replays recorded answers, the same with
            figures and names made up, and drafts by the embedded model. An answer is right when it holds one that people gave (or when it
            abstains from what has none), silent when it abstains from what has one, else wrong; counted for what was really given: a draft,
            a quote in its place (fallback), or nothing.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

import attributed
import grounded
import harness
import replayed
from answers import area
from calibrate_drafts import Case, cases
from headrace.adapters.embedders.minilm import MiniLM
from headrace.adapters.weights.catalogue import EMBEDDER
from headrace.adapters.weights.store import ModelStore, default_folder
from headrace.core.values import Evidence
from headrace.knowledge.checking.checker import Checker
from headrace.knowledge.checking.supported import CALIBRATION
from headrace.knowledge.passages.sentences import sentences
from headrace.knowledge.quoting.reading import Readings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from attributed import Judged
    from grounded import Asked

SETS = (attributed.begin, attributed.halueval, attributed.wice, attributed.scifact, attributed.mtrag)
QUICK, QUICK_WRITTEN = 64, 96
"""With --quick, every n-th judged text and written answer."""
EVERY_WRITTEN = 6
ASKED = {"answered": 60, "close": 30, "elsewhere": 15}
ASKED_SLOWLY = {"answered": 8, "close": 4, "elsewhere": 2}
"""Questions of each kind; the embedded model reads a prompt for seconds."""
ASKED_QUICKLY = {"answered": 6, "close": 3, "elsewhere": 2}
ASKED_ONCE = {"answered": 1}
DOCUMENTS_QUICKLY = 24
"""Paragraphs beside those that are asked of, with --quick."""
SERVICES = ("quote", "good", "invents", "embedded")
RESAMPLED = 1000


def overlap(judged: Judged) -> float:
    """A peer: the share of a text's words that stand in the passages."""
    theirs = set(re.findall(r"\w+", " ".join(each.text for each in judged.passages).lower()))
    mine = re.findall(r"\w+", " ".join(judged.sentences).lower())
    return sum(word in theirs for word in mine) / max(1, len(mine))


def rouge(judged: Judged) -> float:
    """A peer: ROUGE-L, as the share of a text's words in the longest common subsequence with the passage that has most of them."""
    mine = re.findall(r"\w+", " ".join(judged.sentences).lower())
    best = 0
    for each in judged.passages:
        theirs = np.asarray(re.findall(r"\w+", each.text.lower()) or [""])
        row = np.zeros(len(theirs) + 1, dtype=np.int64)
        for word in mine:
            row[1:] = np.maximum.accumulate(np.maximum(row[1:], row[:-1] + (theirs == word)))
        best = max(best, int(row[-1]))
    return best / max(1, len(mine))


def interval(
    scores: Sequence[float], labels: Sequence[bool], sources: Sequence[str], over: Sequence[float] | None = None
) -> tuple[float, float]:
    """Of the area, or of what it is more than that of `over`: the middle 95 % of what it is over sources drawn with replacement."""
    known = {name: np.flatnonzero(np.asarray(sources) == name) for name in dict.fromkeys(sources)}
    groups, truth = list(known.values()), np.asarray(labels)
    columns = [(1, np.asarray(scores)), *(((-1, np.asarray(over)),) if over is not None else ())]
    drawn = np.random.default_rng(0)
    areas: list[float] = []
    for _ in range(RESAMPLED):
        rows = np.concatenate([groups[each] for each in drawn.integers(len(groups), size=len(groups))])
        if truth[rows].any() and not truth[rows].all():
            mine = truth[rows]
            areas.append(sum(sign * area(values[rows][mine].tolist(), values[rows][~mine].tolist()) for sign, values in columns))
    low, high = np.percentile(areas or [0.0, 1.0], (2.5, 97.5))
    return float(low), float(high)


def judged(made: Sequence[Case], figures: dict[str, float]) -> list[list[str]]:
    """A row for each set."""
    head = [
        "judged",
        "texts",
        "supported",
        "AUROC",
        "95 %",
        "overlap",
        "95 %",
        "over overlap",
        "ROUGE-L",
        "cited, supported",
        "others",
        "without claim",
    ]
    rows = [head]
    for name in dict.fromkeys(each.judged.set for each in made):
        every = [each for each in made if each.judged.set == name]
        some = [each for each in every if each.judged.supported is not None]
        labels = [bool(each.judged.supported) for each in some]
        if not any(labels) or all(labels):
            continue
        sources = ["".join(passage.text for passage in each.judged.passages) for each in some]
        told: list[str] = []
        own, peer = [each.least(CALIBRATION.weights) for each in some], [overlap(each.judged) for each in some]
        less, more = interval(own, labels, sources, peer)
        figures |= {f"{name} over overlap low": less, f"{name} over overlap high": more}
        for word, scores in (("", own), ("overlap ", peer), ("rouge ", [rouge(each.judged) for each in some])):
            true, false = ([score for score, label in zip(scores, labels, strict=True) if label is wanted] for wanted in (True, False))
            low, high = interval(scores, labels, sources)
            told += [f"{area(true, false):.3f}", f"{low:.3f}-{high:.3f}"]
            figures |= {f"{name} {word}auroc": area(true, false), f"{name} {word}auroc low": low, f"{name} {word}auroc high": high}
        for label, word in ((True, "supported"), (False, "unsupported"), (None, "without claim")):
            cited = [each.cited(CALIBRATION) for each in every if each.judged.supported is label]
            told.append(f"{np.mean(cited):.1%}" if cited else "")
            figures |= {f"{name} cited {word}": float(np.mean(cited))} if cited else {}
        rows.append([name, f"{len(some)}", f"{np.mean(labels):.0%}", *told[:4], f"{less:+.3f} to {more:+.3f}", told[4], *told[6:]])
    return rows


def written(every: int, figures: dict[str, float]) -> list[list[str]]:
    """What becomes of answers over given passages, as they are and with figures and names made up."""
    rows = [
        row
        for row in grounded.lines(attributed.GROUNDED / "mtrag" / "mtragun_reference.jsonl.gz")
        if row["contexts"] and row["answerability"] == ["ANSWERABLE"]
    ][::every]
    outcomes: Counter[str] = Counter()
    through = changed = 0
    with closing(MiniLM(ModelStore(default_folder()).path(EMBEDDER))) as embedder, ThreadPoolExecutor(1) as threads:
        checker = Checker(Readings(embedder, 1 << 27), threads)
        for row in rows:
            passages = [Evidence("", str(each["text"])) for each in row["contexts"]][:20]  # type: ignore[attr-defined]
            answer = str(row["targets"][0]["text"])  # type: ignore[index]
            outcomes.update(verdict.reason or "cited" for verdict in checker.verdicts(attributed.split(answer), passages))
            text, made_up = replayed.invented(answer, " ".join(each.text for each in passages))
            parts = attributed.split(text)
            kept = " ".join(part for part, verdict in zip(parts, checker.verdicts(parts, passages), strict=True) if not verdict.reason)
            changed += len(made_up)
            through += sum(holds(kept, each) for each in set(made_up))
    whole = outcomes.total()
    figures |= {"written cited": outcomes["cited"] / whole, "made up": changed, "made up let through": through}
    told = [
        [
            "written",
            "answers",
            "sentences",
            "cited",
            *(reason for reason in ("unsupported", "number", "name", "contrary")),
            "made up",
            "let through",
        ]
    ]
    shares = [f"{outcomes[reason] / whole:.1%}" for reason in ("cited", "unsupported", "number", "name", "contrary")]
    return [*told, ["mtrag", f"{len(rows)}", f"{whole}", *shares, f"{changed}", f"{through}"]]


def holds(text: str, token: str) -> bool:
    """Whether something made up stands in a text."""
    return re.search(rf"(?<![\w]){re.escape(token)}(?![\w])", text) is not None


def questions(wanted: Mapping[str, int]) -> list[Asked]:
    """Of half B, evenly over all of a kind."""
    every = [each for each in grounded.questions() if each.half == "B"]
    found: list[Asked] = []
    for kind, count in wanted.items():
        some = [each for each in every if each.kind.startswith(kind)]
        found += some[:: max(1, len(some) // count)][:count]
    return found


def recorded(asked: Sequence[Asked], texts: Mapping[str, str]) -> dict[str, replayed.Recorded]:
    """For each question with an answer the sentence that holds it, which must be shown to be given."""
    found: dict[str, replayed.Recorded] = {}
    for each in asked:
        text = texts.get(each.document, "")
        holding = [
            text[start:end].strip()
            for start, end in sentences(text, 0, len(text))
            if any(answer in text[start:end] for answer in each.answers)
        ]
        found[each.text] = (
            replayed.Recorded(holding[0], (holding[0][:40],)) if each.kind == "answered" and holding else replayed.Recorded("", ())
        )
    return found


def outcome(asked: Asked, text: str, mode: object) -> str:
    """Right, wrong or silent."""
    if asked.kind != "answered":
        return "right" if mode == "abstain" else "wrong"
    if mode == "abstain":
        return "silent"
    return "right" if any(answer.lower() in text.lower() for answer in asked.answers) else "wrong"


def served(wanted: Mapping[str, int], slowly: Mapping[str, int], documents: int | None, figures: dict[str, float]) -> list[list[str]]:
    """A row for each service and kind of question."""
    texts = {str(row["id"]): str(row["text"]) for row in grounded.lines(grounded.SQUAD / "corpus.jsonl")}
    quick, slow = questions(wanted), questions(slowly)
    replay = replayed.Replay(recorded(quick, texts))
    told = [["served", "questions", "right", "wrong", "silent", "draft r/w", "fallback r/w", "quote r/w", "abstained", "let through"]]
    half = {name: text for name, text in texts.items() if grounded.half_of(text) == "B"}
    asked_of = {each.document for each in (*quick, *slow)}
    others = [name for name in half if name not in asked_of][:documents]
    half = {name: text for name, text in half.items() if name in asked_of or name in others}
    with replayed.provider(replay) as address, replayed.installation(half, address) as (url, key):
        for service in SERVICES:
            asked = slow if service == "embedded" else quick
            for kind in dict.fromkeys(each.kind.partition("/")[0] for each in asked):
                sys.stderr.write(f"\r  {service}, {kind} ")
                told.append(_row(url, key, service, kind, [each for each in asked if each.kind.startswith(kind)], replay, figures))
    sys.stderr.write("\r" + " " * 40 + "\r")
    return told


def _row(
    url: str, key: str, service: str, kind: str, asked: Sequence[Asked], replay: replayed.Replay, figures: dict[str, float]
) -> list[str]:
    results: Counter[tuple[str, str]] = Counter()
    through = 0
    for each in asked:
        text, facts = replayed.ask(url, key, service, each.text)
        given = "fallback" if facts["mode"] == "quote" and service != "quote" else str(facts["mode"])
        results[given, outcome(each, text, facts["mode"])] += 1
        if service == "invents" and given == "draft":
            through += sum(holds(text, token) for token in set(replay.invented.get(each.text, ())))
    count = results.total()
    sums = {word: sum(number for (_, result), number in results.items() if result == word) for word in ("right", "wrong", "silent")}
    figures |= {f"{service} {kind} questions": count} | {f"{service} {kind} {word}": number / count for word, number in sums.items()}
    figures |= {f"{service} {kind} {given} {word}": number for (given, word), number in results.items()}
    figures |= {f"{service} {kind} let through": through} if service == "invents" else {}
    return [
        f"{service}, {kind}",
        f"{count}",
        *(f"{number / count:.0%}" for number in sums.values()),
        *(f"{results[given, 'right']}/{results[given, 'wrong']}" for given in ("draft", "fallback", "quote")),
        f"{sum(number for (given, _), number in results.items() if given == 'abstain')}",
        f"{through}" if service == "invents" else "",
    ]


def run(args: argparse.Namespace) -> None:
    """All three."""
    figures: dict[str, float] = {}
    chosen = [each for made in SETS for each in made() if each.half == "B"][:: QUICK if args.quick else 1]
    for rows in (judged(cases(chosen), figures), written(QUICK_WRITTEN if args.quick else EVERY_WRITTEN, figures)):
        harness.table(rows)
        sys.stdout.write("\n")
        sys.stdout.flush()
    quickly = (ASKED_QUICKLY, ASKED_ONCE, DOCUMENTS_QUICKLY)
    harness.table(served(*(quickly if args.quick else (ASKED, ASKED_SLOWLY, None)), figures))
    harness.write(args, figures, {"check": "share of a text's words that stand in the passages; ROUGE-L"})


if __name__ == "__main__":
    run(harness.parser(__doc__).parse_args())
