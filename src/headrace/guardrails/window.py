"""The hold-back window: output guards on a stream, with the same outcome for any chunking of the same text.

A guard says up to where what it sees is final (:meth:`headrace.core.ports.Guard.settled`); the text up to there may leave, what comes
behind waits. In prose that is the last word; a match under way is held from its first character on, however long it grows. Since matches
are taken from left to right and only when they are final, how the text was cut plays no part in what is found, masked or let out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.core.text import Action, Origin
from headrace.guardrails.door import finding, refusal
from headrace.guardrails.fold import fold
from headrace.guardrails.spans import Walk, look

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.core.errors import Refused
    from headrace.core.ports import Guard, Masks
    from headrace.core.text import Finding
    from headrace.guardrails.fold import Folded
    from headrace.guardrails.spans import Ruled, Span

_SHARE = 16
"""What is held is looked at again once it has grown by one part in this many: a long match costs its length times this, not its square."""


class Window:
    """Screens one answer as it comes. Push text, send what comes back; what :meth:`finish` gives is the rest.

    Once `refusal` is there, nothing more comes: send what came with it, then raise it.
    """

    def __init__(self, rules: Sequence[tuple[Guard, Action]], masks: Masks) -> None:
        self._rules = tuple(rules)
        self._masks = masks
        self.reach = max((guard.reach for guard, _ in self._rules), default=0)
        """The most characters that wait while no match is under way."""
        self.findings: list[Finding] = []
        """What was found so far; offsets are characters of the raw answer."""
        self.refusal: Refused | None = None
        """Why the answer ends here."""
        self._walk = Walk()
        self._ahead: Sequence[Ruled] = ()
        """What the last look saw."""
        self._new: list[str] = []
        self._grown = 0
        self._held = 0
        self._text = ""
        self._base = 0
        """Where `_text` begins in the answer. What is before it plays no part any more."""
        self._decided = 0
        """Up to where matches that start have been taken."""
        self._sent = 0

    def push(self, text: str) -> str:
        """More raw text; what may leave now."""
        if not self._rules:
            return text
        self._new.append(text)
        self._grown += len(text)
        return self._look(ended=False) if self._grown * _SHARE >= self._held else ""

    def finish(self) -> str:
        """The answer has ended: the rest of it."""
        if self._new or self.refusal is not None:
            return self._look(ended=True)
        # Nothing has come since the last look, which saw what there is.
        return self._taken([each for each in self._ahead if each.span.start >= self._decided], self._base + len(self._text))

    def _look(self, *, ended: bool) -> str:
        """Take the matches that are final, and give the text up to where they are."""
        if self.refusal is not None:
            return ""
        self._text += "".join(self._new)
        self._new.clear()
        self._grown = 0
        folded = fold(self._text)
        seen = look(folded, self._rules, self._base, folded.at(self._decided - self._base), ended=ended)
        self._ahead = seen.found
        end = self._base + len(self._text) if ended else max(self._decided, seen.settled)
        ready = self._taken(seen.found, end)
        self._held = self._base + len(self._text) - end
        self._forget(folded)
        return ready

    def _taken(self, found: Sequence[Ruled], end: int) -> str:
        """What leaves of the text up to `end`, the matches that start before it taken."""
        pieces: list[str] = []
        for each in self._walk.through(each for each in found if each.span.start < end):
            self.findings.append(finding(each, Origin.OUTPUT, 0))
            if each.action is Action.REFUSE:
                self.refusal = refusal(tuple(self.findings))
                end = each.span.start
                break
            if each.action is Action.MASK:
                pieces += self._plain(each.span.start), self._masked(each.span)
        pieces.append(self._plain(end))
        self._decided = end
        return "".join(pieces)

    def _plain(self, until: int) -> str:
        """The text up to `until` that has not left, as it is."""
        start, self._sent = self._sent, max(self._sent, until)
        return self._text[start - self._base : self._sent - self._base]

    def _masked(self, span: Span) -> str:
        """A token in place of a stretch."""
        self._sent = span.end
        return self._masks.mask(span.kind, self._text[span.start - self._base : span.end - self._base], Origin.OUTPUT)

    def _forget(self, folded: Folded) -> None:
        """Keep what guards may look back at. They count in what they read."""
        cut = folded.start(max(0, folded.at(self._decided - self._base) - self.reach))
        self._text = self._text[cut:]
        self._base += cut
