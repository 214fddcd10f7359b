"""What a key made in the console may be: its maker's own, or one that stands for itself and is nobody yet.

Whoever may administer a tenant is not for that everything in it, and not for that anybody in it. A key that spoke for somebody else would
show its maker what they asked, and would follow every group that they are given later. Whoever may read the workspace's files makes other
keys on the command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.app.acts.operator import NAME as OPERATOR
from headrace.core.errors import Forbidden
from headrace.policy.people import PERSON

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.app.http.ports.people import NewKey
    from headrace.core.values import Principal, StoredKey
    from headrace.policy.people import Roster


def grantable(roster: Roster, maker: Principal) -> frozenset[str]:
    """Groups that the maker may give to a key that stands for itself: those that people.yaml or an import gives to them. What a provider
    said when they signed in holds for that session, and what was given to their own key for that key: neither outlives it in another."""
    member = roster.find(maker.tenant, maker.id)
    return frozenset() if member is None or (member.kind == PERSON) != (maker.kind == PERSON) else member.groups & maker.groups


def require_own(roster: Roster, every: Iterable[StoredKey], maker: Principal, wanted: NewKey) -> None:
    """Raises Forbidden: ``keys.for_another``, ``keys.name_used`` (to be a program that asked before is to see what it asked) or
    ``keys.beyond_maker``."""
    if wanted.holder not in {None, maker.id}:
        message = f'A key made here speaks for you, or for itself: not for "{wanted.holder}".'
        raise Forbidden(message, code="keys.for_another", mend=_on_the_command_line(f"--for {wanted.holder}"))
    holders = {key.holder for key in every if key.tenant == maker.tenant}
    if wanted.holder is None and wanted.name != maker.id and (wanted.name == OPERATOR or wanted.name in holders):
        message = f'"{wanted.name}" is, or was, who another key speaks for.'
        raise Forbidden(message, code="keys.name_used", mend=f"Choose another name. {_on_the_command_line(f'--name {wanted.name}')}")
    beyond = sorted(frozenset(wanted.groups) - grantable(roster, maker))
    if beyond:
        message = f"This key would have the group {', '.join(beyond)}, which neither people.yaml nor an import gives to you."
        raise Forbidden(message, code="keys.beyond_maker", mend=_on_the_command_line(f"--group {beyond[0]}"))


def _on_the_command_line(option: str) -> str:
    return f"Whoever may read the workspace's files can make it: headrace keys create {option}."
