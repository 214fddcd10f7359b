"""Who shows a credential: the key behind it, and the person or application behind the key, as the revision in force knows them.

A directory belongs to one revision; a new revision brings a new one, so nothing that it remembers can be of an older revision. Keys are
remembered by their hash as long as the store's keys do not change, which is asked at most every :data:`LOOK_EVERY` seconds: a key that is
revoked opens nothing a second later, and on the way of a request stands one hash and one look into a dictionary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headrace.core.errors import Unauthenticated
from headrace.core.values import Principal
from headrace.policy.keys import SESSION_ID_PREFIX, SESSION_PREFIX, digest_of, well_formed
from headrace.policy.people import APPLICATION, ITSELF, PERSON, Roster, meant
from headrace.policy.sessions import over
from headrace.policy.validity import missing, require_valid, unknown

if TYPE_CHECKING:
    from headrace.config.model import Workspace
    from headrace.core.people import StoredSession
    from headrace.core.ports import Clock, KeyStore
    from headrace.core.values import StoredKey
    from headrace.policy.people import Member, PeopleStore
    from headrace.policy.sessions import ConsoleSessions
    from headrace.policy.uses import KeyUses

LOOK_EVERY: Final = 0.25
"""Seconds for which it is believed that no key was made or revoked."""
NOT_ACTIVE: Final = "identity.not_active"
MOST: Final = 4096
"""Keys that are remembered; beyond that the one longest remembered goes."""


@dataclass(frozen=True, slots=True)
class _Holder:
    """A key and the principal that it makes; or why it makes none."""

    key: StoredKey
    principal: Principal | None
    lack: str = ""
    code: str = "identity.no_holder"


class KeyDirectory:
    """Keys of a store and tokens of sessions, with the people of one revision and those of the store. Port Directory."""

    def __init__(
        self, keys: KeyStore, sessions: ConsoleSessions, people: PeopleStore, uses: KeyUses, clock: Clock, workspace: Workspace
    ) -> None:
        self._keys = keys
        self._sessions = sessions
        self._uses = uses
        self._clock = clock
        self._roster = Roster(workspace, people)
        self._identity = workspace.root.identity
        self._known: dict[str, _Holder] = {}
        self._version: int | None = None
        self._looked: float | None = None

    async def authenticate(self, key: str) -> Principal:
        """Who shows this key, or this session's token.

        Raises Unauthenticated: ``identity.no_key``, ``…unknown_key``, ``…expired_key``, ``…revoked_key``, ``…no_session`` (it is
        over), ``…no_holder`` (nobody has whom it speaks for), ``…not_active`` (who may come in no more). Raises Unavailable when the store
        cannot be read: a key that may have been revoked meanwhile opens nothing.
        """
        if not key:
            raise missing()
        digest = digest_of(key)
        if not key.startswith(SESSION_PREFIX):
            if digest not in self._known and not well_formed(key):
                raise unknown(form=False)
            return await self._by_key(digest)
        session = await self._sessions.find(digest, self._identity.sessions)
        try:
            return await (self._by_account(session) if session.key_digest is None else self._by_key(session.key_digest))
        except Unauthenticated:
            await self._sessions.forget(digest)  # whoever comes back signs in again
            raise

    async def _by_key(self, digest: str) -> Principal:
        await self._look()
        holder = self._known.get(digest) or await self._find(digest)
        now = self._clock.now_us()
        require_valid(holder.key, now)
        if holder.principal is None:
            raise _without(holder.lack, holder.code)
        self._uses.saw(holder.key.id, now)
        return holder.principal

    async def _by_account(self, session: StoredSession) -> Principal:
        """Somebody whom a provider vouched for, with today's groups and today's meaning of those at the provider."""
        await self._look()
        provider = self._identity.sign_in
        if provider is None or provider.issuer != session.issuer:
            raise over()
        member = self._roster.find(session.tenant, session.holder)
        if member is None or member.kind != PERSON or session.tenant not in self._roster.members.tenants:
            message = f'Nobody in tenant "{session.tenant}" is called "{session.holder}" any more.'
            raise _without(message, "identity.no_holder")
        if not member.active:
            raise _without(_not_active(member), NOT_ACTIVE)
        if self._roster.taken_by_another(member.tenant, member.id):
            raise over()
        groups = member.groups | (meant(session.groups, self._identity) & self._roster.members.groups(session.tenant))
        return Principal(member.id, PERSON, member.tenant, groups, f"{SESSION_ID_PREFIX}{session.id}")

    async def _look(self) -> None:
        """Forget every key when any has changed. What is learned holds from before it was asked."""
        now = self._clock.monotonic()
        if self._looked is not None and now - self._looked < LOOK_EVERY:
            return
        version = await self._keys.keys_version()
        if version != self._version:
            self._known.clear()
            self._version = version
        self._looked = now

    async def _find(self, digest: str) -> _Holder:
        version = self._version
        stored = await self._keys.key(digest)
        if stored is None:
            raise unknown(form=True)
        holder = self._holder(stored)
        if version == self._version:  # else a key has changed while this one was read, and it may be this one
            if len(self._known) >= MOST:
                del self._known[next(iter(self._known))]
            self._known[digest] = holder
        return holder

    def _holder(self, key: StoredKey) -> _Holder:
        if key.tenant not in self._roster.members.tenants:
            return _Holder(key, None, f'This key ({key.id}…) is of tenant "{key.tenant}", which is no more.')
        member = self._roster.find(key.tenant, key.holder)
        if key.kind == ITSELF:
            if member is not None:
                return _Holder(key, None, f'This key ({key.id}…) stands for itself, and "{key.holder}" is somebody else now.')
            return _Holder(key, _principal(key, APPLICATION, frozenset()))
        return self._speaker(key, member)

    def _speaker(self, key: StoredKey, member: Member | None) -> _Holder:
        """A key that speaks for somebody, who must still be the same one."""
        if member is None or member.kind != key.kind:
            message = f'This key ({key.id}…) speaks for {key.kind} "{key.holder}", whom tenant "{key.tenant}" does not have.'
            return _Holder(key, None, message)
        if set(key.holders).isdisjoint(self._roster.holders(key.tenant, key.holder)):
            return _Holder(key, None, f'This key ({key.id}…) speaks for who was "{key.holder}" before; that is somebody else now.')
        if not member.active:
            return _Holder(key, None, _not_active(member), NOT_ACTIVE)
        return _Holder(key, _principal(key, member.kind, member.groups))


def _not_active(member: Member) -> str:
    return f'"{member.id}" may not come in any more.'


def _without(message: str, code: str) -> Unauthenticated:
    mend = "Ask an administrator." if code == NOT_ACTIVE else "Ask for a new key, or have people.yaml put right."
    return Unauthenticated(message, code=code, mend=mend)


def _principal(key: StoredKey, kind: str, groups: frozenset[str]) -> Principal:
    return Principal(
        id=key.holder,
        kind=kind,
        tenant=key.tenant,
        groups=groups.union(key.groups),
        key=key.id,
        services=None if key.services is None else frozenset(key.services),
    )
