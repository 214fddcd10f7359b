"""Who may read which part of a source: access-list ids for rows, and their resolution for an asker.

A row carries only an id (``documents`` or ``documents:hr/**``). What the id means is looked up at each query in the revision in force,
so a revocation touches no row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.core.containers import container_of
from headrace.core.globs import matches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.config.model import Readers, Source
    from headrace.core.values import Principal


def acl_of(source: Source, path: str) -> str:
    """The access-list id of the document at `path` (POSIX, inside the source): that of the first rule that matches it.

    What an archive or a mail holds has the readers of that file, whatever the rules say of paths like its own.
    """
    outermost = container_of(path) or path
    for rule in source.rules:
        if matches(outermost, rule.path):
            return f"{source.source}:{rule.path}"
    return source.source


def acls_for(sources: Iterable[Source], principal: Principal) -> frozenset[str]:
    """Every access-list id of `sources` that the principal satisfies."""
    held: set[str] = set()
    for source in sources:
        if source.tenant != principal.tenant:
            continue
        if _holds(source.readers, principal):
            held.add(source.source)
        first = {rule.path: rule.readers for rule in reversed(source.rules)}  # a later rule for the same pattern never matches anything
        held.update(f"{source.source}:{path}" for path, readers in first.items() if _holds(readers, principal))
    return frozenset(held)


def may_read(source: Source, path: str, principal: Principal) -> bool:
    """Whether the rules in force let the principal read the document now, whatever its rows say."""
    return acl_of(source, path) in acls_for((source,), principal)


def _holds(readers: Readers, principal: Principal) -> bool:
    return principal.id in readers.people or not principal.groups.isdisjoint(readers.groups)
