"""Who is there, and which groups a tenant knows: ``people.yaml``, and beside it whoever came by import or by signing in."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headrace.config.identity import Identity
    from headrace.config.model import Workspace
    from headrace.core.people import StoredPerson

PERSON: Final = "person"
APPLICATION: Final = "application"
ITSELF: Final = "key"
"""Kind of a key that stands for itself: an application that people.yaml does not list."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class Member:
    """A person or an application of one tenant. One who is not `active` is known, and may do nothing."""

    id: str
    kind: str
    tenant: str
    groups: frozenset[str]
    name: str = ""
    sign_in: str | None = None
    """What the provider calls them, where people.yaml says it."""
    active: bool = True


class Members:
    """Everyone in people.yaml, and the groups of each tenant."""

    def __init__(self, workspace: Workspace) -> None:
        people = [
            Member(each.person, PERSON, each.tenant, frozenset(each.groups), each.name, each.sign_in) for each in workspace.people.people
        ]
        programs = [
            Member(each.application, APPLICATION, each.tenant, frozenset(each.groups), each.about) for each in workspace.people.applications
        ]
        self._by_id = {(each.tenant, each.id): each for each in (*people, *programs)}
        self._anywhere = frozenset(workspace.root.groups)
        self.tenants = workspace.root.tenants

    def find(self, tenant: str, name: str) -> Member | None:
        """The member of a tenant by its id: ids of people and applications are one set in a tenant."""
        return self._by_id.get((tenant, name))

    def every(self, tenant: str | None = None) -> Sequence[Member]:
        """Members of a tenant, or of all, in the order of the file."""
        return [each for each in self._by_id.values() if tenant in {None, each.tenant}]

    def ids(self, tenant: str, kind: str | None = None) -> frozenset[str]:
        """Ids of the members of a tenant, of one kind or of both."""
        return frozenset(each.id for each in self._by_id.values() if each.tenant == tenant and kind in {None, each.kind})

    def groups(self, tenant: str) -> frozenset[str]:
        """Groups that somebody of the tenant belongs to, and those that headrace.yaml lists."""
        held = (each.groups for each in self._by_id.values() if each.tenant == tenant)
        return self._anywhere.union(*held)


class PeopleStore(Protocol):
    """Where people are kept who came by import or by signing in. Synchronous and quick."""

    def person(self, tenant: str, name: str) -> StoredPerson | None:
        """The person of a tenant with this id."""
        ...

    def tenure(self, tenant: str, name: str) -> int:
        """Which holder of this id people.yaml means."""
        ...

    def called(self, user_name: str) -> Sequence[StoredPerson]:
        """Those of any tenant whom a provider calls so."""
        ...


class Roster:
    """Everyone there is: people.yaml, and the people of the store beside it.

    Somebody in both has the groups of both, and is active only where the store says so: taking away holds, from whichever side it comes.
    An application of people.yaml stays one, whoever else takes its name.
    """

    def __init__(self, workspace: Workspace, stored: PeopleStore) -> None:
        self.members = Members(workspace)
        self._stored = stored

    def find(self, tenant: str, name: str) -> Member | None:
        """The member of a tenant by its id."""
        written, kept = self.members.find(tenant, name), self._stored.person(tenant, name)
        if kept is None or (written is not None and written.kind != PERSON):
            return written
        return joined(written, kept)

    def holders(self, tenant: str, name: str) -> tuple[str, ...]:
        """Who it is that has this id now, as keys are bound to it: in people.yaml, in the store, or the same one in both."""
        written, kept = self.members.find(tenant, name), self._stored.person(tenant, name)
        found = () if written is None else (f"written/{self._stored.tenure(tenant, name)}",)
        if kept is None or (written is not None and not (written.kind == PERSON and is_same(written, kept))):
            return found
        return (*found, f"kept/{kept.created_us}")

    def taken_by_another(self, tenant: str, name: str) -> bool:
        """Whether somebody joined under the id that people.yaml has since given to a person whom the provider calls otherwise. Until they
        are untied nobody signs in under that id: one of them would become the other."""
        kept = self._stored.person(tenant, name)
        return kept is not None and self._another(kept)

    def _another(self, kept: StoredPerson) -> bool:
        written = self.members.find(kept.tenant, kept.id)
        return written is not None and not (written.kind == PERSON and is_same(written, kept))

    def called(self, user_name: str, tenant: str | None = None) -> Sequence[Member]:
        """Whom a provider may mean by this: those whose ``sign in`` or imported user name it is, and where people.yaml says no such word,
        those whose id it is. Without regard to case. Of one tenant, or of all."""
        wanted = user_name.casefold()
        named = {(each.tenant, each.id) for each in self._stored.called(user_name) if not self._another(each)}
        named |= {
            (each.tenant, each.id)
            for each in self.members.every()
            if each.kind == PERSON and (each.sign_in or each.id).casefold() == wanted
        }
        found = (self.find(*each) for each in sorted(named) if tenant in {None, each[0]} and each[0] in self.members.tenants)
        return [each for each in found if each is not None and each.kind == PERSON]


def joined(written: Member | None, kept: StoredPerson) -> Member:
    """Somebody of the store, with what people.yaml says of them. One who only has the same id gives nothing, but may still take away."""
    if written is None:
        return Member(kept.id, PERSON, kept.tenant, frozenset(kept.groups), kept.name, active=kept.active)
    if not is_same(written, kept):
        return replace(written, active=kept.active)
    return replace(written, groups=written.groups.union(kept.groups), name=written.name or kept.name, active=kept.active)


def is_same(written: Member, kept: StoredPerson) -> bool:
    """Whether a provider calls the person of people.yaml as it calls the one of the store."""
    return (written.sign_in or written.id).casefold() == kept.user_name.casefold()


def id_of(user_name: str) -> str | None:
    """The id that somebody gets whom a provider calls so: the name itself, or what stands before its ``@``; None where neither is one."""
    plain = user_name.casefold()
    for each in (plain, plain.partition("@")[0]):
        if _NAME.fullmatch(each):
            return each
    return None


def meant(theirs: Iterable[str], identity: Identity) -> frozenset[str]:
    """Groups here that groups elsewhere mean."""
    return frozenset(group for each in theirs for group in identity.groups.get(each, ()))
