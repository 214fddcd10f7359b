"""A guard made of recognisers: one pass over the text says which of them have anything to do, and only those look.

What makes a stream come to the same end as the finished text is kept by all recognisers of such a guard:

- they report a match at every place where one can begin, whatever else matched before it;
- whether one begins at a place is decided by at most :data:`REACH` characters on either side;
- up to where that is decided, no match spans a *rest*: white space right after a small letter or one of ``. , ; ! ?``. So in prose
  only the last word is in doubt;
- a match that has begun may grow, as long as it stands at the text's end.
"""

from __future__ import annotations

import hashlib
import re
from inspect import getsource
from typing import TYPE_CHECKING, Protocol

from headrace.guardrails.regex import Signs
from headrace.guardrails.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

    from headrace.core.ports import Detected

REACH = 256
"""Characters."""
AFTER = 2
"""Characters behind a match that may still speak against it."""
_UP_TO_REST = re.compile(r"(?s:.*)[a-z.,;!?][ \t\r\n]")


class Recogniser(Protocol):
    """Recognises one kind of thing, or a few that look alike. Pure."""

    @property
    def kinds(self) -> Sequence[str]:
        """What it may report."""
        ...

    @property
    def signs(self) -> Sequence[str]:
        """RE2 patterns: wherever it has a match, one of them matches somewhere in the text. Short, for all are tried at once."""
        ...

    def find(self, data: bytes) -> Iterator[Span]:
        """Matches in UTF-8 text, in any order; offsets are bytes."""
        ...


class PatternGuard:
    """Port Guard. `modules` are the sources that decide what is found: its version is made from them."""

    reach = REACH

    def __init__(self, name: str, recognisers: Sequence[Recogniser], modules: Sequence[ModuleType]) -> None:
        self.name = name
        self.version = hashlib.sha256("".join(getsource(module) for module in modules).encode()).hexdigest()[:12]
        self._recognisers = tuple(recognisers)
        signs = [(number, sign) for number, each in enumerate(self._recognisers) for sign in each.signs]
        self._owners = [number for number, _ in signs]
        self._signs = Signs([sign for _, sign in signs])

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every kind that it may report, in order of name."""
        return tuple(sorted({kind for each in self._recognisers for kind in each.kinds}))

    def inspect(self, text: str) -> Sequence[Detected]:
        """Matches in order of start; they may overlap."""
        data = text.encode("utf-8", "replace")
        seen = self._signs.seen(data)
        if not seen:
            return ()
        found = {span for number in {self._owners[index] for index in seen} for span in self._recognisers[number].find(data)}
        ordered = sorted(found, key=lambda span: (span.start, -span.confidence, span.end, span.kind))
        return ordered if len(data) == len(text) else _in_characters(ordered, data)

    def settled(self, text: str, found: Sequence[Detected]) -> int:
        """Up to where nothing changes, whatever follows."""
        tail = max(0, len(text) - REACH)
        rest = _UP_TO_REST.match(text, tail)
        limit = tail if rest is None else rest.end()
        open_from = len(text) - AFTER
        return min([limit, *(each.start for each in found if each.end > open_from)])


def _in_characters(spans: Sequence[Span], data: bytes) -> list[Span]:
    """The spans by characters instead of bytes."""
    places = {0: 0}
    last = 0
    for place in sorted({place for span in spans for place in (span.start, span.end)}):
        places[place] = places[last] + len(data[last:place].decode())
        last = place
    return [Span(span.kind, places[span.start], places[span.end], span.confidence) for span in spans]
