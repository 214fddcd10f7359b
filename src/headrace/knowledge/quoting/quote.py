"""Quotes: which sentences of the found passages answer the question, and how sure that is.

    quoter = Quoter(minilm)                              # once; safe for any number of threads
    quotes = quoter.quotes(question, passages, limit)    # CPU-bound: off the event loop
    Found(passages, quotes, …, threshold=THRESHOLD)

A quote's confidence is the chance that it holds the answer, as calibrated on a named mixture of questions: the first sentence's by how much
the sources speak of the question, the others' by how far they are behind it (docs/explanation/evidence-first.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.core.values import Quote
from headrace.knowledge.documents.places import narrowed
from headrace.knowledge.quoting.confidence import CALIBRATION, confidence, ordered
from headrace.knowledge.quoting.match import match
from headrace.knowledge.quoting.reading import Readings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.core.values import Passage
    from headrace.knowledge.passages.sentences import Unit
    from headrace.knowledge.quoting.match import Matches
    from headrace.knowledge.quoting.reading import TokenEmbedder

READINGS_BYTES = 32 * 1024 * 1024
"""What is kept of passages that were read: about 250 of the longest."""
THRESHOLD = CALIBRATION.threshold
"""The calibrated confidence below which a service abstains unless it says otherwise."""


class Quoter:
    """Finds the sentences that answer. Same question and passages, same quotes, whatever was asked before.

    `readings_bytes` bounds the memory for passages that were read. It holds no text, but vectors of it, under a hash of the text.
    """

    def __init__(self, embedder: TokenEmbedder, *, readings_bytes: int = READINGS_BYTES) -> None:
        self._readings = Readings(embedder, readings_bytes)

    @property
    def readings(self) -> Readings:
        """What was read, to be shared: drafts are checked against the same passages."""
        return self._readings

    def quotes(self, question: str, passages: Sequence[Passage], limit: int) -> tuple[Quote, ...]:
        """Up to `limit` quotes that do not overlap, in descending confidence; none when nothing can be quoted.

        A quote's text is exactly the stored characters; its offsets are into the stored text of the passage's version.
        """
        matches = self.matches(question, passages) if limit > 0 else None
        if matches is None:
            return ()
        order = ordered(matches)
        taken: list[Quote] = []
        for row, sure in zip(order, confidence(matches, order), strict=True):
            place, unit = matches.places[int(row)]
            quote = _beside(taken, passages[place], place, unit, float(sure))
            if quote is not None:
                taken.append(quote)
            if len(taken) == limit:
                break
        return tuple(taken)

    def matches(self, question: str, passages: Sequence[Passage]) -> Matches | None:
        """Every sentence that can be quoted, and how it matches; None when there is none. Calibration starts here."""
        question = question.encode(errors="replace").decode()  # half a surrogate pair is no text for anything native
        if not passages or not question.strip():
            return None
        asked, readings = self._readings.of(question, passages)
        return match(question, asked, list(zip((passage.text for passage in passages), readings, strict=True)))


def _beside(taken: Sequence[Quote], passage: Passage, place: int, unit: Unit, sure: float) -> Quote | None:
    """A quote of a unit that shows nothing that these show already: all that it would show, else the unit alone, else none."""
    for start, end in ((unit.shown_start, unit.shown_end), (unit.start, unit.end)):
        quote = Quote(
            place,
            passage.start + start,
            passage.start + end,
            passage.text[start:end],
            narrowed(passage.place, passage.text, start, end),
            sure,
        )
        if not any(_same(quote, other) for other in taken):
            return quote
    return None


def _same(quote: Quote, other: Quote) -> bool:
    """Whether two quotes share characters of one passage, or say the same words."""
    overlap = quote.passage == other.passage and quote.start < other.end and other.start < quote.end
    return overlap or quote.text.split() == other.text.split()
