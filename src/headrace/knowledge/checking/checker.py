"""Checks drafts: which sentences the passages support, and where. Port EvidenceChecker.

    checker = Checker(quoter.readings, threads)
    verdicts = await checker.check(["The fee is 40 francs."], [Evidence("Fees", "The annual fee is 40 francs.")])

First comes what can be said for sure: a figure must stand in what is cited, a name in the cited passages, and what is cited must not say
the opposite. Then comes what can be said with a chance only: how near the sentence is to what would be cited.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.core.measure import tokens
from headrace.core.values import Span, Verdict
from headrace.knowledge.checking.figures import Figures, figures
from headrace.knowledge.checking.folded import folded
from headrace.knowledge.checking.names import Names
from headrace.knowledge.checking.polarity import contrary
from headrace.knowledge.checking.support import MOST, support
from headrace.knowledge.checking.supported import THRESHOLD, chance
from headrace.knowledge.checking.unknown import unknown, windows
from headrace.knowledge.quoting.reading import SEEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from concurrent.futures import Executor

    from headrace.core.values import Evidence
    from headrace.knowledge.checking.support import Supported
    from headrace.knowledge.passages.sentences import Unit
    from headrace.knowledge.quoting.reading import Reading, Readings

    Place = tuple[int, Unit]

_QUESTION = re.compile(r"[?？][\W_]*\Z")
UNSUPPORTED, NUMBER, NAME, CONTRARY = "unsupported", "number", "name", "contrary"


class Checker:
    """Gives verdicts. Same sentence and passages, same verdict, whatever was checked before or beside it. `threads` do the work."""

    def __init__(self, readings: Readings, threads: Executor) -> None:
        self._readings = readings
        self._threads = threads

    async def check(self, sentences: Sequence[str], passages: Sequence[Evidence]) -> Sequence[Verdict]:
        """A verdict for each sentence, in order."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.verdicts, sentences, passages)

    def verdicts(self, sentences: Sequence[str], passages: Sequence[Evidence]) -> list[Verdict]:
        """The same, CPU-bound."""
        return [self._verdict(each.encode(errors="replace").decode(), passages) for each in sentences]

    def _verdict(self, sentence: str, passages: Sequence[Evidence]) -> Verdict:
        look = looked(sentence, passages, self._readings)
        if look.found is None:
            return Verdict(0.0, look.reason or UNSUPPORTED)
        score = chance(look.found, against=bool(look.reason))
        reason = look.reason or ("" if score >= THRESHOLD else UNSUPPORTED)
        return Verdict(score, reason, () if reason else tuple(Span(place, unit.start, unit.end) for place, unit in look.units))


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of a sentence: how well it is supported (None where nothing could be cited), by which units, and the reason of a rule
    that speaks against it, if any does."""

    found: Supported | None
    units: tuple[Place, ...]
    reason: str


def looked(sentence: str, passages: Sequence[Evidence], readings: Readings) -> Look:
    """Hold a sentence against the passages."""
    plain = folded(sentence)
    # Of a longer one the embedder would not see the end; a question says nothing that could be supported.
    if passages and tokens(plain) <= SEEN and not _QUESTION.search(plain):
        asked, read = readings.of(plain, passages)
        if found := support(plain, asked, passages, read):
            units = completed(plain, found.units, passages, read)
            return Look(found, units, reasoned(sentence, units, passages, unknown(plain, asked.offsets)))
    return Look(None, (), _beyond(sentence, plain, passages, readings))


def _beyond(sentence: str, plain: str, passages: Sequence[Evidence], readings: Readings) -> str:
    """Of a sentence that nothing is cited for: what no passage holds must not even be flagged."""
    texts = [text for each in passages for text in (each.heading, each.text)]
    if Figures(*texts).lacking(sentence):
        return NUMBER
    words = frozenset[str]().union(*(unknown(part, readings.of(part, ())[0].offsets) for part in windows(plain)))
    return NAME if Names(*texts).lacking(sentence, words) else ""


def completed(sentence: str, units: tuple[Place, ...], passages: Sequence[Evidence], readings: Sequence[Reading]) -> tuple[Place, ...]:
    """The units, and those that hold what figures they lack."""
    if not figures(sentence):
        return units
    first = dict.fromkeys(place for place, _ in units)
    every = [
        (place, unit) for place in (*first, *(each for each in range(len(passages)) if each not in first)) for unit in readings[place].units
    ]
    while len(units) < MOST and (lacking := Figures(*_texts(units, passages)).lacking(sentence)):
        holding = (each for each in every if each not in units and any(map(Figures(*_texts([each], passages)).hold, lacking)))
        more = next(holding, None)
        if more is None:
            break
        units = (*units, more)
    return units


def reasoned(sentence: str, units: Sequence[Place], passages: Sequence[Evidence], words: frozenset[str]) -> str:
    """Why a sentence must not be let through; empty when nothing speaks against it. `words` are those of it that nobody knows."""
    texts = _texts(units, passages)
    if Figures(*texts).lacking(sentence):
        return NUMBER
    pages = [text for place in sorted({place for place, _ in units}) for text in (passages[place].heading, passages[place].text)]
    if Names(*pages).lacking(sentence, words):
        return NAME
    return CONTRARY if contrary(sentence, texts[0]) else ""


def _texts(units: Iterable[Place], passages: Sequence[Evidence]) -> list[str]:
    return [passages[place].text[unit.start : unit.end] for place, unit in units]
