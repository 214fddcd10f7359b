"""The second half of a pass: vectors for the passages that have none. Search by words serves everything meanwhile."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, cast

import numpy as np

from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.core.ports import Embedder, PassageStore
    from headrace.knowledge.ingest.manifest import Manifest
    from headrace.knowledge.ingest.report import Tally

BATCH = 1024
"""Passages between two commits to the store."""
EMBED = 64
"""Passages embedded between two commits of their vectors: what a kill can cost, about two seconds."""


def embed_missing(store: PassageStore, manifest: Manifest, embedder: Embedder, tally: Tally) -> int:
    """Give every passage its vector, each different text embedded once; returns how many passages got one.

    Raises OperationFailed when the store does not take them.
    """
    given = 0
    before: frozenset[str] = frozenset()
    while rows := store.without_vector(BATCH):
        ids = frozenset(key for key, _ in rows)
        if ids == before:
            raise OperationFailed("The passage store does not keep the vectors that it is given.", code="ingest.store_failed")
        before = ids
        given += _one_batch(rows, store, manifest, embedder, tally)
    return given


def _one_batch(rows: Sequence[tuple[str, str]], store: PassageStore, manifest: Manifest, embedder: Embedder, tally: Tally) -> int:
    digests = {key: hashlib.sha256(text.encode()).digest() for key, text in rows}
    known = manifest.vectors(list(set(digests.values())))
    unknown = {digests[key]: text for key, text in rows if digests[key] not in known}
    todo = list(unknown.items())
    for at in range(0, len(todo), EMBED):
        some = todo[at : at + EMBED]
        embedded = np.asarray(embedder.embed([text for _, text in some]), dtype=np.float32)
        fresh = {digest: vector.tobytes() for (digest, _), vector in zip(some, embedded, strict=True)}
        manifest.keep_vectors(fresh)
        known.update(fresh)
        tally.now(vectors=tally.counts.vectors + len(fresh))  # passages with the same text are counted when the batch is in
    vectors = {key: np.frombuffer(known[digest], dtype=np.float32) for key, digest in digests.items()}
    store.add_vectors(cast("Mapping[str, Sequence[float]]", vectors), embedder.identity)
    _count(manifest, tally)
    return len(rows)


def _count(manifest: Manifest, tally: Tally) -> None:
    total, ready = manifest.passages()
    tally.now(passages=total, vectors=ready)
