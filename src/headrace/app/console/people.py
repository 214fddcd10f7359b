"""People and keys: one's own standing for everybody; people, keys and sessions of the tenant for those who administer it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from headrace.app.console.area import Area
from headrace.app.console.paging import MOST, pages, skipped
from headrace.app.console.session import session_id
from headrace.app.console.words import said
from headrace.app.http.ports.people import NewKey
from headrace.core.errors import BadRequest, Forbidden, NotFound, OperationFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.app.console.session import Session
    from headrace.app.console.visit import Visit
    from headrace.core.values import StoredKey

PATH: Final = "/console/people"
EVERYONE: Final = "/console/everyone"
KEYS: Final = "/console/keys"
SESSIONS: Final = "/console/sessions"
_DAY_US: Final = 86_400_000_000
KEY_STATES: Final = {"": "hold now", "ended": "have ended", "all": "any"}
"""What keys can be asked for by."""
LASTS: Final = {"30": "30 days", "90": "90 days", "365": "a year"}
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_MOST_WORDS: Final = 50


async def you(visit: Visit) -> None:
    """Who somebody is here, and what is theirs."""
    session = await visit.session()
    standing = await visit.gateway.people.standing(session.principal)
    keys = _holding(standing.keys, visit.gateway.clock.now_us())
    content = {"standing": standing, "keys": keys, "ended": len(standing.keys) - len(keys)}
    await _page(visit, "people.html", {**content, "current": session_id(session.token), "tabs": _tabs(visit, session, PATH)})


async def everyone(visit: Visit) -> None:
    """Everyone of the tenant."""
    session = await visit.session()
    found = await visit.gateway.people.everyone(session.principal)
    await _page(visit, "everyone.html", {"people": found, "tabs": _tabs(visit, session, EVERYONE)})


async def person(visit: Visit) -> None:
    """One of them, with their keys and sessions."""
    session = await visit.session()
    people = visit.gateway.people
    found = next((each for each in await people.everyone(session.principal) if each.id == visit.name), None)
    if found is None:
        raise NotFound("There is nobody of this name.", code="people.unknown", mend="The page Everyone lists them.")
    theirs = [each for each in await people.keys(session.principal) if each.holder == found.id]
    keys = _holding(theirs, visit.gateway.clock.now_us())
    sessions = [each for each in await people.sessions(session.principal) if each.holder == found.id]
    content = {"person": found, "keys": keys, "ended": len(theirs) - len(keys), "sessions": sessions}
    await _page(visit, "person.html", {**content, "current": session_id(session.token)})


async def keys(visit: Visit) -> None:
    """The tenant's keys, newest first: those that hold, unless others are asked for."""
    session = await visit.session()
    now, every = visit.gateway.clock.now_us(), await visit.gateway.people.keys(session.principal)
    state, holder, skip = visit.query.get("state", ""), visit.query.get("holder", "").strip(), skipped(visit.query)
    wanted = [key for key in every if holder in {"", key.holder} and (state == "all" or _ended(key, now) == (state == "ended"))]
    content = {
        "keys": wanted[skip : skip + MOST],
        "pages": pages(KEYS, {"state": state, "holder": holder}, skip=skip, total=len(wanted), one="key"),
        "holding": len(_holding(every, now)),
        "every": len(every),
        "state": state,
        "states": list(KEY_STATES.items()),
        "holder": holder,
        "tabs": _tabs(visit, session, KEYS),
    }
    await _page(visit, "keys.html", content)


def _holding(found: Sequence[StoredKey], now_us: int) -> Sequence[StoredKey]:
    return [key for key in found if not _ended(key, now_us)]


def _ended(key: StoredKey, now_us: int) -> bool:
    return key.revoked_us is not None or (key.expires_us is not None and key.expires_us <= now_us)


async def sessions(visit: Visit) -> None:
    """Every session of the tenant."""
    session = await visit.session()
    found = await visit.gateway.people.sessions(session.principal)
    content = {"sessions": found, "current": session_id(session.token), "tabs": _tabs(visit, session, SESSIONS)}
    await _page(visit, "sessions.html", content)


async def new_key(visit: Visit) -> None:
    """The form for a new key."""
    session = await visit.session()
    await _key_form(visit, session, {"holder": session.principal.id})


async def make_key(visit: Visit) -> None:
    """Make it, and show it once. The answer is not kept by any cache, and loading it anew makes no second key without asking."""
    session, fields = await visit.signed_form()
    try:
        made = await visit.gateway.people.make_key(session.principal, _wanted(fields))
    except (Forbidden, OperationFailed, BadRequest) as error:
        await _key_form(visit, session, fields, error)
        return
    await _page(visit, "new_key.html", {"made": made})


async def ask_revoke(visit: Visit) -> None:
    """Ask before a key is revoked."""
    session = await visit.session()
    await _page(visit, "revoke_key.html", {"key": await visit.gateway.people.key(session.principal, visit.query.get("id", ""))})


async def revoke(visit: Visit) -> None:
    """Revoke it."""
    session, fields = await visit.signed_form()
    await visit.gateway.people.revoke_key(session.principal, fields.get("id", ""))
    await visit.go(KEYS if visit.gateway.people.administers(session.principal) else PATH)


async def ask_end(visit: Visit) -> None:
    """Ask before a session is ended."""
    session = await visit.session()
    found = await visit.gateway.people.session(session.principal, visit.query.get("id", ""))
    await _page(visit, "end_session.html", {"session": found, "current": session_id(session.token)})


async def end(visit: Visit) -> None:
    """End it."""
    session, fields = await visit.signed_form()
    await visit.gateway.people.end_session(session.principal, fields.get("id", ""))
    await visit.go(SESSIONS if visit.gateway.people.administers(session.principal) else PATH)


async def _page(visit: Visit, template: str, content: Mapping[str, object], status: int = 200) -> None:
    await visit.page(template, {"now": visit.gateway.clock.now_us(), **content}, status)


async def _key_form(
    visit: Visit, session: Session, fields: Mapping[str, str], error: Forbidden | OperationFailed | BadRequest | None = None
) -> None:
    groups = await visit.gateway.people.grantable(session.principal)  # nobody else finds this page
    words = None if error is None else said(error)
    given = {name: fields.get(name, "") for name in ("name", "holder", "groups", "services", "lasts")}
    status = 200 if words is None else 400 if isinstance(error, OperationFailed) else words.status
    await _page(visit, "make_key.html", {"given": given, "lasts": list(LASTS.items()), "said": words, "grantable": groups}, status)


def _wanted(fields: Mapping[str, str]) -> NewKey:
    """What the form asks for. Raises BadRequest."""
    name, lasts = fields.get("name", "").strip(), fields.get("lasts", "90")
    if not _NAME.fullmatch(name):
        message = "This is no name for a key."
        mend = "Lower-case letters, digits, dot, dash and underscore; a letter or digit first; at most 63."
        raise BadRequest(message, code="keys.name", param="name", mend=mend)
    if lasts not in LASTS:
        raise BadRequest("A key lasts 30 days, 90 days or a year.", code="keys.expiry", param="lasts", mend="Choose one of them.")
    services = _words(fields.get("services", ""))
    return NewKey(name, fields.get("holder", "").strip() or None, _words(fields.get("groups", "")), services or None, int(lasts) * _DAY_US)


def _words(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(re.split(r"[\s,]+", text.strip()))) if text.strip() else ()
    if len(found) > _MOST_WORDS:
        raise BadRequest("These are too many names.", code="keys.names", mend=f"At most {_MOST_WORDS}.")
    return found


def _tabs(visit: Visit, session: Session, here: str) -> list[tuple[str, str, bool]]:
    if not visit.gateway.people.administers(session.principal):
        return []
    every = (("You", PATH), ("Everyone", EVERYONE), ("Keys", KEYS), ("Sessions", SESSIONS))
    return [(title, path, path == here) for title, path in every]


AREA: Final = Area(
    "People",
    PATH,
    lambda _gateway, _principal: True,
    {
        PATH: {"GET": you},
        EVERYONE: {"GET": everyone},
        f"{EVERYONE}/{{name}}": {"GET": person},
        KEYS: {"GET": keys},
        f"{KEYS}/new": {"GET": new_key, "POST": make_key},
        f"{KEYS}/revoke": {"GET": ask_revoke, "POST": revoke},
        SESSIONS: {"GET": sessions},
        f"{SESSIONS}/end": {"GET": ask_end, "POST": end},
    },
)
