"""What a key made in the console may do: nothing that its maker may not.

Whoever may administer a tenant is not for that everything else in it. So a key speaks for its maker, or for somebody who has no group that
the maker lacks, and whom neither policies nor sources name by themselves; a key that stands for itself has only groups of its maker; and
a maker who is bound to services binds the key to some of them. Whoever may read the workspace's files makes other keys on the command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.core.errors import Forbidden
from headrace.policy.people import PERSON
from headrace.policy.rules import rules_of

if TYPE_CHECKING:
    from headrace.app.http.ports.people import NewKey
    from headrace.config.model import Workspace
    from headrace.core.values import Principal
    from headrace.policy.people import Member


def require_within(workspace: Workspace, maker: Principal, holder: Member | None, wanted: NewKey) -> None:
    """Raises Forbidden (``keys.beyond_maker``) unless the key can do no more than its maker."""
    groups = frozenset(wanted.groups) | (holder.groups if holder is not None else frozenset[str]())
    beyond = sorted(groups - maker.groups)
    if beyond:
        raise _refused(f"This key would have the group {', '.join(beyond)}, and you have not.")
    if maker.services is not None and (wanted.services is None or not maker.services.issuperset(wanted.services)):
        raise _refused(f"You are here with a key that is bound to {', '.join(sorted(maker.services))}: bind the new one to some of them.")
    if holder is not None and holder.id != maker.id and named_alone(workspace, holder):
        raise _refused(f'"{holder.id}" is named in policies or as a reader: a key of theirs could do what you cannot.')


def named_alone(workspace: Workspace, holder: Member) -> bool:
    """Whether a policy or a source speaks of this very person or application, and not only of their groups."""
    kind, name = ("Person" if holder.kind == PERSON else "Application"), f"{holder.tenant}/{holder.id}"
    if any(name in rule.named.get(kind, ()) for rule in rules_of(workspace.policies)):
        return True
    sources = (source for source in workspace.sources.values() if source.tenant == holder.tenant)
    return any(holder.id in readers.people for source in sources for readers in (source.readers, *(rule.readers for rule in source.rules)))


def _refused(message: str) -> Forbidden:
    mend = "Whoever may read the workspace's files can make it: headrace keys create."
    return Forbidden(message, code="keys.beyond_maker", mend=mend)
