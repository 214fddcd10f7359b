"""Sources: which there are, what is in each, and the versions of each document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.app.console import document
from headrace.app.console.area import Area
from headrace.app.console.paging import MOST, pages, skipped
from headrace.core.errors import NotFound

if TYPE_CHECKING:
    from headrace.app.console.visit import Visit

PATH: Final = "/console/sources"
STATES: Final = {"": "any", "found": "in searches", "empty": "nothing to find", "unread": "not read"}
"""What documents can be asked for by; the last is offered to curators alone."""


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
    await visit.page("history.html", {"found": found, "now": visit.gateway.clock.now_us()})


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
