"""Requests: the list with its filters, and one request from its first byte to its receipt.

The pages say what the record says. The receipt is checked by the browser itself (assets/receipt.js), which fetches the proof as any
stranger would; the server only says which key it takes to be the log's.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from headrace.app.console.area import Area
from headrace.app.http.exchange.wire import encode
from headrace.app.requests.figures import duration, money, number
from headrace.app.requests.filters import FILTERS, wanted
from headrace.app.requests.telling import found_where, told, why
from headrace.core.errors import BadRequest, NotFound
from headrace.evidence.facts import ALLOWED, DENIED, OUTCOMES, mapping, text, whole
from headrace.evidence.listing import Wanted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.app.console.visit import Visit
    from headrace.app.http.ports.gateway import Gateway
    from headrace.app.requests.port import Followed, Page
    from headrace.core.values import Principal
    from headrace.evidence.facts import RequestFacts
    from headrace.evidence.listing import Listed

PATH: Final = "/console/requests"
WIDTH: Final = 1000
"""Units in which the waterfall is drawn."""
MOST_SHARE: Final = 0.5
"""A stage that takes this share of the time is the one to look at."""
STATES: Final[Mapping[str, tuple[str, str]]] = {
    "answered": ("good", "answered"),
    "refused": ("bad", "refused"),
    "failed": ("bad", "failed"),
    "interrupted": ("bad", "interrupted"),
    "cancelled": ("off", "cancelled"),
    "open": ("wait", "under way"),
}
"""Shape and word of each outcome."""
MODES: Final[Mapping[str, str]] = {
    "quote": "quoted: the sentences of the sources, word for word",
    "draft": "drafted: written by a model from the sources, sentence by sentence checked against them",
    "abstain": "abstained: nothing that the asker may read answers it",
    "generate": "generated: written by a model, without sources",
}
"""How an answer came about."""
_ACTS: Final[Mapping[str, str]] = {
    "ask": "to ask the service",
    "place": "to give the text to the deployment",
    "unmask": "to see their own masked values",
}
_MORE: Final = ("key", "decision", "policy", "deployment")
"""Filters that stand behind *More*."""


@dataclass(frozen=True, slots=True)
class Fall:
    """A stage in the waterfall: where its bar lies, and what it did in words."""

    name: str
    took: str
    start: int
    width: int
    kind: str
    said: Sequence[str]


@dataclass(frozen=True, slots=True)
class Source:
    """A quoted stretch, and the documents in which it can be opened now."""

    version: str
    start: int
    end: int
    place: str = ""
    """As the record tells it; empty in records of before, and where it is nothing but words of the document."""
    links: Sequence[tuple[str, str]] = field(default=())


def area() -> Area:
    """The area Requests: for everybody who may inspect any."""
    pages = {
        PATH: {"GET": show},
        f"{PATH}/{{name}}": {"GET": one},
        f"{PATH}/receipt/{{name}}": {"GET": receipt},
    }
    return Area("Requests", PATH, _may, pages)


def _may(gateway: Gateway, principal: Principal) -> bool:
    return gateway.requests.listable(principal)


async def show(visit: Visit) -> None:
    """The list. A filter that cannot be is said above it, and the form keeps what was written."""
    session = await visit.session()
    query = {name: visit.query.get(name, "") for name in (*FILTERS, "after")}
    now_us, said = visit.gateway.clock.now_us(), ""
    try:
        asked = wanted(query, now_us)
    except BadRequest as error:
        asked, said = Wanted(limit=1, services=()), f"{error.message} {error.mend or ''}"
    page = await visit.gateway.requests.page(session.principal, asked)
    kept = {name: value for name, value in query.items() if value and name != "after"}
    content = {
        "query": query,
        "said": said,
        "lines": [] if said else page.lines,
        "others": page.others,
        "behind": page.behind,
        "now_us": now_us,
        "filtered": bool(kept),
        "more": any(query[name] for name in _MORE),
        "services": [["", "any"], *([name, name] for name in _services(visit, session.principal, page, query["service"]))],
        "outcomes": [["", "any"], *([name, STATES[name][1]] for name in OUTCOMES)],
        "decisions": [["", "any"], [ALLOWED, "allowed"], [DENIED, "denied"]],
        "findings": [["", "either"], ["yes", "something"], ["no", "nothing"]],
        "states": STATES,
        "newest": f"{PATH}?{urlencode(kept)}" if query["after"] else None,
        "older": f"{PATH}?{urlencode({**kept, 'after': page.after})}" if page.after and not said else None,
        "cost_of": _cost_of,
    }
    await visit.page("requests.html", content, 400 if said else 200)


async def one(visit: Visit) -> None:
    """One request. Raises NotFound, alike for none and for one that is not for this person."""
    session = await visit.session()
    followed = await visit.gateway.requests.follow(session.principal, visit.name)
    if followed is None:
        message = "There is no record of such a request that you may inspect."
        raise NotFound(message, code="request.unknown_request", mend="Requests lists those that you may.")
    facts = followed.facts
    content = {
        "facts": facts,
        "state": STATES.get(facts.outcome, ("off", facts.outcome)),
        "ended": "" if facts.outcome in {"answered", "open"} else why(facts),
        "mode": MODES.get(facts.mode or "", facts.mode or ""),
        "falls": _falls(facts),
        "rulings": [(each, _ACTS.get(each.action, each.action)) for each in facts.rulings],
        "findings": [found_where(each) for each in facts.findings]
        + [f"and {number(facts.findings_left_out)} more"] * bool(facts.findings_left_out),
        "sources": _sources(followed),
        "cost": money(facts.cost) if facts.cost else "",
        "usage": {name: whole(facts.usage.get(name)) for name in ("input", "input_cached", "output", "slot_us")},
        "now_us": visit.gateway.clock.now_us(),
        "opens": facts.service in _opened(visit, session.principal),
        **_receipt(visit, followed),
    }
    await visit.page("request.html", content)


async def receipt(visit: Visit) -> None:
    """The proof bundle, for the script that checks it. Raises NotFound."""
    session = await visit.session()
    bundle = await visit.gateway.requests.proof(session.principal, visit.name)
    if bundle is None:
        message = "There is no record of this request that you may prove."
        raise NotFound(message, code="proof.not_there", mend="A proof is given to whoever asked, and to auditors.")
    await visit.sender.whole(200, encode(bundle), [])


def _services(visit: Visit, principal: Principal, page: Page, chosen: str) -> Sequence[str]:
    """Those that this person may ask, or sees here, and the one that was chosen: no others are named to them."""
    offered = (each.name for each in visit.gateway.services(principal))
    return sorted({*offered, *(line.service for line in page.lines), chosen} - {""})


def _opened(visit: Visit, principal: Principal) -> frozenset[str]:
    """Services whose page this person may open."""
    written = visit.gateway.revisions.services(principal) or ()
    return frozenset(each.name for each in (*visit.gateway.services(principal), *written))


def _cost_of(line: Listed) -> str:
    return money({"amount": line.amount, "currency": line.currency}) if line.amount else ""


def _falls(facts: RequestFacts) -> Sequence[Fall]:
    end = max([1, facts.took_us or 0, *(each.began_us + each.us for each in facts.stages)])
    found: list[Fall] = []
    for each in facts.stages:
        start, width = WIDTH * each.began_us // end, WIDTH * each.us // end
        kind = "bad" if each.ended else "most" if each.us > MOST_SHARE * end else ""
        found.append(Fall(each.name, duration(each.us), min(start, WIDTH - 2), width, kind, told(each, facts)))
    if found:
        found[0] = replace(found[0], took="at once")
    if facts.took_us is not None:
        found.append(Fall("settled", "", WIDTH - 2, 2, "most", [f"{facts.outcome} {duration(facts.took_us)} after it came in"]))
    return found


def _sources(followed: Followed) -> Sequence[Source]:
    found: list[Source] = []
    for each in followed.facts.citations:
        version, start, end = text(each.get("version")), whole(each.get("start")), whole(each.get("end"))
        documents = followed.documents.get(version, ())
        links = [(name, _document(name, version, start, end)) for name in documents]
        found.append(Source(version, start, end, text(each.get("place")), links))
    return found


def _document(name: str, version: str, start: int, end: int) -> str:
    return f"/console/document?{urlencode({'name': name, 'version': version, 'start': start, 'end': end})}#quote"


def _receipt(visit: Visit, followed: Followed) -> Mapping[str, object]:
    """What the page says of the receipt, and what its script needs."""
    last = followed.records[-1]["receipt"]
    provable = followed.provable and followed.included is not None
    return {
        "receipt": last,
        "records": followed.records,
        "included": followed.included,
        "provable": provable,
        "bundle": f"{PATH}/receipt/{quote(followed.facts.request, safe='')}" if provable else "",
        "vkey": visit.gateway.requests.log_key() if provable else "",
        "committed": sorted(key for key in ("prompt", "answer") if key in mapping(followed.facts.record.get("commitments"))),
    }
