"""What the knowledge process and its clients say to each other."""

from __future__ import annotations

import msgspec

from headrace.core.values import Evidence, Found, Passage, Quote, Span, Verdict


class Find(msgspec.Struct, frozen=True):
    """Search for a question within a scope."""

    question: str
    tenant: str
    sources: tuple[str, ...]
    acls: tuple[str, ...]
    limit: int
    quotes: int = 0
    scores: bool = False
    under: tuple[str, ...] = ()


class Embed(msgspec.Struct, frozen=True):
    """Turn texts into vectors."""

    texts: tuple[str, ...]


class Embedded(msgspec.Struct, frozen=True):
    """Float32 vectors, little-endian, one for each text; none at all when a text has more tokens than are seen (`longest`)."""

    vectors: tuple[bytes, ...]
    tokens: tuple[int, ...]
    longest: int


class FoundPassage(msgspec.Struct, frozen=True):
    """A passage that was found. Fields as in :class:`headrace.core.values.Passage`."""

    id: str
    document: str
    source: str
    version: str
    start: int
    end: int
    text: str
    place: str
    acl: str
    rank: int
    ranks: dict[str, int]
    scores: dict[str, float]
    heading: str


class FoundQuote(msgspec.Struct, frozen=True):
    """A quote that was found. Fields as in :class:`headrace.core.values.Quote`."""

    passage: int
    start: int
    end: int
    text: str
    place: str
    confidence: float


class Answer(msgspec.Struct, frozen=True):
    """What a search brought. Fields as in :class:`headrace.core.values.Found`; the process sends that very form."""

    passages: tuple[FoundPassage, ...]
    quotes: tuple[FoundQuote, ...]
    index_version: int
    candidates: int
    arms: tuple[str, ...]
    threshold: float

    def found(self) -> Found:
        """As the rooms know it."""
        return Found(
            passages=tuple(Passage(**msgspec.structs.asdict(each)) for each in self.passages),
            quotes=tuple(Quote(**msgspec.structs.asdict(each)) for each in self.quotes),
            index_version=self.index_version,
            candidates=self.candidates,
            arms=self.arms,
            threshold=self.threshold,
        )


class Shown(msgspec.Struct, frozen=True):
    """A passage as a model was shown it."""

    heading: str
    text: str


class Check(msgspec.Struct, frozen=True):
    """Check the sentences of a draft against the passages that it was written from."""

    sentences: tuple[str, ...]
    passages: tuple[Shown, ...]

    def evidence(self) -> list[Evidence]:
        """The passages as the rooms know them."""
        return [Evidence(each.heading, each.text) for each in self.passages]


class SpanSeen(msgspec.Struct, frozen=True):
    """A stretch that supports a sentence. Fields as in :class:`headrace.core.values.Span`."""

    passage: int
    start: int
    end: int


class VerdictGiven(msgspec.Struct, frozen=True):
    """What the evidence says of one sentence. Fields as in :class:`headrace.core.values.Verdict`; the process sends that very form."""

    score: float
    reason: str
    spans: tuple[SpanSeen, ...]

    def verdict(self) -> Verdict:
        """As the rooms know it."""
        return Verdict(self.score, self.reason, tuple(Span(each.passage, each.start, each.end) for each in self.spans))
