"""A passage as it is compared with questions: its units, and a vector for each of its tokens, made over the whole of it.

Reading costs most of what a quote costs (about 0.3 ms a token), so what was read is kept in memory, up to a bound. A reading holds no text.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Protocol

import numpy as np

from headrace.core.measure import tokens
from headrace.knowledge.passages.plain import plain
from headrace.knowledge.passages.sentences import units

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from headrace.core.values import Evidence, Passage
    from headrace.knowledge.passages.sentences import Unit

SEEN = 250
"""Estimated tokens that the embedder is given at once; what is longer is read in several windows, cut between units."""
SEEN_HEADING = 80
"""Estimated tokens of headings beyond which they are left out: the text comes first."""


class Tokens(Protocol):
    """The tokens of one text, in order."""

    @property
    def offsets(self) -> Sequence[tuple[int, int]]:
        """Character ranges in the text."""
        ...

    @property
    def vectors(self) -> NDArray[np.float32]:
        """Vectors of length one, tokens by dimensions."""
        ...


class TokenEmbedder(Protocol):
    """An embedder that also gives a vector for each token, in the light of the text around it."""

    def token_vectors(self, texts: Sequence[str]) -> Sequence[Tokens]:
        """The tokens of each text, in order; of a text that is too long, those that fit."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """The units of a passage that can be quoted, and its tokens, headings included.

    `starts` and `ends` are each unit's range of tokens; `offsets` each token's range of characters in the passage (headings that it does
    not repeat lie before 0); `vectors` are float16.
    """

    units: tuple[Unit, ...]
    starts: NDArray[np.intp]
    ends: NDArray[np.intp]
    offsets: NDArray[np.int32]
    vectors: NDArray[np.float16]


class Readings:
    """Reads passages, and keeps the readings last used, up to `most_bytes`. Safe for any number of threads."""

    def __init__(self, embedder: TokenEmbedder, most_bytes: int) -> None:
        self._embedder = embedder
        self._most_bytes = most_bytes
        self._kept: OrderedDict[bytes, Reading] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def of(self, question: str, passages: Sequence[Passage | Evidence]) -> tuple[Tokens, list[Reading]]:
        """The question's tokens, and the reading of each passage. What is not known yet goes to the embedder in one call."""
        keys = [_key(passage) for passage in passages]
        with self._lock:
            known = {key: self._kept[key] for key in keys if key in self._kept}
            for key in known:
                self._kept.move_to_end(key)
        missing = {key: _Page(passage) for key, passage in zip(keys, passages, strict=True) if key not in known}
        texts = [question, *(text for page in missing.values() for text in page.texts)]
        asked, *rest = self._embedder.token_vectors(texts)
        for key, page in missing.items():
            known[key] = page.read(rest[: len(page.texts)])
            rest = rest[len(page.texts) :]
            self._keep(key, known[key])
        return asked, [known[key] for key in keys]

    def _keep(self, key: bytes, reading: Reading) -> None:
        with self._lock:
            if key not in self._kept:
                self._kept[key] = reading
                self._bytes += reading.vectors.nbytes
            while self._bytes > self._most_bytes:
                self._bytes -= self._kept.popitem(last=False)[1].vectors.nbytes


def _key(passage: Passage | Evidence) -> bytes:
    return hashlib.sha256(f"{passage.heading}\0{passage.text}".encode(errors="surrogatepass")).digest()


class _Page:
    """A passage about to be read: what the embedder is given, one text a window."""

    def __init__(self, passage: Passage | Evidence) -> None:
        bare = plain(passage.text)
        above = " > ".join(part for part in passage.heading.split(" > ") if part and part not in passage.text)
        above = f"{above}\n" if above and tokens(above) <= SEEN_HEADING else ""
        self._units = units(passage.text)
        self._windows = list(_windows(bare, self._units, SEEN - tokens(above)))
        self._above = len(above)
        self.texts = [above + bare[start:end] for start, end in self._windows]

    def read(self, parts: Sequence[Tokens]) -> Reading:
        """The reading, from the tokens of each text. Only the first window keeps its headings, before all else: so offsets ascend."""
        ranges: list[NDArray[np.intp]] = []
        vectors: list[NDArray[np.float32]] = []
        for (start, _), part in zip(self._windows, parts, strict=True):
            offsets = np.asarray(part.offsets, dtype=np.intp).reshape(-1, 2) - self._above
            wanted = offsets[:, 0] >= (0 if ranges else -self._above)
            ranges.append(offsets[wanted] + start)
            vectors.append(part.vectors[wanted])
        offsets = np.concatenate(ranges)
        starts = np.searchsorted(offsets[:, 0], [unit.start for unit in self._units])
        ends = np.searchsorted(offsets[:, 1], [unit.end for unit in self._units], side="right")
        kept = [place for place, unit in enumerate(self._units) if unit.quotable and starts[place] < ends[place]]
        return Reading(
            units=tuple(self._units[place] for place in kept),
            starts=starts[kept],
            ends=ends[kept],
            offsets=offsets.astype(np.int32),
            vectors=np.concatenate(vectors).astype(np.float16),
        )


def _windows(bare: str, found: Sequence[Unit], room: int) -> Iterator[tuple[int, int]]:
    """Stretches of as many units as fit, in order."""
    if not found or tokens(bare) <= room:
        yield 0, len(bare)
        return
    start, end = found[0].start, found[0].end
    for unit in found[1:]:
        if tokens(bare[start : unit.end]) > room:
            yield start, end
            start = unit.start
        end = unit.end
    yield start, end
