"""What a client is told of a request that it follows: one request whole, and many on a line each.

These structs are the published schema (:mod:`headrace.app.http.published.schemas`); what is sent is made of nothing else. Times are
microseconds since 1970 (UTC), lengths of time microseconds; nothing of a question or an answer is among it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import msgspec

from headrace.app.http.errors import ReceiptWords
from headrace.app.http.openai.response import CostWords, FindingWords, UsageWords
from headrace.app.requests.telling import told
from headrace.evidence.facts import items, mapping, text, whole

if TYPE_CHECKING:
    from headrace.app.requests.port import Followed, Page
    from headrace.evidence.facts import Json, RequestFacts, Ruling, StageFacts
    from headrace.evidence.listing import Listed
    from headrace.evidence.messages import Found

Kind: TypeAlias = Literal["opened", "settled", "interrupted"]
Decided: TypeAlias = Literal["allowed", "denied"]


class AskerWords(msgspec.Struct):
    """Who asked. `kind` is ``person`` or ``application``; null where the request ended before that was noted."""

    principal: str
    kind: str | None
    tenant: str
    key: str


class ReceivedWords(msgspec.Struct):
    """What came in, by its size."""

    endpoint: str
    client: str
    stream: bool
    messages: int
    characters: int


class StageWords(msgspec.Struct):
    """What one room did: when it began (after the request came in), how long it worked, its facts as the record has them, and the same in
    words. `ended`: the request ended here without an answer."""

    stage: str
    began_us: int
    us: int
    ended: bool
    said: list[str]
    facts: dict[str, Any]


class RulingWords(msgspec.Struct):
    """What policy said in one room, and by which policies."""

    stage: str
    action: str
    allowed: bool
    policies: list[str]
    obligations: list[str]
    what_would_allow_it: str | None


class PassageWords(msgspec.Struct):
    """A passage that was looked at: the document's version (SHA-256 of its stored text) and its rank in each arm of the search."""

    id: str
    version: str
    ranks: dict[str, int]


class CitedWords(msgspec.Struct):
    """A stretch that was quoted: characters into the stored text of `version`. `place`: the page, slide, rows, cells or line; null
    where it is nothing but the document's own words, and in older records. `documents`: those of this version that you may open now, a few
    at most."""

    version: str
    start: int
    end: int
    place: str | None
    documents: list[str]


class GroundingWords(msgspec.Struct):
    """What the answer stands on."""

    mode: str | None
    confidence: float
    candidates: int
    index: int
    arms: list[str]
    passages: list[PassageWords]
    citations: list[CitedWords]


class AlternativeWords(msgspec.Struct):
    """A deployment that was considered and not chosen."""

    deployment: str
    reason: str | None


class RoutedWords(msgspec.Struct):
    """The deployment that answered (null: none was needed, or none was found), and the others."""

    deployment: str | None
    considered: int
    alternatives: list[AlternativeWords]


class RecordWords(msgspec.Struct):
    """One record of the request in the ledger."""

    kind: Kind
    time_us: int
    receipt: ReceiptWords


class ProofWords(msgspec.Struct):
    """`state` is ``included`` (the closing record is in the signed tree of `size` records) or ``open`` (there is no closing record yet).
    `path`: where its proof bundle is; null when policy does not give it to you, or there is none yet."""

    state: Literal["included", "open"]
    size: int | None
    path: str | None


class RequestWords(msgspec.Struct):
    """A request. `outcome` is ``open`` while it has no end; `ended_at` the stage in which it ended without an answer."""

    object: Literal["headrace.request"]
    request: str
    outcome: str
    error: str | None
    ended_at: str | None
    received_us: int
    recorded_us: int
    took_us: int | None
    asker: AskerWords
    service: str | None
    revision: str
    received: ReceivedWords
    mode: str | None
    stages: list[StageWords]
    decision: Decided | None
    rulings: list[RulingWords]
    findings: list[FindingWords]
    grounding: GroundingWords | None
    route: RoutedWords | None
    usage: UsageWords | None
    records: list[RecordWords]
    proof: ProofWords


class LineWords(msgspec.Struct):
    """A request on one line. `findings` is how many things guards found."""

    request: str
    received_us: int
    outcome: str
    error: str | None
    service: str | None
    tenant: str
    principal: str
    key: str
    decision: Decided | None
    mode: str | None
    deployment: str | None
    findings: int
    took_us: int | None
    cost: CostWords | None


class PageWords(msgspec.Struct):
    """Requests, newest first. `next`: the value of ``after`` for the page behind; null at the end. `behind`: records that are not in the
    list yet, after a restart of an installation with a long log."""

    object: Literal["list"]
    data: list[LineWords]
    next: str | None
    behind: int


def request_words(followed: Followed, proof_path: str) -> RequestWords:
    """A request whole."""
    facts = followed.facts
    included = followed.included
    return RequestWords(
        object="headrace.request",
        request=facts.request,
        outcome=facts.outcome,
        error=facts.error,
        ended_at=facts.at,
        received_us=facts.received_us,
        recorded_us=facts.written_us,
        took_us=facts.took_us,
        asker=AskerWords(facts.principal, facts.holder or None, facts.tenant, facts.key),
        service=facts.service or None,
        revision=facts.revision,
        received=_received(facts),
        mode=facts.mode,
        stages=[_stage(each, facts) for each in facts.stages],
        decision=cast("Decided | None", facts.decision),
        rulings=[_ruling(each) for each in facts.rulings],
        findings=[_finding(each) for each in facts.findings],
        grounding=_grounding(followed) if facts.of("grounded").get("passages") is not None else None,
        route=_route(facts) if facts.of("routed") else None,
        usage=_usage(facts) if facts.usage else None,
        records=[_record(each) for each in followed.records],
        proof=ProofWords(
            state="open" if included is None else "included",
            size=included,
            path=proof_path if included is not None and followed.provable else None,
        ),
    )


def page_words(page: Page) -> PageWords:
    """Requests on a line each."""
    return PageWords("list", [_line(each) for each in page.lines], page.after, page.behind)


def _line(line: Listed) -> LineWords:
    return LineWords(
        request=line.request,
        received_us=line.received_us,
        outcome=line.outcome,
        error=line.error,
        service=line.service or None,
        tenant=line.tenant,
        principal=line.principal,
        key=line.key,
        decision=cast("Decided | None", line.decision),
        mode=line.mode,
        deployment=line.deployment,
        findings=line.findings,
        took_us=line.took_us,
        cost=CostWords(line.amount, line.currency) if line.amount else None,
    )


def _received(facts: RequestFacts) -> ReceivedWords:
    came = facts.of("received")
    size = whole(came.get("messages")), whole(came.get("characters"))
    return ReceivedWords(text(came.get("endpoint")), text(came.get("client")), facts.streamed, *size)


def _stage(stage: StageFacts, facts: RequestFacts) -> StageWords:
    return StageWords(stage.name, stage.began_us, stage.us, stage.ended, told(stage, facts), dict(stage.facts))


def _ruling(ruling: Ruling) -> RulingWords:
    policies, obligations = list(ruling.policies), list(ruling.obligations)
    return RulingWords(ruling.stage, ruling.action, ruling.allowed, policies, obligations, ruling.would_allow or None)


def _finding(found: Json) -> FindingWords:
    guard, version, kind, origin, action = (text(found.get(name)) for name in ("guard", "version", "kind", "origin", "action"))
    part, start, end = (whole(found.get(name)) for name in ("part", "start", "end"))
    return FindingWords(guard, version, kind, origin, part, start, end, action)


def _grounding(followed: Followed) -> GroundingWords:
    facts = followed.facts
    found = facts.of("grounded")
    return GroundingWords(
        mode=text(found.get("mode")) or None,
        confidence=whole(found.get("confidence_ppm")) / 1_000_000,
        candidates=whole(found.get("candidates")),
        index=whole(found.get("index")),
        arms=[text(each) for each in items(found.get("arms"))],
        passages=[_passage(mapping(each)) for each in items(found.get("passages"))],
        citations=[_cited(each, followed) for each in facts.citations],
    )


def _passage(found: Json) -> PassageWords:
    ranks = {name: whole(rank) for name, rank in mapping(found.get("ranks")).items()}
    return PassageWords(text(found.get("id")), text(found.get("version")), ranks)


def _cited(found: Json, followed: Followed) -> CitedWords:
    version = text(found.get("version"))
    start, end, place = whole(found.get("start")), whole(found.get("end")), text(found.get("place")) or None
    return CitedWords(version, start, end, place, list(followed.documents.get(version, ())))


def _route(facts: RequestFacts) -> RoutedWords:
    others = [AlternativeWords(each.deployment, each.reason or None) for each in facts.passed_over]
    return RoutedWords(facts.deployment, whole(facts.of("routed").get("considered")), others)


def _usage(facts: RequestFacts) -> UsageWords:
    read, cached, written, slot_us = (whole(facts.usage.get(name)) for name in ("input", "input_cached", "output", "slot_us"))
    return UsageWords(read, cached, written, slot_us, CostWords(text(facts.cost.get("amount")), text(facts.cost.get("currency"))))


def _record(found: Found) -> RecordWords:
    kind = cast("Kind", found["record"]["kind"])
    return RecordWords(kind, whole(found["record"]["time_us"]), _receipt(found["receipt"]))


def _receipt(receipt: Json) -> ReceiptWords:
    log, leaf, signature = (text(receipt.get(name)) for name in ("log", "leaf", "signature"))
    return ReceiptWords(log, whole(receipt.get("sequence")), leaf, signature, whole(receipt.get("time_us")))
