"""How well search finds, and how quickly: BM25, vectors and both fused, on public test collections, beside another BM25 in the same run.

    python benchmarks/retrieval.py [--quick] [--json FILE] [--sets NAME ...]

Documents go the way of ingestion: cut into passages, stored in LanceDB, embedded; a document ranks by its best passage. The figures are
over questions that nothing was chosen on (decision 0062); the table also shows all of them. --quick leaves out the three collections
whose embedding takes minutes. Vectors are kept in the user's cache folder, by the embedder's identity, so a second run is quick.
The peer is bm25s (pip install bm25s PyStemmer) over the same passages, stemmed, stop words removed; without it the run goes on alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import harness
import judged
from headrace.adapters.embedders.minilm import MiniLM
from headrace.adapters.stores.lance import LancePassages
from headrace.adapters.stores.lance_search import LanceIndex
from headrace.adapters.weights.catalogue import EMBEDDER, built_in
from headrace.adapters.weights.store import ModelStore, default_folder
from headrace.core.measure import tokens
from headrace.core.values import Scope
from headrace.knowledge.search.fuse import DEPTH, dense_weight, fuse
from headrace.knowledge.search.retrieve import Retrieval

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from headrace.core.ports import PassageSnapshot
    from judged import Collection, Question

SCOPE = Scope("bench", (judged.SOURCE,), frozenset({judged.SOURCE}))
TIMED = 200
ARMS = ("bm25", "dense", "fused")


class Vectors:
    """The embedder, and every vector that it ever made, in one file."""

    def __init__(self, embedder: MiniLM) -> None:
        self.embedder = embedder
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "headrace" / "benchmarks"
        base.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(base / f"vectors-{hashlib.sha256(embedder.identity.encode()).hexdigest()[:16]}.db")
        self._file.execute("CREATE TABLE IF NOT EXISTS vector (digest BLOB PRIMARY KEY, vector BLOB)")

    def of(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """A vector for each text."""
        digests = {text: hashlib.sha256(text.encode()).digest() for text in texts}
        found: dict[bytes, bytes] = {}
        for digest in digests.values():
            found.update(self._file.execute("SELECT digest, vector FROM vector WHERE digest = ?", (digest,)))
        missing = sorted((text for text, digest in digests.items() if digest not in found), key=len)
        for at in range(0, len(missing), 256):
            some = missing[at : at + 256]
            fresh = {digests[text]: vector.tobytes() for text, vector in zip(some, self.embedder.embed(some), strict=True)}
            with self._file:
                self._file.executemany("INSERT OR REPLACE INTO vector VALUES (?, ?)", fresh.items())
            found |= fresh
            sys.stderr.write(f"\r  embedded {at + len(some):,} of {len(missing):,} ")
        return {text: np.frombuffer(found[digest], dtype=np.float32) for text, digest in digests.items()}

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def stored(folder: Path, collection: Collection, vectors: Vectors) -> None:
    """Write a collection as ingestion does."""
    store = LancePassages(folder)
    store.replace(sorted({each.document for each in collection.passages}), collection.passages)
    while rows := store.without_vector(4096):
        known = vectors.of([words for _, words in rows])
        store.add_vectors({key: known[words] for key, words in rows}, vectors.embedder.identity)
    store.optimize()


@dataclass
class Measured:
    """Of one collection: by arm, the order of documents for each question; the time of searches in milliseconds."""

    collection: Collection
    orders: dict[str, dict[str, list[str]]] = field(default_factory=lambda: {arm: {} for arm in ARMS})
    latencies: list[float] = field(default_factory=list)
    peer: dict[str, list[str]] = field(default_factory=dict)

    def mean(self, arm: str, questions: Sequence[Question], score: Callable[[list[str], Question], float]) -> float:
        """A score over questions."""
        orders = self.peer if arm == "peer" else self.orders[arm]
        return sum(score(orders[each.id], each) for each in questions) / len(questions)

    def ndcg(self, arm: str, questions: Sequence[Question] | None = None) -> float:
        """nDCG@10; over the questions that nothing was chosen on unless others are given."""
        return self.mean(arm, questions or self.collection.held_out, lambda order, each: judged.ndcg10(order, each.relevant))

    def recall(self, arm: str, depth: int) -> float:
        """Recall at a depth."""
        return self.mean(arm, self.collection.held_out, lambda order, each: judged.recall(order, each.relevant, depth))


async def searched(folder: Path, collection: Collection, vectors: Vectors) -> Measured:
    """Ask every question of both arms; time some searches whole, as the knowledge process makes them."""
    measured, index = Measured(collection), LanceIndex(folder)
    snapshot = await index.newest()
    known = vectors.of([each.text for each in collection.questions])
    for each in collection.questions:
        words = await snapshot.by_words(each.text, SCOPE, DEPTH)
        meaning = await snapshot.by_meaning(list(known[each.text]), vectors.embedder.identity, SCOPE, DEPTH)
        names = await _documents(snapshot, [hit.key for hit in (*words, *meaning)])
        fused = fuse(words, meaning, dense_weight(tokens(each.text)))
        for arm, keys in zip(ARMS, ([h.key for h in words], [h.key for h in meaning], [f.key for f in fused]), strict=True):
            measured.orders[arm][each.id] = [names[key] for key in keys]
    with ThreadPoolExecutor(2) as threads:
        search = Retrieval(lambda _: index, vectors.embedder, None, threads)  # pyright: ignore[reportArgumentType]
        for each in [*collection.questions[:10], *collection.questions[:TIMED]]:
            began = time.perf_counter()
            await search.find(each.text, SCOPE, 5)
            measured.latencies.append((time.perf_counter() - began) * 1000)
    measured.latencies = sorted(measured.latencies[10:])
    return measured


async def _documents(snapshot: PassageSnapshot, keys: Sequence[int]) -> dict[int, str]:
    found = await snapshot.passages(list(dict.fromkeys(keys)), SCOPE)
    return {key: passage.document for key, passage in found.items()}


def ask_peer(measured: Measured) -> str:
    """Let the peer search the same passages; its name, or empty when it is not installed."""
    try:
        import bm25s  # noqa: PLC0415  only a benchmark with this peer needs it
        import Stemmer  # noqa: PLC0415
    except ImportError:
        return ""
    collection, stemmer = measured.collection, Stemmer.Stemmer("english")
    words = bm25s.tokenize([each.words for each in collection.passages], stopwords="en", stemmer=stemmer, show_progress=False)
    ranker = bm25s.BM25()
    ranker.index(words, show_progress=False)
    asked = bm25s.tokenize([each.text for each in collection.questions], stopwords="en", stemmer=stemmer, show_progress=False)
    depth = min(DEPTH, len(collection.passages))
    places, _ = ranker.retrieve(asked, k=depth, show_progress=False)
    for each, row in zip(collection.questions, places, strict=True):
        measured.peer[each.id] = [collection.passages[place].document for place in row]
    return f"bm25s {bm25s.__version__}, English stems and stop words"


def at(ordered: Sequence[float], share: float) -> float:
    """The value that this share of the ordered values stays within."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def report(args: argparse.Namespace, every: Sequence[Measured], peer: str) -> None:
    """The table and the figures."""
    head = ["collection", "passages", "questions", "bm25", "dense", "fused", "gain", "all: bm25", "dense", "fused", "gain"]
    rows = [[*head, "recall@100", "p50 ms", "p99 ms", "peer bm25"]]
    figures: dict[str, float] = {}
    beside: dict[str, object] = {"name": peer or "none: pip install bm25s PyStemmer"}
    for each in every:
        name, questions = each.collection.name, each.collection.questions
        held, whole = ({arm: each.ndcg(arm, some) for arm in ARMS} for some in (None, questions))
        cells = [f"{value:.4f}" for some in (held, whole) for value in (*some.values(), gain(some))]
        times = [f"{at(each.latencies, share):.1f}" for share in (0.5, 0.99)]
        counts = [f"{len(each.collection.passages):,}", f"{len(each.collection.held_out)} of {len(questions)}"]
        rows.append([name, *counts, *cells, f"{each.recall('fused', 100):.4f}", *times, f"{each.ndcg('peer'):.4f}" if peer else "-"])
        figures |= {f"ndcg10_{arm}_{name}": value for arm, value in held.items()}
        figures |= {f"recall100_fused_{name}": each.recall("fused", 100)}
        figures |= {f"search_p50_ms_{name}": at(each.latencies, 0.5), f"search_p99_ms_{name}": at(each.latencies, 0.99)}
        if peer:
            beside[f"ndcg10_{name}"] = round(each.ndcg("peer"), 4)
    figures["min_gain_fused_over_best"] = min(
        gain({arm: figures[f"ndcg10_{arm}_{each.collection.name}"] for arm in ARMS}) for each in every
    )
    harness.table(rows)
    harness.write(args, figures, beside)


def gain(scores: dict[str, float]) -> float:
    """How much better the fused order is than the better arm."""
    return scores["fused"] - max(scores["bm25"], scores["dense"])


def main() -> None:
    """Store, search, print, write."""
    parser = harness.parser(__doc__)
    parser.add_argument("--sets", nargs="+", choices=judged.ENGLISH, help="only these collections")
    args = parser.parse_args()
    if not judged.DATA.is_dir():
        sys.exit(f"The test collections are not here: {judged.DATA}")
    weights = ModelStore(default_folder())
    weights.pull(built_in()[EMBEDDER])
    every: list[Measured] = []
    peer = ""
    with closing(MiniLM(weights.path(EMBEDDER))) as embedder, closing(Vectors(embedder)) as vectors:
        for name in args.sets or (judged.SMALL if args.quick else judged.ENGLISH):
            collection = judged.load(name)
            with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder:
                stored(Path(folder), collection, vectors)
                every.append(asyncio.run(searched(Path(folder), collection, vectors)))
            peer = ask_peer(every[-1])
    report(args, every, peer)


if __name__ == "__main__":
    main()
