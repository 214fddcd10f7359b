"""Search with the drivers of this installation: passages in Lance, vectors and quotes by MiniLM. Heavy to import."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, cast

from headrace.adapters.embedders.minilm import LONGEST, MiniLM
from headrace.adapters.stores.lance_search import LanceIndex
from headrace.adapters.stores.lance_table import session
from headrace.adapters.weights.catalogue import EMBEDDER
from headrace.adapters.weights.store import ModelStore, default_folder
from headrace.core.errors import NotFound
from headrace.knowledge.checking.checker import Checker
from headrace.knowledge.messages import Embedded
from headrace.knowledge.quoting.quote import Quoter
from headrace.knowledge.search.retrieve import Retrieval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.config.layout import Layout
    from headrace.core.ports import Embedder

INDEX_CACHE = 96 * 1024 * 1024
METADATA_CACHE = 16 * 1024 * 1024
"""Bytes, for all tenants together: what does not fit is read again."""


def embedder() -> MiniLM:
    """The default embedder. Raises OperationFailed when its weights are not here."""
    return MiniLM(ModelStore(default_folder()).path(EMBEDDER))


class Indexes:
    """Each tenant's passages, opened when they are first asked for."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._session = session(index_bytes=INDEX_CACHE, metadata_bytes=METADATA_CACHE)
        self._open: dict[str, LanceIndex] = {}

    def of(self, tenant: str) -> LanceIndex:
        """A tenant's passages. Raises NotFound for what can be no tenant's name."""
        if tenant not in self._open:
            if PurePosixPath(tenant).name != tenant or tenant.startswith("."):
                raise NotFound("There is no such tenant.", code="knowledge.unknown_tenant")
            self._open[tenant] = LanceIndex(self._layout.knowledge(tenant), self._session)
        return self._open[tenant]


@dataclass(frozen=True, slots=True)
class Searching:
    """What the knowledge process serves: search, drafts checked against what it found, and vectors. They share one embedder."""

    retrieval: Retrieval
    checker: Checker
    embedder: MiniLM

    def embedded(self, texts: Sequence[str]) -> Embedded:
        """The vectors of texts; none of them when one is longer than the model sees. CPU-bound: off the event loop."""
        tokens = tuple(self.embedder.lengths(texts))
        if max(tokens, default=0) > LONGEST:
            return Embedded((), tokens, LONGEST)
        vectors = self.embedder.embed(texts).astype("<f4", copy=False)
        return Embedded(tuple(row.tobytes() for row in vectors), tokens, LONGEST)


def searching(layout: Layout, minilm: MiniLM) -> Searching:
    """Search and check over the tenants of a workspace. For the running event loop."""
    cores = len(os.sched_getaffinity(0))
    threads = ThreadPoolExecutor(cores, thread_name_prefix="search")
    quoter = Quoter(minilm)
    found = Retrieval(Indexes(layout).of, cast("Embedder", minilm), quoter, threads, at_once=cores)
    return Searching(found, Checker(quoter.readings, threads), minilm)


def retrieval(layout: Layout, minilm: MiniLM | None) -> Retrieval:
    """Search over the tenants of a workspace; without an embedder by words alone. For the running event loop."""
    if minilm is not None:
        return searching(layout, minilm).retrieval
    threads = ThreadPoolExecutor(len(os.sched_getaffinity(0)), thread_name_prefix="search")
    return Retrieval(Indexes(layout).of, None, None, threads)
