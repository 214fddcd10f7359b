"""Passages for a question: found within what the asker may read now, and screened. Grounded answers and searches begin here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from headrace.config.readers import acls_for, may_read
from headrace.core.errors import HeadraceError, Refused
from headrace.core.flow import CleanPassage, CleanQuote
from headrace.core.labels import Label
from headrace.core.text import Action, Finding, Origin, RawText
from headrace.core.values import Scope
from headrace.guardrails.door import excerpt, screen, seams

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.config.model import Source
    from headrace.core.flow import Screened
    from headrace.core.text import CleanText
    from headrace.core.values import Found, Passage, Quote
    from headrace.pipeline.rooms import Rooms, Rules

UNNAMED = "a section whose heading may not be shown"
"""The place of a passage under a heading that a guard refuses."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: in which sources, of these in documents whose names begin so (all, where nothing is said), and how much."""

    sources: tuple[str, ...]
    limit: int
    quotes: int
    under: tuple[str, ...] = ()
    scores: bool = False


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was found. `kept` says where each found passage stands among the clean ones; one that may not be shown has no place."""

    found: Found = field(repr=False)
    passages: tuple[CleanPassage, ...] = field(repr=False)
    kept: Mapping[int, int]
    findings: tuple[Finding, ...]

    @property
    def confidence(self) -> float:
        """Of the surest quote."""
        return max((quote.confidence for quote in self.found.quotes if quote.passage in self.kept), default=0.0)


async def gather(screened: Screened, wanted: Wanted, rooms: Rooms) -> Gathered:
    """Search, and screen what is found. Raises Unavailable when the knowledge process is down."""
    sources = {name: rooms.workspace.sources[name] for name in wanted.sources}
    principal = screened.principal
    scope = Scope(principal.tenant, tuple(sources), acls_for(sources.values(), principal), wanted.under)
    found = await rooms.retriever.find(screened.question.text, scope, wanted.limit, quotes=wanted.quotes, scores=wanted.scores)
    readable = {index for index, each in enumerate(found.passages) if _readable_now(each, sources, screened)}
    passages, kept, findings = _screened(found, readable, sources, screened, rooms)
    return Gathered(found, passages, kept, tuple(findings))


def quotes(gathered: Gathered, threshold: float, screened: Screened, rooms: Rooms) -> tuple[CleanQuote, ...]:
    """The quotes that are sure enough, from passages that were kept: cut from the passage as it was screened."""
    rules = rooms.rules[screened.call.service].passages
    taken: list[CleanQuote] = []
    for quote in gathered.found.quotes:
        if quote.passage not in gathered.kept or quote.confidence < threshold:
            continue
        passage = gathered.found.passages[quote.passage]
        _verbatim(quote, passage)
        place = gathered.kept[quote.passage]
        raw = RawText(passage.text, Origin.PASSAGE, quote.passage)
        stretch = (quote.start - passage.start, quote.end - passage.start)
        label = gathered.passages[place].text.label
        text = excerpt(raw, stretch, label, rules, screened.masks)
        where = _place(quote.place, quote.passage, label, rules, screened)
        taken.append(CleanQuote(replace(quote, passage=place, text="", place=where), text))
    return tuple(taken)


def _readable_now(passage: Passage, sources: dict[str, Source], screened: Screened) -> bool:
    """The rows carry the access list they had when they were written; today's rules decide."""
    path = passage.document.removeprefix(f"{passage.source}/")
    return may_read(sources[passage.source], path, screened.principal)


def _screened(
    found: Found, readable: set[int], sources: dict[str, Source], screened: Screened, rooms: Rooms
) -> tuple[tuple[CleanPassage, ...], dict[int, int], list[Finding]]:
    """Clean passages, where each found passage went, and the findings. A passage that a guard refuses is left out."""
    rules = rooms.rules[screened.call.service].passages
    passages: list[CleanPassage] = []
    kept: dict[int, int] = {}
    findings: list[Finding] = []
    for index, passage in enumerate(found.passages):
        if index not in readable:
            continue
        label = _label(passage, sources, screened)
        try:
            text, seen = screen(RawText(passage.text, Origin.PASSAGE, index), label, rules, screened.masks)
        except Refused as refusal:
            findings.extend(refusal_findings(refusal))
            continue
        kept[index] = len(passages)
        place = _place(passage.place, index, label, rules, screened)
        heading = _heading(passage, index, label, rules, screened)
        masked = any(each.action is Action.MASK for each in seen)
        places = seams(RawText(passage.text, Origin.PASSAGE, index), rules, screened.masks) if masked else ()
        passages.append(CleanPassage(replace(passage, text="", place=place, heading=""), text, heading, places))
        findings.extend(seen)
    return tuple(passages), kept, findings


def _place(place: str, index: int, label: Label, rules: Rules, screened: Screened) -> str:
    """Where it is, in words. They may be those of a heading, which can stand far above the passage and is the document's text too."""
    try:
        return screen(RawText(place, Origin.PASSAGE, index), label, rules, screened.masks)[0].text
    except Refused:
        return UNNAMED


def _heading(passage: Passage, index: int, label: Label, rules: Rules, screened: Screened) -> CleanText | None:
    """The headings above a passage: they are the document's text too."""
    if not passage.heading:
        return None
    try:
        return screen(RawText(passage.heading, Origin.PASSAGE, index), label, rules, screened.masks)[0]
    except Refused:
        return None


def _label(passage: Passage, sources: dict[str, Source], screened: Screened) -> Label:
    return Label(
        tenant=screened.principal.tenant,
        acls=frozenset({passage.acl}),
        sensitivity=sources[passage.source].sensitivity,
        tainted=True,
    )


def _verbatim(quote: Quote, passage: Passage) -> None:
    """A quote that is not the stored characters is never shown, whoever made it."""
    if passage.text[quote.start - passage.start : quote.end - passage.start] != quote.text:
        msg = "A quote did not match the document that it names."
        raise HeadraceError(msg, code="internal.quote_mismatch", mend="Nothing was answered. Report this with the request's id.")


def refusal_findings(refusal: Refused) -> tuple[Finding, ...]:
    """The findings that a refusal carries."""
    found = refusal.facts.get("findings", ())
    return tuple(each for each in cast("tuple[object, ...]", found) if isinstance(each, Finding))
