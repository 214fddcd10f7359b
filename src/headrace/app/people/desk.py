"""Looking after people, keys and sessions from the console. Every act is recorded in the ledger first, by whom it was done."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from headrace.app.acts import keys as key_acts
from headrace.app.http.ports.people import MadeKey, Standing
from headrace.app.people.granting import grantable, require_own
from headrace.app.people.view import everyone
from headrace.core.errors import NotFound
from headrace.policy.keys import SESSION_ID_PREFIX
from headrace.policy.people import APPLICATION, ITSELF, Roster

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from headrace.adapters.stores.control import ControlStore
    from headrace.app.http.ports.people import NewKey
    from headrace.app.people.view import Shown
    from headrace.core.people import StoredSession
    from headrace.core.ports import Clock
    from headrace.core.values import Facts, Principal, StoredKey
    from headrace.pipeline.rooms import Rooms

_ACTS: Final = (
    ("curate", "look after sources, and see raw scores of searches", "Tenant"),
    ("inspect", "see the facts of everybody's requests", "Record"),
    ("prove", "have the proof of everybody's requests", "Record"),
    ("observe", "read the metrics", "Tenant"),
    ("change", "put revisions in force from here", "Tenant"),
    ("administer", "look after people, keys and sessions", "Tenant"),
)
_ANY_RECORD: Final = "req_00000000000000000000000000"


class PeopleDesk:
    """The desk of one gateway. Port :class:`headrace.app.http.ports.people.People`."""

    def __init__(
        self, rooms: Callable[[], Rooms], store: ControlStore, record: Callable[[str, Facts, str], Awaitable[str]], clock: Clock
    ) -> None:
        self._rooms = rooms
        self._store = store
        self._record = record
        self._clock = clock

    def administers(self, principal: Principal) -> bool:
        """May this principal look after its tenant's people?"""
        return self._rooms().policy.decide(principal, "administer", ("Tenant", principal.tenant), {}).allowed

    async def standing(self, principal: Principal) -> Standing:
        """One's own groups, rights, keys and sessions."""
        return await asyncio.to_thread(self._standing, principal, self._may(principal))

    async def everyone(self, principal: Principal) -> Sequence[Shown]:
        """Everyone of the tenant."""
        self._require(principal)
        return await asyncio.to_thread(everyone, self._rooms().workspace, self._store, principal.tenant)

    async def keys(self, principal: Principal) -> Sequence[StoredKey]:
        """Every key of the tenant, newest first."""
        self._require(principal)
        return await asyncio.to_thread(self._keys, principal.tenant)

    async def sessions(self, principal: Principal) -> Sequence[StoredSession]:
        """Every session of the tenant that has not expired."""
        self._require(principal)
        return await asyncio.to_thread(self._sessions, principal.tenant)

    async def grantable(self, principal: Principal) -> Sequence[str]:
        """Groups that this principal may give to a key."""
        self._require(principal)
        return sorted(grantable(Roster(self._rooms().workspace, self._store.people), principal))

    async def make_key(self, principal: Principal, wanted: NewKey) -> MadeKey:
        """A new key of the principal's tenant."""
        self._require(principal)
        workspace = self._rooms().workspace
        asked = key_acts.Wanted(
            name=wanted.name,
            tenant=principal.tenant,
            groups=wanted.groups,
            holder=wanted.holder,
            services=wanted.services,
            lasts_us=wanted.lasts_us,
        )
        secret, digest, key = await asyncio.to_thread(key_acts.drafted, workspace, self._store, asked)
        require_own(Roster(workspace, self._store.people), await asyncio.to_thread(self._store.list_keys), principal, wanted)
        await self._record("keys.create", key_acts.facts_of(key), principal.id)
        await asyncio.to_thread(self._store.create_key, key, digest)
        return MadeKey(secret, key)

    async def key(self, principal: Principal, key_id: str) -> StoredKey:
        """A key that this principal may revoke."""
        every = await asyncio.to_thread(self._keys, principal.tenant)
        found = next((each for each in every if each.id == key_id), None)
        if found is None or not (_holds(principal, found) or self.administers(principal)):
            raise NotFound("There is no such key.", code="keys.unknown", mend="The page People lists those that you may revoke.")
        return found

    async def revoke_key(self, principal: Principal, key_id: str) -> StoredKey:
        """Revoke it; one that is revoked already stays so, and nothing is recorded again."""
        key = await self.key(principal, key_id)
        if key.revoked_us is not None:
            return key
        await self._record("keys.revoke", key_acts.facts_of(key), principal.id)
        return await asyncio.to_thread(self._store.revoke_key, key.id, self._clock.now_us())

    async def session(self, principal: Principal, session_id: str) -> StoredSession:
        """A session that this principal may end."""
        every = await asyncio.to_thread(self._sessions, principal.tenant)
        found = next((each for each in every if each.id == session_id), None)
        if found is None or not (_opened(principal, found) or self.administers(principal)):
            raise NotFound("There is no such session.", code="sessions.unknown", mend="The page People lists those that you may end.")
        return found

    async def end_session(self, principal: Principal, session_id: str) -> StoredSession:
        """End it."""
        session = await self.session(principal, session_id)
        facts: Facts = {"session": session.id, "holder": session.holder, "tenant": session.tenant}
        await self._record("sessions.end", facts, principal.id)
        await asyncio.to_thread(self._store.sessions.end, session.digest)
        return session

    def _require(self, principal: Principal) -> None:
        if not self.administers(principal):
            raise NotFound("There is no such page.", code="request.no_such_page", mend="The console begins at /console/.")

    def _may(self, principal: Principal) -> Sequence[tuple[str, bool]]:
        rooms = self._rooms()
        asked = [name for name in sorted(rooms.workspace.services) if self._allowed(principal, "ask", ("Service", name))]
        told = [(f"ask {', '.join(asked)}" if asked else "ask a service", bool(asked))]
        for action, words, kind in _ACTS:
            told.append((words, self._allowed(principal, action, (kind, principal.tenant if kind == "Tenant" else _ANY_RECORD))))
        return told

    def _allowed(self, principal: Principal, action: str, resource: tuple[str, str]) -> bool:
        context: Mapping[str, object] = {"own": False} if resource[0] == "Record" else {}
        return self._rooms().policy.decide(principal, action, resource, context).allowed

    def _standing(self, principal: Principal, may: Sequence[tuple[str, bool]]) -> Standing:
        known = {each.id: each for each in everyone(self._rooms().workspace, self._store, principal.tenant)}
        me = known.get(principal.id)
        otherwise = "your provider" if principal.key.startswith(SESSION_ID_PREFIX) else "this key"
        groups = {group: me.groups[group] if me is not None and group in me.groups else [otherwise] for group in sorted(principal.groups)}
        keys = [each for each in self._keys(principal.tenant) if _holds(principal, each)]
        sessions = [each for each in self._sessions(principal.tenant) if _opened(principal, each)]
        return Standing(groups, may, keys, sessions)

    def _keys(self, tenant: str) -> Sequence[StoredKey]:
        return [each for each in reversed(self._store.list_keys()) if each.tenant == tenant]

    def _sessions(self, tenant: str) -> Sequence[StoredSession]:
        return [each for each in self._store.sessions.every(self._clock.now_us()) if each.tenant == tenant]


def _holds(principal: Principal, key: StoredKey) -> bool:
    """Whether it is a key of this principal: with a key that is bound to services, this very key. Who finds one ends no other."""
    kinds = (APPLICATION, ITSELF) if principal.kind == APPLICATION else (principal.kind,)
    theirs = key.tenant == principal.tenant and key.holder == principal.id and key.kind in kinds
    return (theirs and principal.services is None) or key.id == principal.key


def _opened(principal: Principal, session: StoredSession) -> bool:
    """Whether it is a session of this principal: with a key that is bound to services, one that this very key opened."""
    return session.holder == principal.id if principal.services is None else session.key == principal.key
