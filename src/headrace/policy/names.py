"""The names that policies take from other files: groups, people, services and the like must be there, and mean the right thing."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from headrace.config.faults import did_you_mean, listed
from headrace.config.files import PEOPLE, ROOT
from headrace.policy.people import APPLICATION, PERSON, Members
from headrace.policy.syntax import Found
from headrace.policy.text import references

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from headrace.config.model import Workspace
    from headrace.policy.text import Reference, Statement

_OF_TENANT: Final = frozenset({"Group", "Person", "Application"})
_WHERE: Final[Mapping[str, str]] = {
    "Group": "Somebody in people.yaml must belong to it, or headrace.yaml must list it under groups.",
    "Person": "people.yaml lists everyone under people.",
    "Application": "people.yaml must list it under applications; a key that stands for itself is known to policies by its groups.",
}


class Names:
    """Every name that a policy can mean, by entity type. A type that is missing is not checked: its file could not be read, or its names
    are in no file."""

    def __init__(self, workspace: Workspace, unread: Collection[str] = ()) -> None:
        members, root = Members(workspace), workspace.root
        stems = {kind: {PurePosixPath(path).stem for path in unread if path.startswith(f"{kind}/")} for kind in _FOLDERS.values()}
        found: dict[str, frozenset[str]] = {
            "Service": frozenset(workspace.services) | stems["services"],
            "Source": frozenset(workspace.sources) | stems["sources"],
            "Deployment": frozenset(workspace.deployments) | stems["deployments"],
        }
        if ROOT not in unread:
            found |= {"Tenant": frozenset(root.tenants), "Placement": frozenset(root.placements)}
        if ROOT not in unread and PEOPLE not in unread:
            found["Group"] = frozenset(f"{tenant}/{group}" for tenant in root.tenants for group in members.groups(tenant))
            for kind, name in ((PERSON, "Person"), (APPLICATION, "Application")):
                found[name] = frozenset(f"{tenant}/{each}" for tenant in root.tenants for each in members.ids(tenant, kind))
        self.known: Mapping[str, frozenset[str]] = found


_FOLDERS: Final[Mapping[str, str]] = {"Service": "services", "Source": "sources", "Deployment": "deployments"}


def name_faults(statement: Statement, names: Names) -> Iterator[Found]:
    """Every entity that a statement names and no file has."""
    for each in references(statement):
        known = names.known.get(each.type)
        if known is not None and each.id not in known:
            yield _unknown(each, known)


def _unknown(named: Reference, known: frozenset[str]) -> Found:
    message = f'unknown {named.type.lower()} "{_shown(named.id)}"'
    if named.type in _OF_TENANT:
        return Found(named.word.start, message, _of_tenant(named, known))
    alike = did_you_mean(named.id, known)
    if alike is None:
        return Found(named.word.start, message, f"Known: {listed(sorted(known))}.")
    folder = _FOLDERS.get(named.type)
    return Found(named.word.start, message, f'Did you mean "{alike}"{f" ({folder}/{alike}.yaml)" if folder else ""}?')


def _of_tenant(named: Reference, known: frozenset[str]) -> str:
    """What may be meant: a name like it in the same tenant, or the same name in another. The tenants' own likeness says nothing."""
    every = sorted(known)
    tenant, slash, name = named.id.rpartition("/")
    near = [each for each in every if each.rpartition("/")[0] == tenant] if slash else every
    alike = did_you_mean(name, [each.rpartition("/")[2] for each in near])
    meant = next((each for each in (near if alike else every) if each.rpartition("/")[2] == (alike or name)), None)
    if not slash:
        return f'Write it with its tenant: {named.type}::"{meant or f"tenant/{named.type.lower()}"}".'
    return f'Did you mean "{meant}"?' if meant else f"{_WHERE[named.type]} Known: {listed(every)}."


def _shown(text: str) -> str:
    return text if text.isprintable() and len(text) <= 80 else ascii(text[:80])[1:-1]  # noqa: PLR2004  as much as a line holds
