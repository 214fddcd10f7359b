"""How good drafts are: the check by itself against what people say, and whole answers by mode and model, right, wrong and silent.

    python benchmarks/drafts.py [--quick] [--json FILE]

1. judged   Texts that people judged (attributed.py), of half B: the area under the curve (AUROC) of the check and of plain word overlap,
            and what is cited at the calibrated threshold. Nothing was fitted on mtrag.
2. written  Answers that people wrote or approved over given passages (mtrag, answerable): how many of their sentences are cited, and, with
            every number and name changed for one that no passage holds, how many of those get through.
3. served   SQuAD 2.0 questions of half B to a whole installation: quotes, drafts by a provider that replays recorded answers, the same with
            figures and names made up, and drafts by the embedded model. An answer is right when it holds one that people gave (or when it
            abstains from what has none), silent when it abstains from what has one, else wrong.
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

SETS = (attributed.begin, attributed.halueval, attributed.wice, attributed.mtrag)
QUICK = 8
"""With --quick, every n-th judged text and written answer."""
ASKED = {"answered": 40, "close": 20, "elsewhere": 10}
ASKED_SLOWLY = {"answered": 8, "close": 4, "elsewhere": 2}
"""Questions of each kind; the embedded model reads a prompt for seconds."""
SERVICES = ("quote", "good", "invents", "embedded")


def overlap(judged: Judged) -> float:
    """The peer: the share of a text's words that stand in the passages."""
    theirs = set(re.findall(r"\w+", " ".join(each.text for each in judged.passages).lower()))
    mine = re.findall(r"\w+", " ".join(judged.sentences).lower())
    return sum(word in theirs for word in mine) / max(1, len(mine))


def judged(made: Sequence[Case], figures: dict[str, float]) -> list[list[str]]:
    """A row for each set."""
    rows = [["judged", "texts", "supported", "AUROC", "word overlap", "cited when supported", "cited when not", "cited without claim"]]
    for name in dict.fromkeys(each.judged.set for each in made):
        some = [each for each in made if each.judged.set == name]
        scores = {
            label: np.asarray([each.least(CALIBRATION.weights) for each in some if each.judged.supported is label])
            for label in (True, False, None)
        }
        words = {label: [overlap(each.judged) for each in some if each.judged.supported is label] for label in (True, False)}
        share = {label: float((part >= CALIBRATION.threshold).mean()) if len(part) else float("nan") for label, part in scores.items()}
        own, peer = area(scores[True].tolist(), scores[False].tolist()), area(words[True], words[False])
        counted = len(scores[True]) + len(scores[False])
        rows.append(
            [
                name,
                f"{counted}",
                f"{len(scores[True]) / counted:.0%}",
                f"{own:.3f}",
                f"{peer:.3f}",
                *(f"{share[label]:.1%}" for label in (True, False, None)),
            ]
        )
        figures |= {
            f"{name} auroc": own,
            f"{name} overlap auroc": peer,
            f"{name} cited supported": share[True],
            f"{name} cited unsupported": share[False],
        }
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


def served(wanted: Mapping[str, int], slowly: Mapping[str, int], figures: dict[str, float]) -> list[list[str]]:
    """A row for each service and kind of question."""
    texts = {str(row["id"]): str(row["text"]) for row in grounded.lines(grounded.SQUAD / "corpus.jsonl")}
    quick, slow = questions(wanted), questions(slowly)
    replay = replayed.Replay(recorded(quick, texts))
    told = [["served", "questions", "right", "wrong", "silent", "drafted", "quoted", "made up let through"]]
    half = {name: text for name, text in texts.items() if grounded.half_of(text) == "B"}
    with replayed.provider(replay) as address, replayed.installation(half, address) as (url, key):
        for service in SERVICES:
            for kind in wanted:
                results: Counter[str] = Counter()
                modes: Counter[object] = Counter()
                through = 0
                for each in (one for one in (slow if service == "embedded" else quick) if one.kind.startswith(kind)):
                    text, facts = replayed.ask(url, key, service, each.text)
                    results[outcome(each, text, facts["mode"])] += 1
                    modes[facts["mode"]] += 1
                    if service == "invents" and facts["mode"] == "draft":
                        through += sum(holds(text, token) for token in set(replay.invented.get(each.text, ())))
                count = results.total()
                made_up = f"{through}" if service == "invents" else ""
                told.append(
                    [
                        f"{service}, {kind}",
                        f"{count}",
                        *(f"{results[word] / count:.0%}" for word in ("right", "wrong", "silent")),
                        *(f"{modes[mode] / count:.0%}" for mode in ("draft", "quote")),
                        made_up,
                    ]
                )
                figures |= {f"{service} {kind} {word}": results[word] / count for word in ("right", "wrong", "silent")}
                figures |= {f"{service} {kind} let through": through} if service == "invents" else {}
                sys.stderr.write(f"\r  {service}, {kind} ")
    sys.stderr.write("\r" + " " * 40 + "\r")
    return told


def run(args: argparse.Namespace) -> None:
    """All three."""
    figures: dict[str, float] = {}
    every = QUICK if args.quick else 1
    chosen = [each for made in SETS for each in made() if each.half == "B" or each.set == "mtrag"][::every]
    for rows in (judged(cases(chosen), figures), written(every, figures)):
        harness.table(rows)
        sys.stdout.write("\n")
    shorter = {kind: max(2, count // (6 if args.quick else 1)) for kind, count in ASKED.items()}
    slowly = {kind: max(1, count // (6 if args.quick else 1)) for kind, count in ASKED_SLOWLY.items()}
    harness.table(served(shorter, slowly, figures))
    harness.write(args, figures, {"check": "share of a text's words that stand in the passages"})


if __name__ == "__main__":
    run(harness.parser(__doc__).parse_args())
