"""The hold-back window: output guards on a stream, with the same outcome for any chunking of the same text.

The text is inspected in windows at fixed places: window n decides about the matches that *start* in characters n·STRIDE … (n+1)·STRIDE,
once `reach` characters more have come behind them (no match is longer) and a margin that patterns may look at. Where the chunks were cut
plays no part, and no character of a match has left before the match is seen. The stated extra delay is reach + MARGIN + STRIDE characters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.core.text import Action, Origin
from headrace.guardrails.door import finding, refusal
from headrace.guardrails.spans import inspect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.core.ports import Guard, Masks
    from headrace.core.text import Finding

MARGIN = 8
"""Characters around a match that a pattern may look at."""
STRIDE = 32
"""Characters between two inspections."""


class Window:
    """Screens one answer as it comes. Push text, send what comes back; what :meth:`finish` gives is the rest."""

    def __init__(self, rules: Sequence[tuple[Guard, Action]], masks: Masks) -> None:
        self._rules = tuple(rules)
        self._masks = masks
        self.reach = max((guard.reach for guard, _ in self._rules), default=0)
        """The longest match that any of the guards can make."""
        self.findings: list[Finding] = []
        """What was found so far; offsets are characters of the raw answer."""
        self._text = ""
        self._base = 0
        """Offset of `_text` in the answer; everything before has been decided about and is needed no more."""
        self._at = 0
        """Offset up to which matches have been decided about."""
        self._masked_until = 0

    def push(self, text: str) -> str:
        """More raw text; what may leave now. Raises Refused: what was held back is never sent."""
        if not self._rules:
            return text
        self._text += text
        ready: list[str] = []
        while self._base + len(self._text) >= self._at + STRIDE + self.reach + MARGIN:
            ready.append(self._decide(self._at + STRIDE))
        return "".join(ready)

    def finish(self) -> str:
        """The answer has ended: the rest of it. Raises Refused."""
        ready: list[str] = []
        end = self._base + len(self._text)
        while self._at < end:
            ready.append(self._decide(min(end, self._at + STRIDE)))
        return "".join(ready)

    def _decide(self, until: int) -> str:
        """Decide about the matches that start before `until`, and give the text up to there."""
        visible = self._text[: until - self._base + self.reach + MARGIN]
        pieces: list[str] = []
        for each in inspect(visible, self._rules):
            start, end = each.span.start + self._base, each.span.end + self._base
            if self._at <= start < until and start >= self._masked_until:
                self.findings.append(finding(each, Origin.OUTPUT, 0, self._base))
                if each.action is Action.REFUSE:
                    raise refusal(tuple(self.findings))
                if each.action is Action.MASK:
                    pieces += self._plain(start), self._masks.mask(each.span.kind, visible[each.span.start : each.span.end], Origin.OUTPUT)
                    self._at = self._masked_until = end
        pieces.append(self._plain(until))
        self._forget()
        return "".join(pieces)

    def _plain(self, until: int) -> str:
        """The undecided text up to `until`, unless a mask covers it."""
        start = max(self._at, self._masked_until)
        self._at = max(until, self._masked_until)
        return self._text[start - self._base : until - self._base] if until > start else ""

    def _forget(self) -> None:
        """Keep what patterns may look back at: a match that starts further back has been decided about."""
        drop = self._at - self.reach - MARGIN - self._base
        if drop > STRIDE:
            self._text = self._text[drop:]
            self._base += drop
