"""A model's text as it comes, in sentences: with the same outcome for any chunking of the same text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from headrace.knowledge.passages.sentences import sentences

_MARK = re.compile(r"\s*\[\^?\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*\]")
"""The number of a passage, as the model was told to write it: it is taken out, for what is cited is found anew."""
_BULLET = re.compile(r"\s*(?:[-*+•‣▪●–]|\d{1,3}[.)])[ \t]+")
_BARE = re.compile(r"[\W_]*")
_SHARE = 16
"""What is held is looked at again once it has grown by one part in this many."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A sentence without the numbers of passages. `before` separates it from what came before: a space, a new line, a new paragraph;
    `item` begins a list's item. `ended`: a mark or a line's end closes it."""

    text: str
    before: str
    item: bool
    ended: bool


class Pieces:
    """Push text, take the sentences that are finished; what :meth:`finish` gives is the rest."""

    def __init__(self) -> None:
        self._text = ""
        self._new: list[str] = []
        self._grown = 0
        self._before = ""

    def push(self, text: str) -> list[Piece]:
        """More text; the sentences whose end is certain, whatever follows."""
        self._new.append(text)
        self._grown += len(text)
        return self._look(ended=False) if self._grown * _SHARE >= len(self._text) else []

    def finish(self) -> list[Piece]:
        """The text has ended: the rest of it."""
        return self._look(ended=True)

    def _look(self, *, ended: bool) -> list[Piece]:
        self._text += "".join(self._new)
        self._new.clear()
        self._grown = 0
        found: list[Piece] = []
        *lines, self._text = self._text.split("\n")
        for each in lines:
            found += self._of_line(each)
        line = list(sentences(self._text, 0, len(self._text)))
        whole = line if ended else line[:-1]
        found += [piece for start, stop in whole for piece in self._piece(self._text[start:stop], ended=(stop < len(self._text)))]
        self._text = self._text[whole[-1][1] :] if whole else self._text
        return found

    def _of_line(self, line: str) -> list[Piece]:
        found = [piece for start, stop in sentences(line, 0, len(line)) for piece in self._piece(line[start:stop], ended=True)]
        self._before += "\n"
        return found

    def _piece(self, stretch: str, *, ended: bool) -> list[Piece]:
        """The sentence, unless nothing is left of it without its numbers."""
        bare = _MARK.sub("", stretch)
        bullet = _BULLET.match(bare) if self._before.endswith("\n") or not self._before else None
        text = bare[bullet.end() :].strip() if bullet else bare.strip()
        if _BARE.fullmatch(text):
            return []
        lines = self._before.count("\n")
        before = "\n\n" if lines > 1 else "\n" if lines else " "
        self._before = " "
        return [Piece(text, before, bullet is not None, ended or text[-1] in ".!?…。！？\"'”’)")]
