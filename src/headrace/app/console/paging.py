"""Long lists in pages: the addresses of the page before and the page after keep the filter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST: Final = 50
"""Rows of a page."""
_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Pages:
    """Where a page lies among `total` of `one` (``document``). `first` and `last` count from 1; both are 0 for none."""

    first: int
    last: int
    total: int
    one: str
    earlier: str | None
    later: str | None


def skipped(query: Mapping[str, str]) -> int:
    """How many rows come before the page that the address names."""
    given = query.get("skip", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) <= _DIGITS else 0


def pages(path: str, wanted: Mapping[str, str], *, skip: int, total: int, one: str) -> Pages:
    """The page after `skip` rows. `wanted` is the filter as the address has it; what is empty is left out."""

    def at(rows: int) -> str:
        asked = urlencode({name: value for name, value in {**wanted, "skip": str(rows) if rows else ""}.items() if value})
        return f"{path}?{asked}" if asked else path

    first = skip + 1 if skip < total else 0
    last = min(skip + MOST, total) if first else 0
    return Pages(first, last, total, one, at(max(0, skip - MOST)) if skip else None, at(skip + MOST) if skip + MOST < total else None)
