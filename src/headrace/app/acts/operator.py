"""The operator: whoever may read the workspace's files may also ask as its operator, with a key that is gone a minute later.

Making that key is no governed act of its own: nobody gets to see it, and what is asked with it has its record, which names the operator
and the key.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from headrace.app.acts.keys import tenant_of
from headrace.app.ids import SystemClock
from headrace.app.revisions import control_store, current
from headrace.core.values import StoredKey
from headrace.policy.keys import mint
from headrace.policy.people import ITSELF, Roster

if TYPE_CHECKING:
    from collections.abc import Generator

    from headrace.config.layout import Layout

NAME = "operator"
LASTS_US = 60_000_000
GROUPS = ("operators", "curators")
"""Groups of the operator, beside those that people.yaml gives an application of this name."""


@contextmanager
def brief_key(layout: Layout, tenant: str | None) -> Generator[str]:
    """A key of the operator for the block; revoked afterwards, and expired within a minute whatever happens. Without a tenant, of the
    workspace's first. Raises OperationFailed when there is no such tenant, or nothing was ever applied."""
    with closing(control_store(layout)) as store:
        workspace = current(store)[0].compile()
        owner = tenant_of(workspace, tenant or workspace.root.tenants[0])
        roster = Roster(workspace, store.people)
        member = roster.members.find(owner, NAME)
        now = SystemClock().now_us()
        secret, public, digest = mint()
        key = StoredKey(
            id=public,
            name=NAME,
            holder=NAME,
            kind=member.kind if member is not None else ITSELF,
            tenant=owner,
            groups=GROUPS,
            services=None,
            created_us=now,
            expires_us=now + LASTS_US,
            revoked_us=None,
            holders=roster.holders(owner, NAME),
        )
        store.create_key(key, digest)
        try:
            yield secret
        finally:
            store.revoke_key(public, SystemClock().now_us())
