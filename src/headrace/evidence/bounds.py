"""No record is longer than an entry bundle of the log can hold (C2SP: 65,535 bytes): what could grow is cut, and says by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.evidence.log.tiles import LONGEST_ENTRY
from headrace.evidence.records import canonical

if TYPE_CHECKING:
    from headrace.core.values import Fact, Facts

MOST: Final = LONGEST_ENTRY - 1024
"""Bytes of a record that is written: the one that says that it was interrupted is longer by a few words."""
LEFT_OUT: Final = "_left_out"
"""Behind the name of a list: how many of its items the record leaves out."""
_ITEMS: Final = (256, 64, 16, 4, 0)
_CHARACTERS: Final = (4096, 512, 128, 32, 32)
"""How long lists and texts are in each attempt, the first that fits."""
_NAMES: Final = 32
"""Names in an object, and lists in a list, that are kept in any case: more than ours have."""
_STAGES: Final = "stages"
"""The one list of which every item stays: there are few, and each is cut by itself."""


def bounded(record: Facts) -> bytes:
    """The canonical bytes of a record, at most MOST of them. The first items of a list are kept; what its own fields name (who, which
    service, when, the outcome, the price, the commitments) is never cut by less than 32 characters."""
    encoded = canonical(record)
    for items, characters in zip(_ITEMS, _CHARACTERS, strict=True):
        if len(encoded) <= MOST:
            break
        encoded = canonical(_cut(record, items, characters))
    return encoded


def _cut(facts: Facts, items: int, characters: int) -> Facts:
    made: dict[str, Fact] = {}
    for name, value in list(facts.items())[: max(items, _NAMES)]:
        kept = name[:characters]
        if isinstance(value, list) and name != _STAGES:
            made[kept] = [_shorter(each, items, characters) for each in value[:items]]
            if len(value) > items:
                made[f"{kept}{LEFT_OUT}"] = len(value) - items
        else:
            made[kept] = _shorter(value, items, characters)
    return made


def _shorter(value: Fact, items: int, characters: int) -> Fact:
    if isinstance(value, dict):
        return _cut(value, items, characters)
    if isinstance(value, list):
        return [_shorter(each, items, characters) for each in value[: max(items, _NAMES)]]
    return value[:characters] if isinstance(value, str) else value
