"""Who may read which part of a source: access-list ids for rows, and their resolution for an asker.

A row carries only an id (``documents`` or ``documents:hr/**``). What the id means is looked up at each query in the revision in force,
so a revocation touches no row.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.config.model import Readers, Source
    from headrace.core.values import Principal


def acl_of(source: Source, path: str) -> str:
    """The access-list id of the document at `path` (POSIX, inside the source): that of the first rule that matches it."""
    for rule in source.rules:
        if _pattern(rule.path).fullmatch(path):
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
        held.update(f"{source.source}:{rule.path}" for rule in source.rules if _holds(rule.readers, principal))
    return frozenset(held)


def may_read(source: Source, path: str, principal: Principal) -> bool:
    """Whether the rules in force let the principal read the document now, whatever its rows say."""
    return acl_of(source, path) in acls_for((source,), principal)


def _holds(readers: Readers, principal: Principal) -> bool:
    return principal.id in readers.people or not principal.groups.isdisjoint(readers.groups)


@lru_cache(maxsize=4096)
def _pattern(glob: str) -> re.Pattern[str]:
    """``**`` spans folders, ``*`` and ``?`` stay within one name."""
    pieces = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(pieces.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*\*|\*|\?)", glob)))
