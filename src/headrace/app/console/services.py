"""Services: those that one may ask; and for those who may change what is in force, all of them as they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.app.console import revisions
from headrace.app.console.area import Area
from headrace.core.errors import NotFound

if TYPE_CHECKING:
    from headrace.app.console.visit import Visit
    from headrace.app.http.ports.gateway import Gateway
    from headrace.core.values import Principal

PATH: Final = "/console/services"


async def index(visit: Visit) -> None:
    """The services that this person may ask, or all of them."""
    session = await visit.session()
    offers = visit.gateway.services(session.principal)
    forms = visit.gateway.revisions.services(session.principal)
    turns = await visit.gateway.revisions.history(session.principal) or ()
    content = {
        "offers": offers,
        "forms": forms,
        "turn": turns[0] if turns else None,
        "tabs": revisions.tabs(PATH) if forms is not None else (),
        "now": visit.gateway.clock.now_us(),
    }
    await visit.page("services.html", content)


async def service(visit: Visit) -> None:
    """One service. Raises NotFound alike for what is unknown and what is not for this person."""
    session = await visit.session()
    offers = {offer.name: offer for offer in visit.gateway.services(session.principal)}
    forms = {form.name: form for form in visit.gateway.revisions.services(session.principal) or ()}
    offer, form = offers.get(visit.name), forms.get(visit.name)
    if offer is None and form is None:
        raise NotFound(
            "There is no such service that you may ask.", code="service.not_there", mend="The page Services lists those that you may."
        )
    sources = (
        {each.name for each in await visit.gateway.library.sources(session.principal)} if form is not None and form.sources else set[str]()
    )
    await visit.page("service.html", {"name": visit.name, "offer": offer, "form": form, "opens": sources})


def _may(gateway: Gateway, principal: Principal) -> bool:
    return bool(gateway.services(principal)) or gateway.revisions.opens(principal)


AREA: Final = Area("Services", PATH, _may, {PATH: {"GET": index}, f"{PATH}/{{name}}": {"GET": service}, **revisions.PAGES})
