"""Sources: which there are, what is in each, and the versions of each document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.app.console import document
from headrace.app.console.area import Area
from headrace.app.console.paging import MOST, pages, skipped
from headrace.app.console.requests import STATES as OUTCOME
from headrace.core.errors import NotFound, Unavailable
from headrace.evidence.listing import Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.app.console.visit import Visit
    from headrace.core.values import Principal
    from headrace.evidence.listing import Listed

PATH: Final = "/console/sources"
STATES: Final = {"": "any", "found": "in searches", "empty": "nothing to find", "unread": "not read"}
"""What documents can be asked for by; the last is offered to curators alone."""

LATELY: Final = 5
"""Requests that a document's page names."""


async def index(visit: Visit) -> None:
    """The sources that this person may know of."""
    session = await visit.session()
    found = await visit.gateway.library.sources(session.principal)
    await visit.page("sources.html", {"sources": found, "now": visit.gateway.clock.now_us()})


async def source(visit: Visit) -> None:
    """One source and its documents. Raises NotFound alike for what is unknown and what is not for this person."""
    session = await visit.session()
    text, state, skip = visit.query.get("path", "").strip(), visit.query.get("state", ""), skipped(visit.query)
    state = state if state in STATES else ""
    shelf = await visit.gateway.library.shelf(session.principal, visit.name, text=text, state=state, skip=skip, most=MOST)
    if shelf is None:
        raise NotFound(
            "There is no such source that you may read.", code="source.not_there", mend="The page Sources lists those that you may."
        )
    offered = [(key, word) for key, word in STATES.items() if key != "unread" or shelf.source.care is not None]
    content = {
        "source": shelf.source,
        "documents": shelf.documents,
        "pages": pages(f"{PATH}/{visit.name}", {"path": text, "state": state}, skip=skip, total=shelf.total, one="document"),
        "path": text,
        "state": state,
        "states": offered,
        "now": visit.gateway.clock.now_us(),
    }
    await visit.page("source.html", content)


async def history(visit: Visit) -> None:
    """One document and its versions. Raises NotFound alike for what is unknown and what is not for this person."""
    session = await visit.session()
    name = visit.query.get("name", "")
    found = await visit.gateway.library.history(session.principal, name) if document.sound(name) else None
    if found is None:
        raise NotFound(
            "There is no such document that you may read.", code="document.not_there", mend="It was removed, or its readers changed."
        )
    content = {
        "found": found,
        "cited": await _cited(visit, session.principal, [each.version for each in found.versions]),
        "lately": LATELY,
        "states": OUTCOME,
        "now": visit.gateway.clock.now_us(),
    }
    await visit.page("history.html", content)


async def _cited(visit: Visit, principal: Principal, versions: Sequence[str]) -> Sequence[Listed] | None:
    """The last requests whose answer cites one of the versions, of those that this person may inspect. None when there is nothing to
    say: no version, or the ledger cannot list them now, which keeps nobody from the document."""
    requests = visit.gateway.requests
    if not versions or not requests.listable(principal):
        return None
    try:
        return (await requests.page(principal, Wanted(limit=LATELY, cites=tuple(versions)))).lines
    except Unavailable:
        return None


AREA: Final = Area(
    "Sources",
    PATH,
    lambda gateway, principal: gateway.library.opens(principal),
    {
        PATH: {"GET": index},
        f"{PATH}/{{name}}": {"GET": source},
        "/console/versions": {"GET": history},
        "/console/document": {"GET": document.show},
    },
)
