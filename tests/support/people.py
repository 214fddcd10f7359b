"""People in a control store, for tests that begin with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.adapters.stores.control import ControlStore
    from headrace.core.people import StoredPerson


def keep(store: ControlStore, people: Iterable[StoredPerson]) -> None:
    """Keep these people as they are to be, whoever they are now."""
    store.people.change([(store.people.person(each.tenant, each.id), each) for each in people])
