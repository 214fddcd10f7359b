"""What detectors report, and the one way through what they report: from left to right.

Order decides, not the whole, so that a stream and a finished text come to the same end. A match that must be refused is never outdone.
Where masks overlap, the later one covers what is left of it: nothing that any guard saw shows through.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from headrace.core.text import Action

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from headrace.core.ports import Detected, Guard
    from headrace.guardrails.fold import Folded

_STRENGTH = {Action.FLAG: 0, Action.MASK: 1, Action.REFUSE: 2}


class Span(NamedTuple):
    """One match: character offsets, kind, confidence (0…1). Port Detected."""

    kind: str
    start: int
    end: int
    confidence: float = 1.0


class Ruled(NamedTuple):
    """A match, who saw it, and what is to be done about it."""

    span: Span
    guard: str
    version: str
    action: Action


@dataclass(frozen=True, slots=True)
class Seen:
    """Every match of every rule in one text, in the order in which they are taken, and up to where they are final."""

    found: list[Ruled]
    settled: int


def look(folded: Folded, rules: Iterable[tuple[Guard, Action]], base: int = 0, since: int = 0, *, ended: bool = True) -> Seen:
    """What the guards see in a text (that may go on, unless it has `ended`) of what starts at the folded place `since` or later: what is
    before that has been looked at, and is there because guards look back. `base` is where the text begins in the whole that offsets count
    in."""
    settled = len(folded.text)
    found: list[Ruled] = []
    for guard, action in rules:
        matches = guard.inspect(folded.text)
        if since:
            matches = [each for each in matches if each.start >= since]
        if not ended:
            settled = min(settled, guard.settled(folded.text, matches))
        if matches:
            found.extend(Ruled(_standing(each, folded, base), guard.name, guard.version, action) for each in matches)
    if len(found) > 1:
        found.sort(key=_order)
    return Seen(found, base + folded.start(settled))


class Walk:
    """Goes through matches in their order and says what each comes to."""

    def __init__(self) -> None:
        self.covered = 0
        """Up to where masks cover the text."""

    def step(self, each: Ruled) -> Ruled | None:
        """The match, less what an earlier mask covers; None when that is all of it."""
        if each.action is Action.REFUSE:
            return each
        if each.span.end <= self.covered:
            return None
        if each.action is Action.FLAG:
            return each
        start = max(each.span.start, self.covered)
        self.covered = each.span.end
        return each if start == each.span.start else each._replace(span=each.span._replace(start=start))

    def through(self, found: Iterable[Ruled]) -> Iterator[Ruled]:
        """Each match as it comes out, those that are covered left out."""
        for each in found:
            if (left := self.step(each)) is not None:
                yield left


def _standing(each: Detected, folded: Folded, base: int) -> Span:
    """A match, by its place in the text as it stands."""
    return Span(each.kind, base + folded.start(each.start), base + folded.end(each.end), each.confidence)


def _order(each: Ruled) -> tuple[int, int, float, int, str, str]:
    """From left to right; of those that start together the strongest action, then the surest, then the longest first."""
    span = each.span
    return span.start, -_STRENGTH[each.action], -span.confidence, -span.end, each.guard, span.kind
