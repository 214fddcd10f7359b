"""What the tests of ingestion share: a workspace's parts around real stores, and a small real embedder."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

import numpy as np

from headrace.adapters.converters.files import FileConverter
from headrace.adapters.sources.folder import Folder
from headrace.config.model import ReaderRule, Readers, Source
from headrace.knowledge.documents.store import DocumentStore
from headrace.knowledge.ingest import Configured, Parts
from headrace.knowledge.ingest.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from headrace.core.ports import PassageStore


class HashEmbedder:
    """Feature hashing of words: a true embedder (unit vectors, the same for the same text), only a poor one. It counts what it is asked."""

    def __init__(self, identity: str = "words:1") -> None:
        self.identity = identity
        self.dimensions = 32
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += texts
        return np.stack([self._one(text) for text in texts])

    def _one(self, text: str) -> NDArray[np.float32]:
        vector = np.zeros(self.dimensions, dtype=np.float32)
        for word in text.lower().split() or [""]:
            digest = hashlib.sha256(word.encode()).digest()
            vector[digest[0] % self.dimensions] += 1 if digest[1] % 2 else -1
        vector[-1] += 0.5
        return (vector / np.linalg.norm(vector)).astype(np.float32)


class SystemClock:
    """The machine's clocks."""

    def now_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()


class LaterClock(SystemClock):
    """The machine's clocks, a while later: files written just now do not count as fresh."""

    def __init__(self, days: float = 0.01) -> None:
        self.later_us = int(days * 86_400_000_000)

    def now_us(self) -> int:
        return super().now_us() + self.later_us


def source(name: str, folder: Path, rules: Sequence[tuple[str, str]] = (), **form: object) -> Configured:
    """A source over a folder, read by group ``staff``, and parts of it by another group."""
    form_ = Source(
        source=name,
        folder=str(folder),
        readers=Readers(groups=("staff",)),
        rules=tuple(ReaderRule(path=path, readers=Readers(groups=(group,))) for path, group in rules),
        **form,  # pyright: ignore[reportArgumentType]
    )
    return Configured(form_, Folder(folder, form_.include, form_.exclude))


def parts(folder: Path, store: PassageStore, embedder: HashEmbedder | None = None, **others: object) -> Parts:
    """The parts of a pass, its state in a folder."""
    embedder = embedder or HashEmbedder()
    made: dict[str, Callable[[], object]] = {
        "tenant": lambda: "default",
        "store": lambda: store,
        "documents": lambda: DocumentStore(folder / "documents"),
        "manifest": lambda: Manifest(folder / "ingest.db"),
        "converter": FileConverter,
        "embedder": lambda: lambda: embedder,
        "weights": lambda: embedder.identity,
        "clock": LaterClock,
    }
    given = {name: make() for name, make in made.items() if name not in others}
    return Parts(**given, **others)  # pyright: ignore[reportArgumentType]
