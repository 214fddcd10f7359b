"""Searched: the passages that the asker may read, as they may see them: screened, and masks undone for those who may see through them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.core.errors import Forbidden, NotFound
from headrace.core.search import FoundPassage, FoundQuote, Searched
from headrace.pipeline import passages
from headrace.pipeline.passages import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.config.model import Service
    from headrace.core.flow import CleanQuote, Screened
    from headrace.core.search import Search
    from headrace.core.values import Principal
    from headrace.pipeline.passages import Gathered
    from headrace.pipeline.rooms import Rooms


def service_for(asked: Search, principal: Principal, rooms: Rooms) -> str:
    """The service that is searched: the one named, else the first by name that the principal may ask and that knows every source named.
    Empty when there is none: whatever keeps it from them, it looks the same."""
    named = asked.received.call.service
    if named:
        return named
    return next((name for name, form in sorted(rooms.workspace.services.items()) if _knows(form, asked, principal, rooms)), "")


def _knows(form: Service, asked: Search, principal: Principal, rooms: Rooms) -> bool:
    known = form.knowledge is not None and set(asked.sources) <= set(form.knowledge.sources)
    return known and rooms.policy.decide(principal, "ask", ("Service", form.service), {}).allowed


async def run(screened: Screened, asked: Search, rooms: Rooms) -> Searched:
    """Raises NotFound for a source that the service does not know, Forbidden when raw scores are not for this asker, Unavailable when the
    knowledge process is down."""
    sources = _sources(screened, asked, rooms)
    if asked.scores:
        _require_curator(screened.principal, rooms)
    wanted = Wanted(sources, asked.limit, asked.quotes, asked.under, asked.scores)
    gathered = await passages.gather(screened, wanted, rooms)
    quotes = passages.quotes(gathered, 0.0, screened, rooms)
    shown = _Shown(screened, rooms)
    found = tuple(_passage(gathered, n, quotes, shown) for n in range(len(gathered.passages)))
    return Searched(
        passages=found,
        candidates=gathered.found.candidates,
        index_version=gathered.found.index_version,
        arms=gathered.found.arms,
        unmasked=shown.undone,
        findings=gathered.findings,
    )


def _sources(screened: Screened, asked: Search, rooms: Rooms) -> tuple[str, ...]:
    knowledge = rooms.workspace.services[screened.call.service].knowledge
    known = knowledge.sources if knowledge is not None else ()
    for n, name in enumerate(asked.sources):
        if name not in known:
            msg = f'Service "{screened.call.service}" knows no source of this name.'
            raise NotFound(msg, code="search.unknown_source", param=f"sources[{n}]", mend="Leave sources out to search all that it knows.")
    return asked.sources or known


def _require_curator(principal: Principal, rooms: Rooms) -> None:
    decision = rooms.policy.decide(principal, "curate", ("Tenant", principal.tenant), {})
    if not decision.allowed:
        raise Forbidden(
            "You may not see raw scores: they tell of documents that you may not read.",
            param="scores",
            mend="Leave scores out; every passage has its ranks.",
            facts={"policies": list(decision.policies), "what_would_allow_it": decision.would_allow or None},
        )


class _Shown:
    """Texts as this asker may see them."""

    def __init__(self, screened: Screened, rooms: Rooms) -> None:
        may = rooms.policy.decide(screened.principal, "unmask", ("Service", screened.call.service), {}).allowed
        self._unmask: Callable[[str], tuple[str, int]] | None = screened.masks.unmask if may else None
        self.undone = 0

    def __call__(self, text: str) -> str:
        if self._unmask is None:
            return text
        text, undone = self._unmask(text)
        self.undone += undone
        return text


def _passage(gathered: Gathered, n: int, quotes: tuple[CleanQuote, ...], shown: _Shown) -> FoundPassage:
    passage = gathered.passages[n].passage
    return FoundPassage(
        id=passage.id,
        document=passage.document,
        version=passage.version,
        start=passage.start,
        end=passage.end,
        place=shown(passage.place),
        text=shown(gathered.passages[n].text.text),
        rank=passage.rank,
        ranks=passage.ranks,
        scores=passage.scores,
        quotes=tuple(_quote(each, shown) for each in quotes if each.quote.passage == n),
    )


def _quote(clean: CleanQuote, shown: _Shown) -> FoundQuote:
    quote = clean.quote
    return FoundQuote(quote.start, quote.end, shown(quote.place), shown(clean.text.text), quote.confidence)
