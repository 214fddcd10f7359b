"""A draft, sentence by sentence: what the evidence supports is cited, the rest flagged or removed.

A sentence is held until it has been checked, so a stream never sends what is taken out. All of it is held until one sentence is cited:
without any the answer is quoted, or nothing is when the model itself says that the passages do not answer.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from headrace.core.draft import DECLINED, LEANS, UNFINISHED, Outcome, Sentence
from headrace.core.events import TextDelta
from headrace.core.flow import CleanQuote
from headrace.core.text import raw_stretch
from headrace.core.values import Evidence, FinishReason, Mode, Quote
from headrace.guardrails.door import cut
from headrace.knowledge.passages.sentences import LEANS_BACK
from headrace.pipeline.drafting import DECLINES
from headrace.pipeline.generate import ABSTENTION, quoted
from headrace.pipeline.pieces import Pieces

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from headrace.core.flow import CleanPassage, Grounded, Reserved
    from headrace.core.values import Span, Verdict
    from headrace.pipeline.generate import Generation
    from headrace.pipeline.pieces import Piece
    from headrace.pipeline.rooms import Rooms

FLAG: Final = "[not in the sources]"
"""What stands behind a sentence that is flagged."""
MOST: Final = 200
"""Sentences of one draft. What follows is removed unread, so that a record stays small."""


class Drafted:
    """The stream of what is left and, once closed, what became of every sentence."""

    def __init__(self, deltas: AsyncGenerator[TextDelta], generation: Generation, reserved: Reserved, rooms: Rooms) -> None:
        routed = reserved.routed
        assert routed.grounded is not None  # noqa: S101 - a draft has evidence
        knowledge = rooms.workspace.services[routed.screened.call.service].knowledge
        self._deltas = deltas
        self._generation = generation
        self._grounded: Grounded = routed.grounded
        self._passages = routed.grounded.passages[: routed.shown]
        self._evidence = [Evidence(each.heading.text if each.heading else "", each.text.text) for each in self._passages]
        self._checker = rooms.checker
        self._flags = knowledge is not None and knowledge.unsupported == "flag"
        self._numbers: dict[Span, int] = {}
        self._held: list[str] = []
        self._cited = False
        self._written = False
        self.mode = Mode.DRAFT
        self.quotes: tuple[CleanQuote, ...] = ()
        self.sentences: list[Sentence] = []

    async def events(self) -> AsyncGenerator[TextDelta]:
        """Raises Unavailable when the evidence cannot be asked: nothing unchecked leaves."""
        pieces = Pieces()
        async with aclosing(self._deltas):
            async for delta in self._deltas:
                for text in await self._checked(pieces.push(delta.text)):
                    yield TextDelta(text)
        rest = pieces.finish()
        broken = self._generation.state().finish is not FinishReason.STOP and rest and not rest[-1].ended
        for text in await self._checked(rest[:-1] if broken else rest):
            yield TextDelta(text)
        if broken:
            self.sentences.append(Sentence(Outcome.REMOVED, 0.0, UNFINISHED))
        for text in self._instead():
            yield TextDelta(text)

    def _instead(self) -> Iterator[str]:
        """What is given when no sentence is cited: the model's word that the passages do not answer, else what can be quoted."""
        if self._cited:
            return
        if any(each.reason == DECLINED for each in self.sentences):
            self.mode = Mode.ABSTAIN
            yield ABSTENTION
        else:
            self.mode, self.quotes = Mode.QUOTE, self._grounded.quotes
            yield from quoted(self.quotes)

    async def _checked(self, pieces: Sequence[Piece]) -> list[str]:
        """What may leave of these sentences, and of those that were held."""
        pieces = pieces[: MOST - len(self.sentences)]
        if not pieces:
            return []
        verdicts = await self._checker.check([each.text for each in pieces], self._evidence)
        for piece, verdict in zip(pieces, verdicts, strict=True):
            self._judge(piece, verdict)
        if not self._cited:
            return []
        ready, self._held = self._held, []
        return ready

    def _judge(self, piece: Piece, verdict: Verdict) -> None:
        if DECLINES.fullmatch(piece.text):
            self.sentences.append(Sentence(Outcome.REMOVED, verdict.score, DECLINED))
        elif self.sentences and self.sentences[-1].outcome is Outcome.REMOVED and LEANS_BACK.match(piece.text):
            self.sentences.append(Sentence(Outcome.REMOVED, verdict.score, verdict.reason or LEANS))
        elif not verdict.reason:
            cites = tuple(sorted({self._number(span, verdict.score) for span in verdict.spans}))
            self._cited = True
            self._write(piece, "".join(f"[{n}]" for n in cites))
            self.sentences.append(Sentence(Outcome.CITED, verdict.score, cites=cites))
        elif self._flags and not verdict.never:
            self._write(piece, FLAG)
            self.sentences.append(Sentence(Outcome.FLAGGED, verdict.score, verdict.reason))
        else:
            self.sentences.append(Sentence(Outcome.REMOVED, verdict.score, verdict.reason))

    def _write(self, piece: Piece, mark: str) -> None:
        before = piece.before if self._written else ""
        self._written = True
        self._held.append(f"{before}{'- ' if piece.item else ''}{piece.text} {mark}")

    def _number(self, span: Span, score: float) -> int:
        """The number of a citation; the same place has one."""
        number = self._numbers.get(span)
        if number is None:
            self._numbers[span] = number = len(self._numbers) + 1
            self.quotes = (*self.quotes, _cited(self._passages[span.passage], span, score))
        return number


def _cited(shown: CleanPassage, span: Span, score: float) -> CleanQuote:
    """A span of a passage as it was shown, as a quote of the stored text."""
    start, end = raw_stretch(shown.seams, span.start, span.end)
    begin = shown.passage.start
    quote = Quote(span.passage, begin + start, begin + end, "", shown.passage.place, score)
    return CleanQuote(quote, cut(shown.text, span.start, span.end))
