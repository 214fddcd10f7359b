"""The workspace as Cedar sees it: which entities there are, and what each is in."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from headrace.policy.people import PERSON, Members

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.config.model import Workspace
    from headrace.core.values import Principal

Uid: TypeAlias = dict[str, str]
Entity: TypeAlias = dict[str, object]


def uid(kind: str, name: str) -> Uid:
    """An entity's name as Cedar's JSON has it."""
    return {"type": kind, "id": name}


def of_workspace(workspace: Workspace) -> str:
    """Everything that stands still while a revision is in force (JSON)."""
    members, root = Members(workspace), workspace.root
    found = [_entity("Tenant", tenant) for tenant in root.tenants]
    found += [_entity("Placement", name) for name in root.placements]
    found += [
        _entity("Group", f"{tenant}/{group}", uid("Tenant", tenant)) for tenant in root.tenants for group in sorted(members.groups(tenant))
    ]
    found += [_entity("Service", name) for name in workspace.services]
    found += [_entity("Source", name, uid("Tenant", form.tenant)) for name, form in workspace.sources.items()]
    found += [_entity("Deployment", name, uid("Placement", form.placement)) for name, form in workspace.deployments.items()]
    return _json(found)


def type_of(principal: Principal) -> str:
    """The entity type of a principal."""
    return "Person" if principal.kind == PERSON else "Application"


def name_of(principal: Principal) -> Uid:
    """A principal's own name."""
    return uid(type_of(principal), f"{principal.tenant}/{principal.id}")


def of_principal(principal: Principal, groups: Iterable[str]) -> str:
    """A principal in these groups and its tenant (JSON)."""
    tenant = uid("Tenant", principal.tenant)
    held = [uid("Group", f"{principal.tenant}/{group}") for group in sorted(groups)]
    return _json([{"uid": name_of(principal), "attrs": {"tenant": {"__entity": tenant}}, "parents": [tenant, *held]}])


def _entity(kind: str, name: str, *parents: Uid) -> Entity:
    return {"uid": uid(kind, name), "attrs": {}, "parents": list(parents)}


def _json(entities: list[Entity]) -> str:
    return msgspec.json.encode(entities).decode()
