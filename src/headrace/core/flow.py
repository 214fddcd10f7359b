"""The states of a request, in order. Each is made by one stage from the one before, and never changed.

    Received → Admitted → Screened → (Grounded) → Routed → Reserved → Generated → Checked → Released → Settled

Raw text stands only in Received and Admitted; from Screened on there are only clean types. From Generated on the state is a stream:
its facts exist when it closes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from headrace.core.places import content_free
from headrace.core.text import Finding, Seam

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.core.draft import Sentence
    from headrace.core.errors import HeadraceError
    from headrace.core.labels import Label
    from headrace.core.ports import Masks
    from headrace.core.text import CleanPrompt, CleanText, RawTurn
    from headrace.core.values import (
        Decision,
        Fact,
        Facts,
        FinishReason,
        Mode,
        Money,
        Passage,
        Principal,
        Quote,
        Receipt,
        RequestId,
        Sampling,
        Usage,
    )


@dataclass(frozen=True, slots=True)
class Call:
    """What a request is about, apart from its text. It stays the same in every state."""

    request: RequestId
    endpoint: str
    service: str
    stream: bool
    received_us: int
    client: str
    """Product and version of the client's User-Agent when it has that plain form, else ``other``."""
    sampling: Sampling
    include_usage: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """The wire format is parsed; nobody has looked at the text or the key."""

    call: Call
    credential: str = field(repr=False)
    turns: tuple[RawTurn, ...] = field(repr=False)

    def facts(self) -> Facts:
        """Content-free facts for the record. What the client wrote under ``model`` is none: it may be anything."""
        return {
            "endpoint": self.call.endpoint,
            "client": self.call.client,
            "stream": self.call.stream,
            "messages": len(self.turns),
            "characters": sum(len(turn.text.text) for turn in self.turns),
        }


@dataclass(frozen=True, slots=True)
class Admitted:
    """The principal is known and may use the service."""

    call: Call
    principal: Principal
    decision: Decision
    label: Label
    revision: str
    turns: tuple[RawTurn, ...] = field(repr=False)

    def facts(self) -> Facts:
        """Content-free facts for the record."""
        return {
            "principal": self.principal.id,
            "kind": self.principal.kind,
            "tenant": self.principal.tenant,
            "key": self.principal.key,
            "revision": self.revision,
            "policies": list(self.decision.policies),
            "obligations": list(self.decision.obligations),
        }


def finding_facts(findings: Iterable[Finding]) -> list[Facts]:
    """Findings as facts: what, where, by which detector; never the text."""
    return [
        {
            "guard": found.guard,
            "version": found.version,
            "kind": found.kind,
            "origin": str(found.origin),
            "part": found.part,
            "start": found.start,
            "end": found.end,
            "action": str(found.action),
        }
        for found in findings
    ]


def error_facts(error: HeadraceError) -> Facts:
    """What an error says for the record of the stage that it ended: policies, findings, the numbers of a prompt that does not fit."""
    return {name: _fact(value) for name, value in error.facts.items()}


def _fact(value: object) -> Fact:
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Finding):
        return finding_facts([value])[0]
    if isinstance(value, list | tuple):
        return [_fact(each) for each in cast("list[object]", value)]
    return str(value)


@dataclass(frozen=True, slots=True)
class Question:
    """The asker's own words, unmasked, for retrieval inside the trust boundary only: a masked name finds nothing."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Screened:
    """The prompt has passed the input guards."""

    call: Call
    principal: Principal
    decision: Decision
    revision: str
    prompt: CleanPrompt = field(repr=False)
    question: Question = field(repr=False)
    masks: Masks = field(repr=False)
    findings: tuple[Finding, ...] = ()

    def facts(self) -> Facts:
        """Content-free facts for the record."""
        return {"findings": list(finding_facts(self.findings))}


@dataclass(frozen=True, slots=True)
class CleanPassage:
    """A found passage, screened. `passage.text` is emptied: only `text` may be used from here on."""

    passage: Passage
    text: CleanText = field(repr=False)
    heading: CleanText | None = field(default=None, repr=False)
    """The headings above it; None when there are none, or when a guard refuses them."""
    seams: tuple[Seam, ...] = ()
    """Where `text` is masked: a place in it is a place in the stored text."""


@dataclass(frozen=True, slots=True)
class CleanQuote:
    """A quote, screened; `passage` is an index into the grounded passages. `quote.text` is emptied."""

    quote: Quote
    text: CleanText = field(repr=False)


@dataclass(frozen=True, slots=True)
class Grounded:
    """What is known about the question, and the mode that it is enough for."""

    screened: Screened
    mode: Mode
    passages: tuple[CleanPassage, ...] = field(repr=False)
    quotes: tuple[CleanQuote, ...] = field(repr=False)
    confidence: float
    candidates: int
    index_version: int
    arms: tuple[str, ...]
    findings: tuple[Finding, ...] = ()

    def facts(self) -> Facts:
        """Content-free facts for the record: documents as hashes of their versions, ranks, never scores."""
        return {
            "mode": str(self.mode),
            "candidates": self.candidates,
            "index": self.index_version,
            "arms": list(self.arms),
            "confidence_ppm": round(self.confidence * 1_000_000),
            "passages": [
                {"id": clean.passage.id, "version": clean.passage.version, "ranks": dict(clean.passage.ranks)} for clean in self.passages
            ],
            "quotes": len(self.quotes),
            "findings": list(finding_facts(self.findings)),
        }


@dataclass(frozen=True, slots=True)
class Rejected:
    """A deployment that was considered and not chosen, and why."""

    deployment: str
    reason: str


@dataclass(frozen=True, slots=True)
class Routed:
    """Which deployment answers. None: no model is needed (quote, abstain)."""

    screened: Screened
    grounded: Grounded | None
    deployment: str | None
    prompt: CleanPrompt = field(repr=False)
    shown: int = 0
    """How many of the passages the prompt shows: as many as fit."""
    rejected: tuple[Rejected, ...] = ()
    considered: int = 0
    decision: Decision | None = None

    def facts(self) -> Facts:
        """Content-free facts for the record."""
        return {
            "deployment": self.deployment,
            "considered": self.considered,
            "shown": self.shown,
            "rejected": [{"deployment": each.deployment, "reason": each.reason} for each in self.rejected],
            "policies": list(self.decision.policies) if self.decision else [],
        }


@dataclass(frozen=True, slots=True)
class Reserved:
    """The prompt fits, and a slot is held until the answer ends. `most` is the most that it can cost."""

    routed: Routed
    prompt_tokens: int | None
    answer_tokens: int
    context_tokens: int | None
    waited_us: int
    most: Money | None

    def facts(self) -> Facts:
        """Content-free facts for the record."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "answer_tokens": self.answer_tokens,
            "context_tokens": self.context_tokens,
            "waited_us": self.waited_us,
            "most": f"{self.most.amount:f}" if self.most else None,
        }


@dataclass(frozen=True, slots=True)
class Generated:
    """What the model (or the quoted evidence) gave, once its stream has closed."""

    mode: Mode
    finish: FinishReason | None
    """None: it was broken off."""
    usage: Usage
    reported: bool
    """The model told its usage. Otherwise it is what was seen: a token for each piece of text."""
    characters: int
    first_token_us: int | None

    def facts(self) -> Facts:
        """Content-free facts for the record."""
        return {
            "mode": str(self.mode),
            "finish": str(self.finish) if self.finish else None,
            "characters": self.characters,
            "first_token_us": self.first_token_us,
            "input": self.usage.input,
            "input_cached": self.usage.input_cached,
            "output": self.usage.output,
            "reported": self.reported,
            "slot_us": round(self.usage.slot_seconds * 1_000_000),
        }


@dataclass(frozen=True, slots=True)
class Checked:
    """What the evidence says of a draft, and what the output guards found, once the stream has closed."""

    mode: Mode
    """The mode that is really given."""
    findings: tuple[Finding, ...]
    held_back: int
    """The hold-back window in characters."""
    quotes: tuple[CleanQuote, ...] = field(default=(), repr=False)
    """What the answer cites, in the order of its numbers."""
    sentences: tuple[Sentence, ...] = ()
    """Of a draft, in order."""

    def facts(self) -> Facts:
        """Content-free facts for the record."""
        return {
            "mode": str(self.mode),
            "findings": list(finding_facts(self.findings)),
            "held_back": self.held_back,
            "sentences": [each.facts() for each in self.sentences],
        }


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a quoted stretch stands: offsets are characters into the stored text of `version`."""

    n: int
    document: str
    version: str
    start: int
    end: int
    place: str
    quote: str = field(repr=False)
    confidence: float = 0.0

    def facts(self) -> Facts:
        """Content-free facts for the record. The place is left out where it is nothing but the document's own words."""
        place = content_free(self.place)
        stretch: Facts = {"version": self.version, "start": self.start, "end": self.end}
        return {**stretch, "place": place} if place else stretch


@dataclass(frozen=True, slots=True)
class Released:
    """What left: the whole answer as the client received it, and its citations."""

    text: str = field(repr=False)
    citations: tuple[Citation, ...] = field(repr=False)
    unmasked: int
    decision: Decision | None

    def facts(self) -> Facts:
        """Content-free facts for the record."""
        return {
            "characters": len(self.text),
            "unmasked": self.unmasked,
            "policies": list(self.decision.policies) if self.decision else [],
            "citations": [each.facts() for each in self.citations],
        }


@dataclass(frozen=True, slots=True)
class Settled:
    """Priced and proven: the last state. `salts` (hex, by text: ``prompt``, ``answer``) open the record's commitments."""

    usage: Usage
    cost: Money
    receipt: Receipt
    salts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Opened:
    """The first thing a streamed answer yields: from here on there is a durable *opened* record."""

    request: RequestId
    service: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The last thing an answer yields, after its settled record is durable: everything that the client is told."""

    call: Call
    revision: str
    text: str = field(repr=False)
    finish: FinishReason
    mode: Mode
    confidence: float | None
    citations: tuple[Citation, ...] = field(repr=False)
    nearest: tuple[Citation, ...] = field(repr=False)
    """When abstaining: the nearest places that the asker may read (their quote is empty)."""
    decision: Decision
    deployment: str | None
    considered: int
    findings: tuple[Finding, ...]
    usage: Usage
    cost: Money
    receipt: Receipt
    salts: dict[str, str]
    stages_us: dict[str, int]
    """Time by stage, in microseconds."""
    sentences: tuple[Sentence, ...] = ()
    """Of a draft: what became of each sentence that the model wrote, also when the answer fell back to quotes."""

    @property
    def drafted(self) -> Facts:
        """The mode that was given and its sentences, as facts."""
        return {"mode": str(self.mode), "sentences": [each.facts() for each in self.sentences]}
