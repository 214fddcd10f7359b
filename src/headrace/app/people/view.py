"""Everyone of a tenant, as they are shown: who they are, which groups they have, and where each group comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from headrace.policy.people import PERSON, Members, joined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.adapters.stores.control import ControlStore
    from headrace.config.model import Workspace
    from headrace.core.people import Account, StoredPerson
    from headrace.policy.people import Member

WRITTEN: Final = "people.yaml"
ORIGINS: Final = {"import": "imported", "sign-in": "joined by signing in"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A person or an application. `groups` say where each comes from; `came` says where the person does."""

    id: str
    kind: str
    tenant: str
    name: str = field(repr=False)
    email: str = field(repr=False)
    active: bool
    groups: Mapping[str, Sequence[str]]
    came: Sequence[str]
    user_name: str = ""
    accounts: Sequence[Account] = ()

    @property
    def seen_us(self) -> int | None:
        """When they last signed in with a provider."""
        return max((each.last_us for each in self.accounts), default=None)


def everyone(workspace: Workspace, store: ControlStore, tenant: str) -> Sequence[Shown]:
    """People and applications of a tenant, in order of their ids."""
    members = Members(workspace)
    written = {each.id: each for each in members.every(tenant)}
    kept = {each.id: each for each in store.people.every(tenant)}
    accounts: dict[str, list[Account]] = {}
    for account in store.people.accounts(tenant):
        accounts.setdefault(account.person, []).append(account)
    found = {name: _written(member, accounts.get(name, [])) for name, member in written.items()}
    for name, person in kept.items():
        if name not in written or written[name].kind == PERSON:
            found[name] = _kept(written.get(name), person, accounts.get(name, []))
    return [found[name] for name in sorted(found)]


def _written(member: Member, accounts: Sequence[Account]) -> Shown:
    return Shown(
        id=member.id,
        kind=member.kind,
        tenant=member.tenant,
        name=member.name,
        email=_email(accounts),
        active=True,
        groups={group: [WRITTEN] for group in sorted(member.groups)},
        came=[WRITTEN],
        user_name=member.sign_in or "",
        accounts=accounts,
    )


def _kept(written: Member | None, kept: StoredPerson, accounts: Sequence[Account]) -> Shown:
    whole, origin = joined(written, kept), ORIGINS[kept.origin]
    there = written.groups if written is not None else frozenset[str]()
    return Shown(
        id=whole.id,
        kind=PERSON,
        tenant=whole.tenant,
        name=whole.name,
        email=kept.email or _email(accounts),
        active=whole.active,
        groups={
            group: [*([WRITTEN] if group in there else []), *([origin] if group in kept.groups else [])] for group in sorted(whole.groups)
        },
        came=[*([WRITTEN] if written is not None else []), origin],
        user_name=kept.user_name,
        accounts=accounts,
    )


def _email(accounts: Sequence[Account]) -> str:
    return next((each.email for each in accounts if each.email), "")
