"""Which names of a tenant are somebody's already, so that nobody new can take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.app.acts.operator import NAME as OPERATOR
from headrace.policy.people import ITSELF

if TYPE_CHECKING:
    from headrace.adapters.stores.control import ControlStore
    from headrace.policy.people import Roster


def taken(store: ControlStore, roster: Roster, tenant: str, name: str) -> bool:
    """Whether a person, an application, a key that stands for itself, or the operator is called so."""
    return name == OPERATOR or roster.find(tenant, name) is not None or name in selves(store, tenant)


def selves(store: ControlStore, tenant: str) -> frozenset[str]:
    """Names of the keys of a tenant that stand for themselves: a person who took one would put an end to the key."""
    return frozenset(key.holder for key in store.list_keys() if key.tenant == tenant and key.kind == ITSELF)
