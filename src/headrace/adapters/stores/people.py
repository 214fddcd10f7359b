"""The tables of people who came by import or by signing in, and of the accounts at providers that they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import delete, insert, select

from headrace.adapters.stores import sessions as session_table
from headrace.adapters.stores import tenures
from headrace.adapters.stores.database import reading, turn_keys, writing
from headrace.adapters.stores.tables import accounts, keys, people, sessions
from headrace.core.errors import Forbidden, OperationFailed
from headrace.core.people import Account, StoredPerson

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Engine, Row

    from headrace.core.people import StoredSession


class PeopleTables:
    """People in the control store. Synchronous; looking up is quick, the others wait for the disk."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def person(self, tenant: str, name: str) -> StoredPerson | None:
        """The person of a tenant with this id."""
        with reading(self._engine) as connection:
            row = connection.execute(select(people).where(people.c.tenant == tenant, people.c.id == name)).first()
        return None if row is None else _person(row)

    def tenure(self, tenant: str, name: str) -> int:
        """Which holder of this id people.yaml means, as a number: it is another one once the id was somebody else's, or nobody's."""
        with reading(self._engine) as connection:
            return tenures.tenure(connection, tenant, name)

    def called(self, user_name: str) -> Sequence[StoredPerson]:
        """Those of any tenant whom a provider calls so."""
        with reading(self._engine) as connection:
            return [_person(row) for row in connection.execute(select(people).where(people.c.called == user_name.casefold()))]

    def every(self, tenant: str | None = None) -> Sequence[StoredPerson]:
        """Everyone of a tenant, or of all, in order of tenant and id."""
        query = select(people).order_by(people.c.tenant, people.c.id)
        with reading(self._engine) as connection:
            return [_person(row) for row in connection.execute(query if tenant is None else query.where(people.c.tenant == tenant))]

    def change(self, changes: Iterable[tuple[StoredPerson | None, StoredPerson]]) -> None:
        """Keep people as they are to be, all or none, where they still are as the caller saw them (None: nobody). The sessions of those who
        are not active, or somebody else now, end with it.

        Raises OperationFailed (``people.changed_meanwhile``) when anybody was changed, or a name was taken, in the meantime: two who read
        the same state cannot both have decided by it.
        """
        with writing(self._engine) as connection:
            for seen, after in changes:
                before = _row(connection, after)
                if before != seen or (before is None and _stands_for_itself(connection, after)):
                    message = f'"{after.id}" was changed, or is somebody else, since this began.'
                    raise OperationFailed(message, code="people.changed_meanwhile", mend="Nothing was changed: look again, and repeat it.")
                _put(connection, after, before)
            turn_keys(connection)

    def accounts(self, tenant: str) -> Sequence[Account]:
        """The accounts that are tied to people of a tenant."""
        query = select(accounts).where(accounts.c.tenant == tenant).order_by(accounts.c.person, accounts.c.issuer)
        with reading(self._engine) as connection:
            return [_account(row) for row in connection.execute(query)]

    def account(self, issuer: str, subject: str) -> Account | None:
        """The account of this subject at this issuer, if it has signed in."""
        with reading(self._engine) as connection:
            row = connection.execute(select(accounts).where(accounts.c.issuer == issuer, accounts.c.subject == subject)).first()
        return None if row is None else _account(row)

    def sign_in(self, account: Account, session: StoredSession) -> None:
        """Tie the account to its person, if it is not yet, and begin the session: both or neither.

        Raises Forbidden when the account is tied to another person, or the person to another account of that issuer.
        """
        with writing(self._engine) as connection:
            mine = (accounts.c.issuer == account.issuer) & (accounts.c.subject == account.subject)
            theirs = (accounts.c.issuer == account.issuer) & (accounts.c.tenant == account.tenant) & (accounts.c.person == account.person)
            tied = [_account(row) for row in connection.execute(select(accounts).where(mine | theirs))]
            for each in tied:
                _require_same(each, account)
            connection.execute(delete(accounts).where(mine))
            first = min([account.first_us, *(each.first_us for each in tied)])
            connection.execute(insert(accounts).values({**_columns(account), "first_us": first}))
            session_table.keep(connection, session)

    def forget(self, tenant: str, name: str) -> None:
        """Nobody came under this id. Idempotent."""
        with writing(self._engine) as connection:
            connection.execute(delete(people).where(people.c.tenant == tenant, people.c.id == name))
            turn_keys(connection)

    def untie(self, tenant: str, name: str) -> int:
        """Let every account of a person go, and end the sessions that they opened; how many accounts."""
        with writing(self._engine) as connection:
            theirs = sessions.c.subject.is_not(None) & (sessions.c.tenant == tenant) & (sessions.c.holder == name)
            connection.execute(delete(sessions).where(theirs))
            return connection.execute(delete(accounts).where(accounts.c.tenant == tenant, accounts.c.person == name)).rowcount


def _require_same(tied: Account, wanted: Account) -> None:
    mend = "An administrator can untie the two: headrace people untie."
    if tied.subject != wanted.subject:
        message = "Somebody else has signed in as this person before."
        raise Forbidden(message, code="identity.person_taken", mend=mend)
    if (tied.tenant, tied.person) != (wanted.tenant, wanted.person):
        message = "Your provider now gives you another name than the one you signed in with before."
        raise Forbidden(message, code="identity.name_changed", mend=mend)


def _row(connection: Connection, person: StoredPerson) -> StoredPerson | None:
    row = connection.execute(select(people).where(people.c.tenant == person.tenant, people.c.id == person.id)).first()
    return None if row is None else _person(row)


def _stands_for_itself(connection: Connection, person: StoredPerson) -> bool:
    theirs = select(keys.c.id).where(keys.c.tenant == person.tenant, keys.c.holder == person.id, keys.c.kind == "key")
    return connection.execute(theirs.limit(1)).first() is not None


def _put(connection: Connection, person: StoredPerson, before: StoredPerson | None) -> None:
    if not person.active or (before is not None and before.created_us != person.created_us):
        connection.execute(delete(sessions).where(sessions.c.tenant == person.tenant, sessions.c.holder == person.id))
    connection.execute(delete(people).where(people.c.tenant == person.tenant, people.c.id == person.id))
    connection.execute(
        insert(people).values(
            tenant=person.tenant,
            id=person.id,
            user_name=person.user_name,
            called=person.user_name.casefold(),
            name=person.name,
            email=person.email,
            external=person.external,
            groups=msgspec.json.encode(person.groups).decode(),
            active=person.active,
            origin=person.origin,
            created_us=person.created_us,
            changed_us=person.changed_us,
        )
    )


def _columns(account: Account) -> dict[str, object]:
    return {name: getattr(account, name) for name in Account.__dataclass_fields__}


def _account(row: Row[tuple[object, ...]]) -> Account:
    return Account(**{name: getattr(row, name) for name in Account.__dataclass_fields__})


def _person(row: Row[tuple[object, ...]]) -> StoredPerson:
    return StoredPerson(
        tenant=row.tenant,
        id=row.id,
        user_name=row.user_name,
        name=row.name,
        email=row.email,
        external=row.external,
        groups=msgspec.json.decode(row.groups, type=tuple[str, ...]),
        active=row.active,
        origin=row.origin,
        created_us=row.created_us,
        changed_us=row.changed_us,
    )
