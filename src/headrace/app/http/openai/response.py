"""What a client is told of an answer: the standard fields of the OpenAI dialect, and the ``headrace`` object.

These structs are the published schema (:mod:`headrace.app.http.published.schemas`); what is sent is made of nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from headrace.core.draft import Sentence
    from headrace.core.flow import Answer, Citation
    from headrace.core.text import Finding
    from headrace.core.values import Decision, Money, Receipt, Usage


class CitationWords(msgspec.Struct):
    """Where a quoted stretch stands: `start` and `end` are characters into the stored text of `version`."""

    n: int
    document: str
    version: str
    start: int
    end: int
    place: str
    quote: str
    confidence: float


class PlaceWords(msgspec.Struct):
    """A place near the question that does not answer it."""

    n: int
    document: str
    version: str
    start: int
    end: int
    place: str


class SentenceWords(msgspec.Struct):
    """What became of one sentence that a model drafted. `cites` are numbers of citations; `score` is the chance that the sources support
    it; `reason`, when it was not cited, is one of ``unsupported``, ``number``, ``name``, ``contrary``, ``declined``, ``leans``,
    ``unfinished``."""

    outcome: Literal["cited", "flagged", "removed"]
    score: float
    reason: str
    cites: list[int]


class DecisionWords(msgspec.Struct):
    """What policy said, and the ids of the policies that said it."""

    allowed: bool
    policies: list[str]
    obligations: list[str]


class RouteWords(msgspec.Struct):
    """The deployment that answered (null: none was needed), and how many were considered."""

    deployment: str | None
    considered: int


class FindingWords(msgspec.Struct):
    """What a guard found, without what it found; `start` and `end` are characters into the text of that origin and part."""

    guard: str
    version: str
    kind: str
    origin: str
    part: int
    start: int
    end: int
    action: str


class CostWords(msgspec.Struct):
    """An exact amount, as a decimal string, and its currency (ISO 4217)."""

    amount: str
    currency: str


class UsageWords(msgspec.Struct):
    """Tokens as disjoint parts, the engine time billed (microseconds of one slot), and the price."""

    input: int
    input_cached: int
    output: int
    slot_us: int
    cost: CostWords


class AnswerReceiptWords(msgspec.Struct):
    """The ledger's signed word that the record is durable; `salts` (hex) open its commitments to prompt and answer."""

    log: str
    sequence: int
    leaf: str
    signature: str
    time_us: int
    salts: dict[str, str]


class HeadraceWords(msgspec.Struct):
    """The ``headrace`` object of an answer. `stages` are microseconds by stage."""

    request: str
    service: str
    revision: str
    mode: Literal["quote", "draft", "abstain", "generate"]
    confidence: float | None
    citations: list[CitationWords]
    nearest: list[PlaceWords]
    sentences: list[SentenceWords]
    decision: DecisionWords
    route: RouteWords
    findings: list[FindingWords]
    usage: UsageWords
    stages: dict[str, int]
    receipt: AnswerReceiptWords


class PromptDetails(msgspec.Struct):
    """Part of the prompt that came from the prefix cache."""

    cached_tokens: int


class CompletionUsage(msgspec.Struct):
    """Tokens, in the words of the dialect: the prompt's include the cached ones."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails


class Message(msgspec.Struct):
    """The answer."""

    role: Literal["assistant"]
    content: str
    refusal: None = None


class Choice(msgspec.Struct):
    """The only choice."""

    index: int
    message: Message
    finish_reason: str
    logprobs: None = None


class Completion(msgspec.Struct):
    """A whole answer."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[Choice]
    usage: CompletionUsage
    headrace: HeadraceWords


class Delta(msgspec.Struct, omit_defaults=True):
    """More of a streamed answer."""

    role: Literal["assistant"] | None = None
    content: str | None = None


class ChunkChoice(msgspec.Struct):
    """The only choice of a streamed answer."""

    index: int
    delta: Delta
    finish_reason: str | None
    logprobs: None = None


class Chunk(msgspec.Struct, omit_defaults=True):
    """One event of a streamed answer. The last one before ``[DONE]`` has `headrace`."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: CompletionUsage | msgspec.UnsetType | None = msgspec.UNSET
    system_fingerprint: str | None = None
    headrace: HeadraceWords | None = None


def usage_of(usage: Usage) -> CompletionUsage:
    """Tokens in the dialect's words."""
    prompt = usage.input + usage.input_cached
    return CompletionUsage(prompt, usage.output, prompt + usage.output, PromptDetails(usage.input_cached))


def completion(answer: Answer) -> Completion:
    """A whole answer."""
    call = answer.call
    return Completion(
        id=call.request,
        object="chat.completion",
        created=call.received_us // 1_000_000,
        model=call.service,
        system_fingerprint=answer.revision,
        choices=[Choice(0, Message("assistant", answer.text), str(answer.finish))],
        usage=usage_of(answer.usage),
        headrace=words(answer),
    )


def words(answer: Answer) -> HeadraceWords:
    """The ``headrace`` object."""
    return HeadraceWords(
        request=answer.call.request,
        service=answer.call.service,
        revision=answer.revision,
        mode=answer.mode.value,  # pyright: ignore[reportArgumentType]
        confidence=answer.confidence,
        citations=[_citation(each) for each in answer.citations],
        nearest=[PlaceWords(each.n, each.document, each.version, each.start, each.end, each.place) for each in answer.nearest],
        sentences=[_sentence(each) for each in answer.sentences],
        decision=decision_words(answer.decision),
        route=RouteWords(answer.deployment, answer.considered),
        findings=[finding_words(each) for each in answer.findings],
        usage=usage_words(answer.usage, answer.cost),
        stages=answer.stages_us,
        receipt=receipt_words(answer.receipt, answer.salts),
    )


def decision_words(decision: Decision) -> DecisionWords:
    """What policy said."""
    return DecisionWords(decision.allowed, list(decision.policies), list(decision.obligations))


def usage_words(usage: Usage, cost: Money) -> UsageWords:
    """What was used, and what it costs."""
    return UsageWords(
        input=usage.input,
        input_cached=usage.input_cached,
        output=usage.output,
        slot_us=round(usage.slot_seconds * 1_000_000),
        cost=CostWords(f"{cost.amount:f}", cost.currency),
    )


def receipt_words(receipt: Receipt, salts: dict[str, str]) -> AnswerReceiptWords:
    """The ledger's word, and what opens the record's commitments."""
    return AnswerReceiptWords(receipt.log, receipt.sequence, receipt.leaf, receipt.signature, receipt.time_us, salts)


def _citation(cited: Citation) -> CitationWords:
    return CitationWords(cited.n, cited.document, cited.version, cited.start, cited.end, cited.place, cited.quote, cited.confidence)


def _sentence(drafted: Sentence) -> SentenceWords:
    return SentenceWords(drafted.outcome.value, round(drafted.score, 6), drafted.reason, list(drafted.cites))


def finding_words(found: Finding) -> FindingWords:
    """A finding, without what was found."""
    return FindingWords(found.guard, found.version, found.kind, str(found.origin), found.part, found.start, found.end, str(found.action))
