"""Public sentences that people judged against a text: is it fully supported there? For calibrating and measuring drafts.

    begin     replies in conversations, fully attributable to a given text or not; generic ones (no claim at all) stand apart
    wice      sentences of Wikipedia and the page that each cites; supported, or partly or not at all
    halueval  true answers and made-up ones to the same question over the same text; only answers of four words and more
    scifact   scientific claims and the abstract that each cites; supported, or contradicted or not spoken of
    mtrag     written answers over passages (people's references and two models'), with marks for faithfulness from 1 to 4

Half A, by hash of the text that is judged against, is for calibration, half B for the report.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grounded import DATA, half_of, lines
from headrace.core.values import Evidence
from headrace.knowledge.passages.chunk import chunk
from headrace.knowledge.passages.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

GROUNDED = DATA / "grounded"
PASSAGES = 5
FEWEST_WORDS = 4
SCIFACT = DATA / "ir" / "scifact"
FAITHFUL, UNFAITHFUL = 3.5, 2.5
"""Mean marks from which on, and up to which, people agree."""


@dataclass(frozen=True)
class Judged:
    """A text of one sentence or more, the passages that it is judged against, and what people say: supported, not, or (None) no claim."""

    set: str
    half: str
    sentences: tuple[str, ...]
    passages: tuple[Evidence, ...]
    supported: bool | None


def begin() -> list[Judged]:
    """Replies."""
    found: list[Judged] = []
    for path in sorted((GROUNDED / "begin").glob("*.jsonl")):
        for row in lines(path):
            known, label = str(row["knowledge"]), str(row["begin_label"])
            supported = None if label == "Generic" else label == "Fully attributable"
            found.append(Judged("begin", half_of(known), split(str(row["response"])), (Evidence("", known),), supported))
    return found


def wice() -> list[Judged]:
    """Claims, and the five stretches of the cited page that share most words with each."""
    found: list[Judged] = []
    for row in lines(GROUNDED / "wice" / "claim_dev.jsonl.gz"):
        claim = str(row["claim"])
        page = "\n".join(str(each) for each in row["evidence"])  # type: ignore[attr-defined]
        passages = nearest(claim, [Evidence(each.heading, each.text) for each in chunk(page, "text/plain")])
        found.append(Judged("wice", half_of(page), (claim,), passages, row["label"] == "supported"))
    return found


def halueval() -> list[Judged]:
    """Answers that are sentences or nearly so."""
    found: list[Judged] = []
    for row in lines(GROUNDED / "halueval" / "qa_one-turn.jsonl"):
        known = str(row["knowledge"])
        for name, supported in (("right_answer", True), ("hallucinated_answer", False)):
            if len(str(row[name]).split()) >= FEWEST_WORDS:
                found.append(Judged("halueval", half_of(known), split(str(row[name])), (Evidence("", known),), supported))
    return found


def scifact() -> list[Judged]:
    """Claims, of training and development alike, beside one abstract each."""
    abstracts = {str(row["id"]): row for row in lines(SCIFACT / "corpus.jsonl.gz")}
    found: list[Judged] = []
    for part, file in (("train", "qrels.train.tsv"), ("dev", "qrels.tsv")):
        with (SCIFACT / file).open(encoding="utf-8") as rows:
            cited = dict(line.split("\t")[:2] for line in reversed(rows.readlines()[1:]))
        labels: dict[tuple[str, str], bool] = {}
        for row in lines(SCIFACT / f"claim_labels.{part}.jsonl"):
            document = str(row["doc_id"] or cited.get(str(row["claim_id"])))
            labels.setdefault((str(row["claim"]), document), row["label"] == "SUPPORT")
        for (claim, document), supported in labels.items():
            title, text = str(abstracts[document]["title"]), str(abstracts[document]["text"])
            passages = tuple(Evidence(each.heading or title, each.text) for each in chunk(text, "text/plain"))
            found.append(Judged("scifact", half_of(text), (claim,), passages, supported))
    return found


def mtrag() -> list[Judged]:
    """Whole answers. Where people do not agree, nothing is said."""
    found: list[Judged] = []
    for row in lines(GROUNDED / "mtrag" / "human_evaluations.jsonl.gz"):
        marks = [float(each["value"]) for each in row["eval_annotations"]["faithfulness"].values()]  # type: ignore[index]
        mean = sum(marks) / len(marks)
        texts = [str(each["text"]) for each in row["contexts"]]  # type: ignore[attr-defined]
        if texts and (mean >= FAITHFUL or mean <= UNFAITHFUL):
            passages = tuple(Evidence("", each) for each in texts)
            found.append(Judged("mtrag", half_of("".join(texts)), split(str(row["response"])), passages, mean >= FAITHFUL))
    return found


def split(text: str) -> tuple[str, ...]:
    """Sentences, as a draft falls into them."""
    found = (text[start:end].strip() for start, end in sentences(text, 0, len(text)))
    return tuple(each for each in found if re.search(r"\w", each)) or (text,)


def nearest(claim: str, passages: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """The passages that share most words with a claim, in their order."""
    words = Counter(re.findall(r"\w+", claim.lower()))
    best = sorted(passages, key=lambda each: -len(words & Counter(re.findall(r"\w+", each.text.lower()))))[:PASSAGES]
    return tuple(each for each in passages if each in best)
