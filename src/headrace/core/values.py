"""Small values that several rooms speak of."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NewType, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

RequestId = NewType("RequestId", str)
"""``req_`` and 26 characters of Crockford base 32, sortable by time."""

Fact: TypeAlias = "str | int | bool | list[Fact] | dict[str, Fact] | None"
"""What a record may hold: JSON without floats (RFC 8785 canonical form stays trivial). Fractions are decimal strings or integers
of a named small unit (``…_us`` microseconds, ``…_ppm``)."""

Facts: TypeAlias = dict[str, Fact]


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount of one currency (ISO 4217)."""

    amount: Decimal
    currency: str

    def plus(self, other: Money) -> Money:
        """The sum. Raises ValueError when the currencies differ."""
        if self.currency != other.currency:
            msg = f"cannot add {other.currency} to {self.currency}"
            raise ValueError(msg)
        return Money(self.amount + other.amount, self.currency)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer, as disjoint parts, and the engine time it took.

    `slot_seconds` is the share of the engine's busy time that this answer is billed for; zero for providers billed by token.
    """

    input: int = 0
    input_cached: int = 0
    output: int = 0
    slot_seconds: float = 0.0


class FinishReason(StrEnum):
    """Why an answer ended, in the words of the OpenAI API."""

    STOP = "stop"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"


class Mode(StrEnum):
    """How an answer came about (evidence first)."""

    QUOTE = "quote"
    DRAFT = "draft"
    ABSTAIN = "abstain"
    GENERATE = "generate"


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """A JSON Schema that the answer must satisfy. `schema` is None for ``json_object``: any JSON object."""

    schema: Mapping[str, object] | None = field(repr=False)
    name: str = "answer"


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the model is asked to write. None leaves the deployment's default."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = field(default=(), repr=False)
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    format: JsonSchema | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a person or an application of one tenant, through one key (or a session opened with it)."""

    id: str
    kind: str
    """``person`` or ``application``."""
    tenant: str
    groups: frozenset[str]
    key: str
    services: frozenset[str] | None = None
    """The services that the key is bound to; None: any that policy allows."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What policy said. `policies` are the ids that determined it; none when nothing allowed it."""

    allowed: bool
    policies: tuple[str, ...] = ()
    obligations: tuple[str, ...] = ()
    reason: str = ""
    """Of a denial: why, in a sentence."""
    would_allow: str = ""
    """Of a denial: what the same principal would need besides ("membership of group support"); empty when nothing simple helps."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a search may see: one tenant, the sources of the service, and the access lists that the asker satisfies.

    `under`: only documents whose names (``source/path``) begin with one of these; all where there is none.
    """

    tenant: str
    sources: tuple[str, ...]
    acls: frozenset[str]
    under: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of one stored document version. Offsets are characters into the stored text of that version.

    `document` is ``source/path``; `version` the SHA-256 (hex) of the stored text; `place` what a person looks for ("line 12",
    "page 3"). `rank` is the place in the fused order (from 1); `ranks` the place in each arm. `scores` stays empty unless the
    asker is a curator: raw scores tell of documents that the asker may not read.
    """

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
    ranks: Mapping[str, int] = field(default_factory=dict[str, int])
    scores: Mapping[str, float] = field(default_factory=dict[str, float])
    heading: str = ""


class PlaceKind(StrEnum):
    """How a stretch of a text says where in it something is."""

    WHOLE = "whole"
    """It is one place: a page, a slide."""
    LINES = "lines"
    """Its lines are numbered: a mail's text."""
    ROWS = "rows"
    """Its lines are rows of a table that has no columns with names: a CSV file."""
    CELLS = "cells"
    """Its lines are rows of a sheet, with columns A, B, C…"""


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a document's text that a person can look up: a page, a slide, some rows of a sheet. Offsets are characters.

    `name` is what they look for (``page 3``, ``sheet “Budget”``); it may be empty for lines and rows. `row` is the number of the first
    line or row. Of a table, `body` is where its rows begin, one a line, in consecutive numbers, with the cells between bars from
    `column` on; what stands before is context (a head that is repeated), and so is a rule (``| --- | --- |``).
    """

    start: int
    end: int
    name: str
    kind: PlaceKind = PlaceKind.WHOLE
    row: int = 0
    column: int = 0
    body: int = 0
    heading: str = ""
    """What stands above it where its own text does not say so: the sheet."""


@dataclass(frozen=True, slots=True)
class Quote:
    """Sentences of one passage that answer the question. Offsets as in :class:`Passage`; `passage` is an index into the found
    passages; `confidence` (0…1) is calibrated on a named split and comparable with a service's threshold."""

    passage: int
    start: int
    end: int
    text: str
    place: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Found:
    """What a search brought: passages in fused order, candidate quotes in descending confidence, and what it stood on."""

    passages: tuple[Passage, ...]
    quotes: tuple[Quote, ...]
    index_version: int
    candidates: int
    """Passages that the asker may read in the sources asked."""
    arms: tuple[str, ...]
    """The arms that served: ``bm25``, and ``dense`` when every candidate has its vector (``dense-partial`` otherwise)."""
    threshold: float = 0.5
    """The calibrated confidence below which a service abstains unless it says otherwise."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage as a model was shown it: what a draft may stand on."""

    heading: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one of the passages that a draft was checked against; offsets are characters of its text as it was shown."""

    passage: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the evidence says of one sentence. It is supported when `reason` is empty, and then stands on `spans`.

    `score` (0 to 1) is the calibrated chance that people would call it supported. `reason` is ``unsupported``, or what no evidence holds:
    ``number``, ``name``; or ``contrary``: the evidence says the opposite.
    """

    score: float
    reason: str = ""
    spans: tuple[Span, ...] = ()

    @property
    def never(self) -> bool:
        """It must not be let through, whatever a service chose."""
        return self.reason not in {"", "unsupported"}


@dataclass(frozen=True, slots=True)
class Vectors:
    """What a model made of texts: `rows` are float32, little-endian, one for each text in order, all of `dimensions` numbers."""

    rows: tuple[bytes, ...] = field(repr=False)
    dimensions: int
    tokens: int
    """Of all the texts, as the model counts them."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The ledger's word that a record is durable.

    `leaf` is the RFC 6962 leaf hash (hex) of the record's canonical bytes; `signature` (base64) the log key's Ed25519 signature
    over the receipt text; `time` the ledger's clock in microseconds since 1970.
    """

    log: str
    sequence: int
    leaf: str
    time_us: int
    signature: str


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage as it is written: offsets are characters into the stored text of `version`."""

    id: str
    document: str
    source: str
    version: str
    start: int
    end: int
    text: str
    place: str
    heading: str
    """The headings above it, from the outermost (``Travel > Hotels``)."""
    acl: str

    @property
    def words(self) -> str:
        """What is searched: the headings that the text does not repeat, then the text."""
        missing = [part for part in self.heading.split(" > ") if part and part not in self.text]
        return "\n\n".join((" > ".join(missing), self.text)) if missing else self.text


@dataclass(frozen=True, slots=True)
class Hit:
    """A candidate that one arm of a search brought. `key` names the row within one snapshot; a higher `score` is better."""

    key: int
    score: float


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that a source offers. `path` is POSIX, inside the source; `stamp` changes whenever the file may have changed."""

    path: str
    location: str
    """Where it is read from."""
    size: int
    stamp: str
    changed_ns: int = 0
    """When its content or attributes last changed, by the clock of its file system; nanoseconds since 1970."""
    refused: str = ""
    """Why it must not be read, in words; empty when it may."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as the control store keeps it. `id` is public (its first characters); times are microseconds since 1970."""

    id: str
    name: str
    holder: str
    """The person or application it speaks for; its own name when it stands for itself."""
    kind: str
    """``person`` or ``application``: what its holder is in people.yaml. ``key``: it stands for itself, as an application."""
    tenant: str
    groups: tuple[str, ...]
    """Groups given to the key itself, beside those of its holder in people.yaml."""
    services: tuple[str, ...] | None
    created_us: int
    expires_us: int | None
    revoked_us: int | None
    used_us: int | None = None
    """When it was last used, to within a minute; None: never, as far as is known."""
    holders: tuple[str, ...] = ("written/0",)
    """Who the holder is, beyond the id: ``written/N`` for the Nth whom people.yaml calls so, ``kept/N`` for who came by import or sign-in
    at that time. The key speaks for whoever is one of these, and for nobody who merely has the id later."""
