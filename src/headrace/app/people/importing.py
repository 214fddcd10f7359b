"""Importing people: what a file would change, and changing it, all or nothing.

Whoever is in people.yaml stays as it says. The import adds to them: groups of both count, and somebody whom the import says is not active
may do nothing. Two who would get one id, or an id that is somebody else's, are faults: nobody becomes somebody else by an import.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from headrace.app.acts.operator import NAME as OPERATOR
from headrace.app.people import scim
from headrace.app.people.names import selves
from headrace.core.people import StoredPerson
from headrace.policy.people import PERSON, Members, id_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from headrace.adapters.stores.control import ControlStore
    from headrace.app.people.scim import ScimPerson
    from headrace.config.model import Workspace
    from headrace.core.values import Facts


@dataclass(frozen=True, slots=True)
class Change:
    """One person, before (None: nobody) and after."""

    before: StoredPerson | None
    after: StoredPerson

    @property
    def kind(self) -> str:
        """``new``, ``deactivated``, ``reactivated``, ``changed`` or ``same``."""
        if self.before is None:
            return "new"
        if self.before.active != self.after.active:
            return "reactivated" if self.after.active else "deactivated"
        return "same" if replace(self.before, changed_us=0) == replace(self.after, changed_us=0) else "changed"


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would do. `unknown` are groups of the file that mean nothing here."""

    tenant: str
    changes: Sequence[Change]
    unknown: Sequence[str]

    @property
    def counts(self) -> Mapping[str, int]:
        """How many of each kind."""
        kinds = [each.kind for each in self.changes]
        return {kind: kinds.count(kind) for kind in ("new", "changed", "deactivated", "reactivated", "same")}

    @property
    def people(self) -> Sequence[tuple[StoredPerson | None, StoredPerson]]:
        """Those who are to be kept: as they were seen, and as they are to be."""
        return [(each.before, each.after) for each in self.changes if each.kind != "same"]

    def facts(self) -> Facts:
        """For the ledger: counts alone."""
        return {"tenant": self.tenant, **self.counts, "unknown_groups": len(self.unknown)}


def planned(content: bytes, workspace: Workspace, store: ControlStore, tenant: str, now_us: int, *, complete: bool = False) -> Plan:
    """What importing this file would change. `complete`: people who were imported before and are not in it are no longer active.

    Raises OperationFailed naming every fault of the file.
    """
    people = scim.read(content)
    groups = _Groups(workspace, tenant)
    before = store.people.every(tenant)
    changes: list[Change] = []
    faults: list[str] = []
    names = _Names(workspace, store, tenant, before)
    for each in people:
        found = names.of(each, faults)
        if found is not None:
            changes.append(_change(each, *found, tenant, groups, now_us))
    if faults:
        raise scim.failed(faults)
    if complete:
        there = {each.after.id for each in changes}
        gone = (each for each in before if each.origin == "import" and each.active and each.id not in there)
        changes += [Change(each, replace(each, active=False, changed_us=now_us)) for each in gone]
    return Plan(tenant, changes, sorted(groups.unknown))


def _change(said: ScimPerson, name: str, before: StoredPerson | None, tenant: str, groups: _Groups, now_us: int) -> Change:
    """A resource of another id is another person, although it took over the user name: they came now, and nothing of the one before is
    theirs."""
    another = before is not None and bool(before.external and said.external) and before.external != said.external
    kept = before.groups if before is not None and not another else ()
    after = StoredPerson(
        tenant=tenant,
        id=name,
        user_name=said.user_name,
        name=said.name,
        email=said.email,
        external=said.external,
        groups=kept if said.groups is None else groups.meant(said.groups),
        active=said.active,
        origin="import",
        created_us=before.created_us if before is not None and not another else now_us,
        changed_us=now_us,
    )
    return Change(before, after)


class _Groups:
    """What groups of the file mean here: what headrace.yaml says under identity, and nothing else. That a group of the directory happens to
    be called as one here makes nobody an administrator."""

    def __init__(self, workspace: Workspace, tenant: str) -> None:
        self._said = workspace.root.identity.groups
        self._known = Members(workspace).groups(tenant)
        self.unknown: set[str] = set()

    def meant(self, theirs: Iterable[str]) -> tuple[str, ...]:
        found: set[str] = set()
        for each in theirs:
            ours = self._known.intersection(self._said.get(each, ()))
            found |= ours
            if not ours:
                self.unknown.add(each)
        return tuple(sorted(found))


class _Names:
    """Which id somebody of the file has, and who had it before."""

    def __init__(self, workspace: Workspace, store: ControlStore, tenant: str, before: Sequence[StoredPerson]) -> None:
        self._tenant = tenant
        self._members = Members(workspace)
        self._by_id = {each.id: each for each in before}
        self._by_external = {each.external: each for each in before if each.external}
        self._by_name = {each.user_name.casefold(): each for each in before}
        self._selves = selves(store, tenant)
        self._given: dict[str, str] = {}
        self._called: dict[str, str] = {}

    def of(self, said: ScimPerson, faults: list[str]) -> tuple[str, StoredPerson | None] | None:
        """The id, and the person as kept; None when there is a fault, which is added."""
        where, called = f"{said.path}.userName", said.user_name.casefold()
        before = self._by_external.get(said.external) or self._by_name.get(called)
        name = before.id if before is not None else self._new(said)
        if name is None:
            faults.append(f'{where}: "{said.user_name}" makes no id: letters, digits, dot, dash and underscore before an @')
            return None
        wrong = self._wrong(said, name, before)
        if wrong is not None:
            faults.append(f"{where}: {wrong}")
            return None
        self._given[name] = self._called[called] = said.path
        return name, before

    def _new(self, said: ScimPerson) -> str | None:
        """The id of somebody who was not imported yet: that of the person in people.yaml who is meant, or one made of the name."""
        called = said.user_name.casefold()
        written = (each for each in self._members.every(self._tenant) if each.kind == PERSON and each.sign_in is not None)
        return next((each.id for each in written if (each.sign_in or "").casefold() == called), None) or id_of(said.user_name)

    def _wrong(self, said: ScimPerson, name: str, before: StoredPerson | None) -> str | None:
        called = said.user_name.casefold()
        if (other := self._called.get(called) or self._given.get(name)) is not None:
            return f'"{said.user_name}" would be "{name}", and so would {other}'
        if before is None and name in self._by_id:
            return f'"{said.user_name}" would be "{name}", who is "{self._by_id[name].user_name}"'
        written = self._members.find(self._tenant, name)
        if written is not None and written.kind != PERSON:
            return f'"{name}" is an application in people.yaml'
        if written is not None and (written.sign_in or written.id).casefold() != called:
            return f'"{name}" is somebody in people.yaml: where it is the same person, write there  sign in: {said.user_name}'
        if name == OPERATOR or name in self._selves:
            return f'"{name}" is the name of a key that stands for itself'
        return None
