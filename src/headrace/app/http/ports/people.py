"""People, keys and sessions, as the console sees them: one's own for everybody, a tenant's for those whom policy lets `administer` it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.app.people.view import Shown
    from headrace.core.people import StoredSession
    from headrace.core.values import Principal, StoredKey


@dataclass(frozen=True, slots=True)
class Standing:
    """Who somebody is here: each group with where it comes from, and what policy lets them do."""

    groups: Mapping[str, Sequence[str]]
    may: Sequence[tuple[str, bool]]
    keys: Sequence[StoredKey]
    sessions: Sequence[StoredSession]


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that somebody wants made in the console. `holder` is who makes it; without one it stands for itself."""

    name: str
    holder: str | None
    groups: tuple[str, ...]
    services: tuple[str, ...] | None
    lasts_us: int


@dataclass(frozen=True, slots=True)
class MadeKey:
    """What is shown once."""

    secret: str = field(repr=False)
    key: StoredKey


class People(Protocol):
    """Every method that shows a tenant, or acts on what is not one's own, raises NotFound for whoever may not administer it: to them there
    is no such page. All are of the principal's own tenant."""

    def administers(self, principal: Principal) -> bool:
        """May this principal look after its tenant's people (action ``administer``)?"""
        ...

    async def standing(self, principal: Principal) -> Standing:
        """One's own groups, rights, keys and sessions."""
        ...

    async def everyone(self, principal: Principal) -> Sequence[Shown]:
        """Everyone of the tenant."""
        ...

    async def keys(self, principal: Principal) -> Sequence[StoredKey]:
        """Every key of the tenant, newest first."""
        ...

    async def sessions(self, principal: Principal) -> Sequence[StoredSession]:
        """Every session of the tenant that has not expired."""
        ...

    async def grantable(self, principal: Principal) -> Sequence[str]:
        """Groups that this principal may give to a key that it makes, in order."""
        ...

    async def make_key(self, principal: Principal, wanted: NewKey) -> MadeKey:
        """A new key, recorded before it exists. Raises Forbidden for one that speaks for somebody else (``keys.for_another``), takes a name
        that was another's (``keys.name_used``) or has groups that its maker may not give (``keys.beyond_maker``), and OperationFailed for
        one that does not fit."""
        ...

    async def key(self, principal: Principal, key_id: str) -> StoredKey:
        """A key that this principal may revoke: its own, or any of the tenant. Raises NotFound."""
        ...

    async def revoke_key(self, principal: Principal, key_id: str) -> StoredKey:
        """Revoke it, recorded first. Raises NotFound."""
        ...

    async def session(self, principal: Principal, session_id: str) -> StoredSession:
        """A session that this principal may end: its own, or any of the tenant. Raises NotFound."""
        ...

    async def end_session(self, principal: Principal, session_id: str) -> StoredSession:
        """End it, recorded first. Raises NotFound."""
        ...
