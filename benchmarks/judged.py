"""Public test collections for retrieval, as documents to be ingested and questions with the documents that answer them.

The folder (see docs of the data beside it) holds one folder a collection: ``corpus.jsonl[.gz]``, ``queries.jsonl``, ``qrels.tsv``.
"""

from __future__ import annotations

import csv
import gzip
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.core.values import StoredPassage
from headrace.knowledge.passages.chunk import chunk, passage_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "knowledge" / "ir"
ENGLISH = ("scifact", "npl_vaswani", "legalbenchrag_privacy_qa", "tau2_banking_kb", "xquad")
SMALL = ("legalbenchrag_privacy_qa", "xquad")
SOURCE = "docs"


@dataclass(frozen=True)
class Question:
    """A question, and how relevant which documents are."""

    id: str
    text: str
    relevant: Mapping[str, float]


@dataclass(frozen=True)
class Collection:
    """A test collection. `passages` are cut as ingestion cuts them; a passage's document is the id that the questions speak of."""

    name: str
    passages: Sequence[StoredPassage]
    questions: Sequence[Question]

    @property
    def held_out(self) -> Sequence[Question]:
        """The questions that nothing was chosen on: SciFact has training queries of its own for that, of the others every second one."""
        return self.questions if self.name == "scifact" else self.questions[1::2]


def load(name: str, *, training: bool = False) -> Collection:
    """Read a collection, or SciFact's training queries. Raises FileNotFoundError that names what is missing."""
    part = ".train" if training else ""
    folder = DATA / name
    relevant: dict[str, dict[str, float]] = {}
    with (folder / f"qrels{part}.tsv").open(encoding="utf-8", newline="") as file:
        for row in list(csv.reader(file, delimiter="\t"))[1:]:
            if float(row[2]) > 0:
                relevant.setdefault(row[0], {})[row[1]] = float(row[2])
    english = [each for each in _lines(folder / "corpus.jsonl") if name != "xquad" or each["id"].startswith("en-")]
    asked = [each for each in _lines(folder / f"queries{part}.jsonl") if each.get("lang", "en") == "en" and each["id"] in relevant]
    passages = [each for document in english for each in _passages(document)]
    return Collection(name, passages, [Question(each["id"], each["text"], relevant[each["id"]]) for each in asked])


def _lines(path: Path) -> Iterable[dict[str, str]]:
    packed = path.with_name(f"{path.name}.gz")
    with gzip.open(packed, "rt", encoding="utf-8") if packed.exists() else path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _passages(document: Mapping[str, str]) -> list[StoredPassage]:
    """The title as a Markdown document has it, then the text."""
    name, title = document["id"], document["title"]
    text = f"# {title}\n\n{document['text']}" if title else document["text"]
    return [
        StoredPassage(
            id=passage_id(name, "1", each.start, each.end),
            document=name,
            source=SOURCE,
            version="1",
            start=each.start,
            end=each.end,
            text=each.text,
            place="",
            heading=each.heading,
            acl=SOURCE,
        )
        for each in chunk(text, "text/markdown")
    ]


def ndcg10(documents: Iterable[str], relevant: Mapping[str, float]) -> float:
    """Normalised discounted cumulative gain of the first ten different documents (Järvelin and Kekäläinen 2002, linear gain)."""
    gain = sum(relevant.get(name, 0.0) / math.log2(place + 2) for place, name in enumerate(list(dict.fromkeys(documents))[:10]))
    ideal = sum(value / math.log2(place + 2) for place, value in enumerate(sorted(relevant.values(), reverse=True)[:10]))
    return gain / ideal


def recall(documents: Iterable[str], relevant: Mapping[str, float], depth: int) -> float:
    """The share of the relevant documents among the first different ones."""
    return len(set(list(dict.fromkeys(documents))[:depth]) & relevant.keys()) / len(relevant)
