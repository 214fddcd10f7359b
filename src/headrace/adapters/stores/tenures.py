"""Whose an id of people.yaml is. A tenure is the time for which an id is one person's, numbered by the turn of the revision that ended the
one before; 0 is from the first on. A key is bound to the tenure of its holder, so that whoever is given the id later has none of its keys.

Somebody who is taken out of people.yaml, or whom it calls otherwise at the provider, or who becomes an application, ends a tenure. Rolling
back to a revision brings back the tenures of its time: it is the same file, so it means the same people. Applying the same words anew does
not, for nobody can tell whom they mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec
from sqlalchemy import delete, insert, select

from headrace.adapters.stores.tables import accounts, people, sessions, tenures

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

Who: TypeAlias = tuple[str, str]
"""Tenant and id."""
Written: TypeAlias = tuple[str, str | None]
"""Kind, and what the provider calls them where the file says it."""


class _Person(msgspec.Struct):
    person: str
    tenant: str = "default"
    sign_in: str | None = msgspec.field(default=None, name="sign in")


class _Application(msgspec.Struct):
    application: str
    tenant: str = "default"


class _People(msgspec.Struct):
    people: list[_Person] | None = None
    applications: list[_Application] | None = None


class _Data(msgspec.Struct):
    file: _People | None = msgspec.field(default=None, name="people.yaml")


def turned(connection: Connection, turn: int, before: str, after: str, back_to: int | None) -> None:
    """Revisions turn from the data `before` to the data `after`: note whose tenures end, and end their sessions and their ties to accounts.

    `back_to`: the turn at which `after` was put in force before, when this goes back to it.
    """
    old, new = _written(before), _written(after)
    ended = {who: turn for who, words in old.items() if who not in new or _another(who[1], words, new[who])}
    if back_to is not None:
        then, now = _held(connection, back_to), {**_held(connection, turn), **ended}
        ended |= {who: then.get(who, 0) for who in new if then.get(who, 0) != now.get(who, 0)}
    for tenant, name in ended:
        _let_go(connection, tenant, name)
    rows = [{"turn": turn, "tenant": tenant, "id": name, "tenure": number} for (tenant, name), number in ended.items()]
    if rows:
        connection.execute(insert(tenures), rows)


def tenure(connection: Connection, tenant: str, name: str) -> int:
    """The tenure of an id."""
    query = select(tenures.c.tenure).where(tenures.c.tenant == tenant, tenures.c.id == name).order_by(tenures.c.turn.desc()).limit(1)
    return connection.execute(query).scalar() or 0


def _held(connection: Connection, turn: int) -> Mapping[Who, int]:
    """Tenures as they were once that turn was made; what is not there is 0."""
    query = select(tenures).where(tenures.c.turn <= turn).order_by(tenures.c.turn)
    return {(row.tenant, row.id): row.tenure for row in connection.execute(query)}


def _let_go(connection: Connection, tenant: str, name: str) -> None:
    """Sessions end at once. Whoever was imported or joined, too, stays tied to their account."""
    connection.execute(delete(sessions).where(sessions.c.tenant == tenant, sessions.c.holder == name))
    kept = select(people.c.id).where(people.c.tenant == tenant, people.c.id == name)
    if connection.execute(kept).first() is None:
        connection.execute(delete(accounts).where(accounts.c.tenant == tenant, accounts.c.person == name))


def _written(data: str) -> Mapping[Who, Written]:
    """Everyone in people.yaml, by what a revision's files say (JSON)."""
    said = msgspec.json.decode(data, type=_Data).file or _People()
    found: dict[Who, Written] = {(each.tenant, each.person): ("person", each.sign_in) for each in said.people or ()}
    return found | {(each.tenant, each.application): ("application", None) for each in said.applications or ()}


def _another(name: str, before: Written, after: Written) -> bool:
    """Whether an id is somebody else's now. To begin to say what the provider calls them changes nobody; to say it no more does, unless it
    was the id: from then on the provider means whom it calls by the id, and any word could be begun with."""
    if before[0] != after[0]:
        return True
    return before[1] is not None and before[1].casefold() != (after[1] or name).casefold()
