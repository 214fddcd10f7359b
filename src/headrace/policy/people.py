"""``people.yaml`` as it is looked up: who is there, and which groups a tenant knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from headrace.config.model import Workspace

PERSON: Final = "person"
APPLICATION: Final = "application"
ITSELF: Final = "key"
"""Kind of a key that stands for itself: an application that people.yaml does not list."""


@dataclass(frozen=True, slots=True)
class Member:
    """A person or an application of one tenant."""

    id: str
    kind: str
    tenant: str
    groups: frozenset[str]


class Members:
    """Everyone in people.yaml, and the groups of each tenant."""

    def __init__(self, workspace: Workspace) -> None:
        people = [Member(each.person, PERSON, each.tenant, frozenset(each.groups)) for each in workspace.people.people]
        programs = [Member(each.application, APPLICATION, each.tenant, frozenset(each.groups)) for each in workspace.people.applications]
        self._by_id = {(each.tenant, each.id): each for each in (*people, *programs)}
        self._anywhere = frozenset(workspace.root.groups)
        self.tenants = workspace.root.tenants

    def find(self, tenant: str, name: str) -> Member | None:
        """The member of a tenant by its id: ids of people and applications are one set in a tenant."""
        return self._by_id.get((tenant, name))

    def ids(self, tenant: str, kind: str | None = None) -> frozenset[str]:
        """Ids of the members of a tenant, of one kind or of both."""
        return frozenset(each.id for each in self._by_id.values() if each.tenant == tenant and kind in {None, each.kind})

    def groups(self, tenant: str) -> frozenset[str]:
        """Groups that somebody of the tenant belongs to, and those that headrace.yaml lists."""
        held = (each.groups for each in self._by_id.values() if each.tenant == tenant)
        return self._anywhere.union(*held)
