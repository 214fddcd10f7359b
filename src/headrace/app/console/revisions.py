"""Revisions: what was in force when, how two of them differ, and the way back to an earlier one. For those who may change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from headrace.app.console.paging import MOST, pages, skipped
from headrace.core.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.app.console.area import Pages
    from headrace.app.console.visit import Visit
    from headrace.app.http.ports.revisions import Turn

PATH: Final = "/console/revisions"
BACK: Final = "/console/roll-back"
T = TypeVar("T")


def tabs(here: str) -> Sequence[tuple[str, str, bool]]:
    """The two sides of the area, for those who see both."""
    return [(title, path, path == here) for title, path in (("Services", "/console/services"), ("Revisions", PATH))]


async def index(visit: Visit) -> None:
    """What was in force when, the newest first."""
    session = await visit.session()
    turns = _there(await visit.gateway.revisions.history(session.principal))
    skip = skipped(visit.query)
    turned = turns[0] if turns and visit.query.get("turned") == str(turns[0].n) else None
    content = {
        "turns": [(turn, _before(turns, skip + n)) for n, turn in enumerate(turns[skip : skip + MOST])],
        "pages": pages(PATH, {}, skip=skip, total=len(turns), one="turn"),
        "newest": turns[0].revision if turns else "",
        "turned": turned,
        "now": visit.gateway.clock.now_us(),
        "tabs": tabs(PATH),
    }
    await visit.page("revisions.html", content)


async def revision(visit: Visit) -> None:
    """One revision, laid over another: the one that its turn replaced, or the one that the address names."""
    session = await visit.session()
    turns = _there(await visit.gateway.revisions.history(session.principal))
    last = next((n for n, turn in enumerate(turns) if turn.revision.startswith(visit.name)), None)
    if last is None:
        _there(None)
        return
    against = visit.query.get("against", "") or _before(turns, last) or turns[last].revision
    found = _there(await visit.gateway.revisions.comparison(session.principal, against, visit.name))
    content = {
        "revision": found.after,
        "found": found,
        "held": [turn for turn in turns if turn.revision == found.after],
        "others": list(dict.fromkeys(turn.revision for turn in turns if turn.revision != found.after)),
        "in_force": turns[0].revision == found.after,
        "now": visit.gateway.clock.now_us(),
    }
    await visit.page("revision.html", content)


async def confirm(visit: Visit) -> None:
    """What going back would change, and the question whether to."""
    session = await visit.session()
    turns = _there(await visit.gateway.revisions.history(session.principal))
    found = _there(
        await visit.gateway.revisions.comparison(session.principal, turns[0].revision if turns else "", visit.query.get("to", ""))
    )
    await visit.page("roll_back.html", {"found": found, "same": found.before == found.after, "now": visit.gateway.clock.now_us()})


async def roll_back(visit: Visit) -> None:
    """Go back, as an act of this person."""
    session, fields = await visit.signed_form()
    revisions = visit.gateway.revisions
    turn = _there(await revisions.roll_back(session.principal, fields.get("to", ""), expected=fields.get("expected", "")))
    await visit.go(f"{PATH}?turned={turn.n}")


def _before(turns: Sequence[Turn], n: int) -> str | None:
    """The revision that the turn `n` replaced (turns are newest first)."""
    return turns[n + 1].revision if n + 1 < len(turns) else None


def _there(found: T | None) -> T:
    """Raises NotFound alike for what is unknown and for whom it is not."""
    if found is None:
        raise NotFound(
            "There is no such revision that you may see.", code="revision.not_there", mend="The page Services lists what you may ask."
        )
    return found


PAGES: Final[Pages] = {
    PATH: {"GET": index},
    f"{PATH}/{{name}}": {"GET": revision},
    BACK: {"GET": confirm, "POST": roll_back},
}
