"""What a detector reports, and how overlapping reports become one plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.core.text import Action

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headrace.core.ports import Guard

_STRENGTH = {Action.FLAG: 0, Action.MASK: 1, Action.REFUSE: 2}


@dataclass(frozen=True, slots=True)
class Span:
    """One match: character offsets, kind, confidence (0…1). Port Detected."""

    kind: str
    start: int
    end: int
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Ruled:
    """A match, who saw it, and what is to be done about it."""

    span: Span
    guard: str
    version: str
    action: Action


def inspect(text: str, rules: Iterable[tuple[Guard, Action]]) -> list[Ruled]:
    """Every match of every rule, overlaps resolved: the stronger action wins, then the longer match, then the earlier."""
    found = [
        Ruled(Span(each.kind, each.start, each.end, each.confidence), guard.name, guard.version, action)
        for guard, action in rules
        for each in guard.inspect(text)
    ]
    return resolve(found)


def resolve(found: Sequence[Ruled]) -> list[Ruled]:
    """Disjoint matches in order of start."""
    if len(found) < 2:  # noqa: PLR2004 - one cannot overlap
        return list(found)
    ranked = sorted(found, key=lambda each: (-_STRENGTH[each.action], each.span.start - each.span.end, each.span.start, each.guard))
    kept: list[Ruled] = []
    for each in ranked:
        if all(each.span.end <= other.span.start or each.span.start >= other.span.end for other in kept):
            kept.append(each)
    return sorted(kept, key=lambda each: each.span.start)
