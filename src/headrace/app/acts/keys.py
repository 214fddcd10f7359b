"""Keys as the operator makes them: checked against the revision in force, recorded in the ledger, then kept by their hash."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.app.acts import recording
from headrace.app.ids import SystemClock
from headrace.app.revisions import control_store, current
from headrace.config.faults import did_you_mean, listed
from headrace.core.errors import NotFound, OperationFailed
from headrace.core.values import StoredKey
from headrace.policy.keys import PUBLIC, mint, well_formed
from headrace.policy.people import ITSELF, PERSON, Roster

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from headrace.adapters.stores.control import ControlStore
    from headrace.config.layout import Layout
    from headrace.config.model import Workspace
    from headrace.core.values import Facts


@dataclass(frozen=True, slots=True)
class Wanted:
    """A key to be made. Without a `holder` it stands for itself, under its name; without a `tenant` there must be only one."""

    name: str
    tenant: str | None = None
    groups: tuple[str, ...] = ()
    holder: str | None = None
    services: tuple[str, ...] | None = None
    lasts_us: int | None = None


def create(layout: Layout, wanted: Wanted, *, by: str | None = None) -> tuple[str, StoredKey]:
    """A new key: its secret, which nobody can show again, and what is kept of it.

    Raises OperationFailed when it does not fit the revision in force, or the ledger cannot record it: then there is no key.
    """
    with closing(control_store(layout)) as store:
        return issue(layout, store, current(store)[0].compile(), wanted, by=by)


def issue(layout: Layout, store: ControlStore, workspace: Workspace, wanted: Wanted, *, by: str | None = None) -> tuple[str, StoredKey]:
    """:func:`create` with a store that is open."""
    secret, digest, key = drafted(workspace, store, wanted)
    recording.record_now(layout, "keys.create", facts_of(key), by=by)
    store.create_key(key, digest)
    return secret, key


def drafted(workspace: Workspace, store: ControlStore, wanted: Wanted) -> tuple[str, str, StoredKey]:
    """A key that fits the revision in force and is not kept yet: its secret, the hash to keep it by, and the rest. Raises
    OperationFailed."""
    tenant = tenant_of(workspace, wanted.tenant)
    roster = Roster(workspace, store.people)
    holder, kind = _holder(roster, tenant, wanted)
    _all_known("--group", "group", wanted.groups, roster.members.groups(tenant), f" in tenant {tenant}")
    _all_known("--service", "service", wanted.services or (), workspace.services)
    secret, public, digest = mint()
    now = SystemClock().now_us()
    key = StoredKey(
        id=public,
        name=wanted.name,
        holder=holder,
        kind=kind,
        tenant=tenant,
        groups=tuple(dict.fromkeys(wanted.groups)),
        services=None if wanted.services is None else tuple(dict.fromkeys(wanted.services)),
        created_us=now,
        expires_us=None if wanted.lasts_us is None else now + wanted.lasts_us,
        revoked_us=None,
        holders=roster.holders(tenant, holder),
    )
    return secret, digest, key


def revoke(layout: Layout, key_id: str, *, by: str | None = None) -> StoredKey:
    """End a key for good, by its id (or the whole key); one that is revoked already stays so, and nothing is recorded again.

    Raises NotFound, and OperationFailed or Unavailable when the ledger cannot record it: then the key still holds.
    """
    with closing(control_store(layout)) as store:
        known = {each.id: each for each in store.list_keys()}
        key = known.get(key_id[:PUBLIC] if well_formed(key_id) else key_id)
        if key is None:
            alike = did_you_mean(key_id, known)
            mend = f'Did you mean "{alike}"?' if alike else "headrace keys list shows them."
            raise NotFound("There is no key with this id.", code="keys.unknown", mend=mend)
        if key.revoked_us is not None:
            return key
        recording.record_now(layout, "keys.revoke", facts_of(key), by=by)
        return store.revoke_key(key.id, SystemClock().now_us())


def every(layout: Layout) -> Sequence[StoredKey]:
    """Every key that ever was, oldest first. Raises OperationFailed when nothing was ever applied."""
    with closing(control_store(layout)) as store:
        return store.list_keys()


def tenant_of(workspace: Workspace, named: str | None) -> str:
    """The tenant that is meant. Raises OperationFailed when there is none of that name, or several to choose from."""
    tenants = workspace.root.tenants
    if named is not None:
        _all_known("--tenant", "tenant", (named,), tenants)
        return named
    if len(tenants) == 1:
        return tenants[0]
    msg = "This installation has several tenants; which one is meant?"
    raise OperationFailed(msg, code="keys.tenant", param="--tenant", mend=f"Known: {listed(tenants)}.")


def _holder(roster: Roster, tenant: str, wanted: Wanted) -> tuple[str, str]:
    """Whom the key speaks for, and what that is. Raises OperationFailed."""
    named = roster.find(tenant, wanted.holder or wanted.name)
    if wanted.holder is None:
        if named is not None:
            msg = f'"{wanted.name}" is {"a person" if named.kind == PERSON else "an application"} of this tenant.'
            mend = f"A key of theirs: --for {wanted.name}. A key that stands for itself needs a name of its own."
            raise OperationFailed(msg, code="keys.name_taken", param="--name", mend=mend)
        return wanted.name, ITSELF
    if named is None:
        raise _unknown("--for", "person or application", wanted.holder, roster.members.ids(tenant), f" in tenant {tenant}")
    if not named.active:
        msg = f'"{named.id}" may not come in any more.'
        raise OperationFailed(msg, code="keys.not_active", param="--for", mend="An import said so; another one can say otherwise.")
    return named.id, named.kind


def _all_known(param: str, what: str, names: Sequence[str], known: Collection[str], where: str = "") -> None:
    for name in names:
        if name not in known:
            raise _unknown(param, what, name, known, where)


def _unknown(param: str, what: str, name: str, known: Collection[str], where: str = "") -> OperationFailed:
    alike = did_you_mean(name, known)
    mend = f'Did you mean "{alike}"?' if alike else f"Known: {listed(sorted(known))}."
    return OperationFailed(f'There is no {what} "{name}"{where}.', code="keys.unknown_name", param=param, mend=mend)


def facts_of(key: StoredKey) -> Facts:
    """What the ledger is told of a key."""
    return {
        "key": key.id,
        "holder": key.holder,
        "kind": key.kind,
        "tenant": key.tenant,
        "groups": list(key.groups),
        "services": None if key.services is None else list(key.services),
        "expires_us": key.expires_us,
    }
