"""Search: by words and by meaning side by side, within one scope, fused into one order. Port Retriever.

    question ─┬─ BM25 over the words ──────────┬─ fused ─ passages ─ quotes
              └─ vector ─ cosine over vectors ─┘

Everything that one search says comes from one snapshot. While vectors are still being made, the passages without one are found by their
words alone, and the arms say so.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from headrace.core.errors import Unavailable
from headrace.core.measure import tokens
from headrace.core.ports import OUTDATED
from headrace.core.values import Found, Passage
from headrace.knowledge.quoting.quote import THRESHOLD
from headrace.knowledge.search.fuse import BM25, DENSE, DEPTH, dense_weight, fuse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

    from headrace.core.ports import Embedder, PassageIndex, PassageSnapshot
    from headrace.core.values import Hit, Quote, Scope, StoredPassage
    from headrace.knowledge.quoting.quote import Quoter
    from headrace.knowledge.search.fuse import Fused

PARTIAL: Final = "dense-partial"
LONGEST: Final = 20_000
"""Characters of a question that are searched for: each ten thousand take a tenth of a second, and a search cannot be called off."""
ATTEMPTS: Final = 5
"""Snapshots that a search may begin on: each time a writer clears one away under it, it begins again."""


class Retrieval:
    """Searches the passages of any tenant. Use it in one event loop.

    `index_of` gives a tenant's passages. `embedder` and `quoter` work in `threads`; without an embedder, search is by words alone and
    nothing is quoted. `at_once` searches run side by side, the others wait: each holds memory while it compares vectors.
    """

    def __init__(
        self,
        index_of: Callable[[str], PassageIndex],
        embedder: Embedder | None,
        quoter: Quoter | None,
        threads: Executor,
        *,
        at_once: int = 2,
    ) -> None:
        self._index_of = index_of
        self._embedder = embedder
        self._quoter = quoter
        self._threads = threads
        self._turn = asyncio.Semaphore(at_once)

    async def find(self, question: str, scope: Scope, limit: int, *, quotes: int = 0, scores: bool = False) -> Found:
        """The `limit` best passages in fused order, and up to `quotes` quotes from them. Of a very long question the beginning counts.

        Raises Unavailable when the passages cannot be read.
        """
        question = question[:LONGEST].encode(errors="replace").decode()  # half a surrogate pair is no text for anything native
        index = self._index_of(scope.tenant)
        async with self._turn:
            for _ in range(ATTEMPTS - 1):
                try:
                    return await self._search(await index.newest(), question, scope, limit, quotes, scores=scores)
                except Unavailable as outdated:
                    if outdated.code != OUTDATED:
                        raise
            return await self._search(await index.newest(), question, scope, limit, quotes, scores=scores)

    async def _search(self, snapshot: PassageSnapshot, question: str, scope: Scope, limit: int, quotes: int, *, scores: bool) -> Found:
        made_by = self._embedder.identity if self._embedder else ""
        readable, with_vector = await snapshot.counts(scope, made_by)
        by_words, by_meaning = await asyncio.gather(
            self._by_words(snapshot, question, scope, readable),
            self._by_meaning(snapshot, question, scope, with_vector),
        )
        share = dense_weight(tokens(question)) * (with_vector / readable if readable else 1.0)
        best = fuse(by_words, by_meaning, share)[: max(0, limit)]
        stored = await snapshot.passages([each.key for each in best], scope)
        passages = tuple(
            _passage(stored[each.key], rank, each, scores=scores)
            for rank, each in enumerate((each for each in best if each.key in stored), 1)
        )
        return Found(
            passages=passages,
            quotes=await self._quoted(question, passages, quotes),
            index_version=snapshot.version,
            candidates=readable,
            arms=self._arms(readable, with_vector),
            threshold=THRESHOLD,
        )

    async def _by_words(self, snapshot: PassageSnapshot, question: str, scope: Scope, readable: int) -> Sequence[Hit]:
        return await snapshot.by_words(question, scope, DEPTH) if readable else ()

    async def _by_meaning(self, snapshot: PassageSnapshot, question: str, scope: Scope, with_vector: int) -> Sequence[Hit]:
        if self._embedder is None or not with_vector or not question.strip():
            return ()
        embed = self._embedder.embed
        vectors = await asyncio.get_running_loop().run_in_executor(self._threads, embed, [question])
        return await snapshot.by_meaning(vectors[0], self._embedder.identity, scope, DEPTH)

    async def _quoted(self, question: str, passages: Sequence[Passage], limit: int) -> tuple[Quote, ...]:
        if self._quoter is None or limit < 1 or not passages:
            return ()
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._quoter.quotes, question, passages, limit)

    def _arms(self, readable: int, with_vector: int) -> tuple[str, ...]:
        if self._embedder is None or (readable and not with_vector):
            return (BM25,)
        return (BM25, DENSE if with_vector == readable else PARTIAL)


def _passage(stored: StoredPassage, rank: int, fused: Fused, *, scores: bool) -> Passage:
    return Passage(
        id=stored.id,
        document=stored.document,
        source=stored.source,
        version=stored.version,
        start=stored.start,
        end=stored.end,
        text=stored.text,
        place=stored.place,
        acl=stored.acl,
        rank=rank,
        ranks=fused.ranks,
        scores={**fused.scores, "fused": fused.score} if scores else {},
        heading=stored.heading,
    )
