"""For whom a search on the command line is made, and what they may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.app.acts.operator import GROUPS, NAME
from headrace.config.faults import did_you_mean, listed
from headrace.config.readers import acls_for
from headrace.core.errors import Forbidden, OperationFailed
from headrace.core.values import Principal, Scope
from headrace.policy.engine import CedarEngine
from headrace.policy.people import APPLICATION, Members

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headrace.config.model import Workspace


def asker(workspace: Workspace, tenant: str | None, person: str | None) -> Principal:
    """The operator, or a person or application of people.yaml, with the groups they have there.

    Without a tenant: the first of the workspace, or the person's. Raises OperationFailed for a tenant or a person that is not there.
    """
    tenants = workspace.root.tenants
    if tenant is not None and tenant not in tenants:
        raise _unknown("tenant", tenant, tenants)
    members = Members(workspace)
    looked_in = tenants if tenant is None else (tenant,)
    if person is None:
        home = looked_in[0]
        operator = members.find(home, NAME)
        return Principal(NAME, APPLICATION, home, frozenset(GROUPS).union(operator.groups if operator else ()), key="")
    for home in looked_in:
        if (member := members.find(home, person)) is not None:
            return Principal(member.id, member.kind, home, member.groups, key="")
    raise _unknown("person", person, [name for home in looked_in for name in members.ids(home)])


def scope(workspace: Workspace, principal: Principal, service: str | None, sources: Sequence[str]) -> Scope:
    """What the principal may read in these sources; without sources, in those of the service; without a service, in all of the tenant's.

    Raises OperationFailed for a service or source that is not there.
    """
    if service is not None:
        form = workspace.services.get(service)
        if form is None:
            raise _unknown("service", service, workspace.services)
        if form.knowledge is None:
            raise OperationFailed(f'The service "{service}" has no knowledge to search.', code="search.no_knowledge")
        sources = sources or form.knowledge.sources
    for name in sources:
        if name not in workspace.sources:
            raise _unknown("source", name, workspace.sources)
    names = sources or tuple(workspace.sources)
    forms = [workspace.sources[name] for name in names if workspace.sources[name].tenant == principal.tenant]
    return Scope(principal.tenant, tuple(form.source for form in forms), acls_for(forms, principal))


def require_curator(workspace: Workspace, principal: Principal) -> None:
    """Raises Forbidden unless policy lets the principal see raw scores."""
    decision = CedarEngine(workspace).decide(principal, "curate", ("Tenant", principal.tenant), {})
    if not decision.allowed:
        msg = f"{principal.id} may not see raw scores: they tell of documents that {principal.id} may not read."
        raise Forbidden(msg, mend='Policy would have to allow the action "curate".', facts={"policies": list(decision.policies)})


def _unknown(kind: str, name: str, there: Iterable[str]) -> OperationFailed:
    known = sorted(there)
    near = did_you_mean(name, known)
    mend = f'Did you mean "{near}"?' if near else f"There are: {listed(known)}."
    return OperationFailed(f'The revision in force has no {kind} "{name}".', code=f"search.unknown_{kind}", mend=mend)
