"""Somebody whom the provider knows and nobody here does becomes a member, where headrace.yaml lets them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from headrace.app.people.names import taken
from headrace.config.identity import JOINERS
from headrace.core.errors import Forbidden, OperationFailed
from headrace.core.people import StoredPerson
from headrace.policy.people import id_of, joined

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from headrace.adapters.stores.control import ControlStore
    from headrace.app.people.claims import Claimed
    from headrace.core.ports import Clock
    from headrace.core.values import Facts
    from headrace.policy.people import Member, Roster

_ASK = "Ask an administrator to add you, and sign in again."


class Joining:
    """Takes newcomers in. `record` writes an act into the ledger: name, facts, by whom."""

    def __init__(self, store: ControlStore, record: Callable[[str, Facts, str], Awaitable[str]], clock: Clock) -> None:
        self._store = store
        self._record = record
        self._clock = clock

    async def join(self, said: Claimed, roster: Roster) -> Member:
        """A new member, recorded before there is one. Raises Forbidden when the tenant is not certain, or the name is somebody's,
        if only since a moment ago."""
        tenants = roster.members.tenants
        tenant = said.tenant or (tenants[0] if len(tenants) == 1 else None)
        if tenant is None:
            message = "There are several tenants here, and your provider does not say which is yours."
            raise Forbidden(message, code="identity.no_tenant", mend=_ASK)
        name = id_of(said.user_name)
        if name is None or taken(self._store, roster, tenant, name):
            message = "Your name at the provider cannot be one here, or is somebody else's."
            raise Forbidden(message, code="identity.name_taken", mend=_ASK)
        now = self._clock.now_us()
        person = StoredPerson(
            tenant=tenant,
            id=name,
            user_name=said.user_name,
            name=said.name,
            email=said.email,
            groups=(JOINERS,),
            origin="sign-in",
            created_us=now,
            changed_us=now,
        )
        await self._record("people.join", {"tenant": tenant, "person": name, "groups": [JOINERS]}, name)
        try:
            await asyncio.to_thread(self._store.people.change, [(None, person)])
        except OperationFailed as error:
            message = "Somebody has joined under this name at this very moment."
            raise Forbidden(message, code="identity.name_taken", mend="Sign in again: it may have been you.") from error
        return joined(None, person)
