"""SQuAD 2.0 as the knowledge plane meets it: its paragraphs stored and searched by the product, and questions of four kinds.

    answered   the answer stands in a paragraph (Rajpurkar, Jia and Liang 2018)
    close      written to look so, but unanswered by the paragraph: hard
    elsewhere  of other public sets, which the paragraphs do not speak of: bank customers, truisms, science, privacy policies
    same style answered questions, asked while every paragraph of their article is out of reach

Halves are by hash: of the paragraph (of the question, when it has none). Calibration sees half A only; figures are of half B.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.adapters.embedders.minilm import MiniLM
from headrace.adapters.stores.lance import LancePassages
from headrace.adapters.stores.lance_search import LanceIndex
from headrace.adapters.weights.catalogue import EMBEDDER, built_in
from headrace.adapters.weights.store import ModelStore, default_folder
from headrace.core.values import Scope, StoredPassage
from headrace.knowledge.passages.chunk import chunk, passage_id
from headrace.knowledge.passages.plain import plain
from headrace.knowledge.search.retrieve import Retrieval
from retrieval import Vectors

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from headrace.core.values import Passage, Quote

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "knowledge"
SQUAD = DATA / "grounded" / "squad2"
XQUAD = DATA / "ir" / "xquad"
HANDBOOK = DATA / "docs" / "handbooks" / "18f_handbook"
FEWEST_WORDS = 5
"""Of a heading that is a question by itself."""
TENANT = ACL = "bench"
PASSAGES = 5
"""Passages that quotes are taken from: what a service brings by default."""
ELSEWHERE = {
    "banking77": ("support/banking77/test.jsonl", "text", 10),
    "bitext": ("support/bitext_intents/test.jsonl", "utterance", 3),
    "npl": ("ir/npl_vaswani/queries.jsonl", "text", 1),
    "privacy": ("ir/legalbenchrag_privacy_qa/queries.jsonl", "text", 1),
    "scifact": ("ir/scifact/queries.jsonl", "text", 1),
    "truthfulqa": ("grounded/truthfulqa.jsonl", "Question", 3),
}
"""File, field, and that only every n-th is taken."""
EVERY_SAME_STYLE = 3


@dataclass(frozen=True)
class Asked:
    """A question. `kind` is as above, with the set's name after a slash for ``elsewhere``; `without` is an article out of reach."""

    text: str
    kind: str
    half: str
    document: str = ""
    answers: tuple[str, ...] = ()
    without: str = ""
    section: frozenset[str] = frozenset()
    """Passages of which any sentence counts as right, where no answer is written down."""

    def is_answered_by(self, passage: Passage, words: str) -> bool:
        """Whether these words of a passage hold an answer to it."""
        if self.section:
            return passage.id in self.section
        return passage.document == self.document and any(_plain(answer) in _plain(words) for answer in self.answers)


def half_of(text: str) -> str:
    """``A`` or ``B``."""
    return "AB"[hashlib.sha256(text.encode()).digest()[0] % 2]


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.lower()).strip()


def lines(path: Path) -> list[dict[str, object]]:
    """The rows of a file of JSON lines, packed or not."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def passages() -> list[StoredPassage]:
    """SQuAD's paragraphs, cut as ingestion cuts text; an article is a source."""
    return [passage for row in lines(SQUAD / "corpus.jsonl") for passage in _stored(row)]


def xquad_passages() -> list[StoredPassage]:
    """XQuAD's English paragraphs that are not among those of SQuAD here."""
    known = {row["text"] for row in lines(SQUAD / "corpus.jsonl")}
    rows = (row for row in lines(XQUAD / "corpus.jsonl") if str(row["id"]).startswith("en-") and row["text"] not in known)
    return [passage for row in rows for passage in _stored(row)]


def _stored(row: Mapping[str, object]) -> list[StoredPassage]:
    name, article = str(row["id"]), str(row["title"])
    cut = chunk(str(row["text"]), "text/plain")
    return [_passage(passage_id(name, "1", each.start, each.end), name, article, (each.start, each.end), each.text, "") for each in cut]


def _passage(key: str, document: str, source: str, place: tuple[int, int], text: str, heading: str) -> StoredPassage:
    return StoredPassage(key, document, source, "1", *place, text=text, place="", heading=heading, acl=ACL)


def xquad_questions() -> list[Asked]:
    """The English questions over :func:`xquad_passages`; all are answered."""
    documents = {each.document for each in xquad_passages()}
    with (XQUAD / "qrels.tsv").open(encoding="utf-8") as file:
        paragraphs = dict(line.split("\t")[:2] for line in file)
    return [
        Asked(str(row["text"]), "answered", "B", paragraphs[str(row["id"])], tuple(str(each) for each in row["answers"]))  # type: ignore[attr-defined]
        for row in lines(XQUAD / "queries.jsonl")
        if paragraphs.get(str(row["id"])) in documents
    ]


def handbook() -> tuple[list[StoredPassage], list[Asked]]:
    """A public handbook in Markdown, and the questions that its own headings ask. Those headings are blanked, so each question must be
    answered by the words under it. They were written before the answers, by people who know less of the wording than SQuAD's askers."""
    stored: list[StoredPassage] = []
    sections: dict[tuple[str, str], set[str]] = {}
    for path in sorted(HANDBOOK.rglob("*.md")):
        name = str(path.relative_to(HANDBOOK))
        for each in chunk(path.read_text(encoding="utf-8"), "text/markdown"):
            *above, last = each.heading.split(" > ")
            text, key = each.text, passage_id(name, "1", each.start, each.end)
            if last.endswith("?") and len(last.split()) >= FEWEST_WORDS:
                kept = (line if _letters(line) != _letters(last) else " " * len(line) for line in text.split("\n"))
                text = "\n".join(kept)
                if not text.strip():
                    continue
                sections.setdefault((name, last), set()).add(key)
            else:
                above.append(last)
            stored.append(_passage(key, name, "handbook", (each.start, each.end), text, " > ".join(above)))
    asked = [Asked(text, "answered", half_of(name), section=frozenset(keys)) for (name, text), keys in sections.items()]
    return stored, asked


def _letters(text: str) -> str:
    return re.sub(r"\W+", "", plain(text).lower())


def questions() -> list[Asked]:
    """Every question, in a fixed order."""
    rows = {str(row["id"]): row for row in lines(SQUAD / "corpus.jsonl")}
    found: list[Asked] = []
    for row in lines(SQUAD / "queries.jsonl"):
        document = str(row["context_id"])
        kind = "answered" if row["answerable"] else "close"
        answers = tuple(str(answer) for answer in row["answers"])  # type: ignore[attr-defined]
        found.append(Asked(str(row["text"]), kind, half_of(str(rows[document]["text"])), document, answers))
    answered = [each for each in found if each.kind == "answered"]
    found += [Asked(each.text, "same style", each.half, without=str(rows[each.document]["title"])) for each in answered[::EVERY_SAME_STYLE]]
    for name, (file, field, every) in ELSEWHERE.items():
        texts = [re.sub(r"^Consider .*?; ", "", str(row[field])) for row in lines(DATA / file)[::every]]
        found += [Asked(text, f"elsewhere/{name}", half_of(text)) for text in dict.fromkeys(texts)]
    return found


@contextmanager
def searching(stored: Sequence[StoredPassage]) -> Generator[tuple[MiniLM, Vectors, Retrieval]]:
    """The product's search over passages, without quotes. Vectors are kept between runs in the user's cache folder."""
    weights = ModelStore(default_folder())
    weights.pull(built_in()[EMBEDDER])
    with (
        closing(MiniLM(weights.path(EMBEDDER))) as embedder,
        closing(Vectors(embedder)) as vectors,
        tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder,
        ThreadPoolExecutor(2) as threads,
    ):
        store = LancePassages(Path(folder))
        store.replace(sorted({each.document for each in stored}), stored)
        while rows := store.without_vector(4096):
            known = vectors.of([words for _, words in rows])
            store.add_vectors({key: known[words] for key, words in rows}, embedder.identity)  # type: ignore[misc]
        store.optimize()
        index = LanceIndex(Path(folder))
        yield embedder, vectors, Retrieval(lambda _: index, embedder, None, threads)  # type: ignore[arg-type]


async def found(retrieval: Retrieval, asked: Sequence[Asked]) -> Mapping[Asked, tuple[Passage, ...]]:
    """The passages that each question brings, from every article but the one that is out of its reach."""
    brought: dict[Asked, tuple[Passage, ...]] = {}
    articles = sorted({"handbook"} | {str(row["title"]) for path in (SQUAD, XQUAD) for row in lines(path / "corpus.jsonl")})
    for number, each in enumerate(asked):
        within = Scope(TENANT, tuple(name for name in articles if name != each.without), frozenset({ACL}))
        brought[each] = (await retrieval.find(each.text, within, PASSAGES)).passages
        if number % 100 == 0:
            sys.stderr.write(f"\r  searched for {number:,} of {len(asked):,} questions ")
    sys.stderr.write("\r" + " " * 60 + "\r")
    return brought


def is_hit(asked: Asked, brought: Sequence[Passage], quotes: Sequence[Quote]) -> bool:
    """Whether one of these quotes holds an answer."""
    return any(asked.is_answered_by(brought[quote.passage], quote.text) for quote in quotes)
