"""A stored text to passages: along its headings and paragraphs, each short enough for the embedder to see whole.

A passage is always a stretch of the stored text, character for character: ``text[start:end]``. Passages never overlap, and together hold
every character that is not white space, front matter apart. A section begins a passage; code, tables and paragraphs stay whole where
they fit, then sentences (or lines) do, then words.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.core.measure import tokens
from headrace.knowledge.passages.blocks import Block, Kind, Structure, structure
from headrace.knowledge.passages.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from headrace.core.values import Place

VERSION = "3"
"""Raised when the same text could give other passages: every document is then chunked anew."""
TARGET = 190
"""Estimated tokens that a passage is filled up to."""
BOUND = 225
"""Estimated tokens that no passage passes: true tokens stay below the 254 that the embedder sees, but for rare text (see measure)."""
_WORD = re.compile(r"\S+\s*")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|\Z)")
PLAIN = frozenset({"text/plain", "application/pdf"})
"""Media types whose stored text has no structure but paragraphs. That of all others is Markdown's, or was made so."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage to be: offsets into the text, the words there, and its headings from the outermost (``Travel > Hotels``)."""

    start: int
    end: int
    text: str
    heading: str


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is never divided further, and its size in estimated tokens."""

    start: int
    end: int
    size: int


def chunk(text: str, media_type: str, places: Sequence[Place] = ()) -> list[Chunk]:
    """The passages of a text, in order. None reaches over the border of a place, so that each has one: a page, a slide, a table."""
    markdown = media_type not in PLAIN
    if not places:
        return list(_of_stretch(text, 0, structure(text, markdown=markdown)))
    return [
        each
        for start, end, title in _stretches(text, places)
        for each in _of_stretch(text[start:end], start, structure(text[start:end], markdown=markdown, front=False), title)
    ]


def _stretches(text: str, places: Sequence[Place]) -> Iterator[tuple[int, int, str]]:
    """The places with what stands above them, and what lies between them."""
    at = 0
    for place in places:
        if text[at : place.start].strip():
            yield at, place.start, ""
        yield place.start, place.end, place.heading
        at = place.end
    if text[at:].strip():
        yield at, len(text), ""


def _of_stretch(text: str, at: int, shape: Structure, title: str = "") -> Iterator[Chunk]:
    for heading, blocks in _sections(shape.blocks, title or shape.title):
        for start, end in _packed(piece for block in blocks for piece in _pieces(text, block)):
            if start < end:
                yield Chunk(at + start, at + end, text[start:end], heading)


def passage_id(document: str, version: str, start: int, end: int) -> str:
    """The id of a passage: the same stretch of the same version of the same document always has the same."""
    return hashlib.sha256(f"{document}\0{version}\0{start}\0{end}".encode()).hexdigest()[:32]


def _sections(blocks: Iterable[Block], title: str) -> Iterator[tuple[str, list[Block]]]:
    """Headings with what stands under them. Headings that follow each other at once begin one section together."""
    path: dict[int, str] = {0: title} if title else {}
    gathered: list[Block] = []
    heading = title
    for block in blocks:
        if block.kind is Kind.HEADING:
            if any(each.kind is not Kind.HEADING for each in gathered):
                yield heading, gathered
                gathered = []
            path = {level: words for level, words in path.items() if level < block.level}
            if block.title and not (block.level == 1 and block.title == title):
                path[block.level] = block.title
            heading = " > ".join(path.values())
        gathered.append(block)
    if gathered:
        yield heading, gathered


def _packed(pieces: Iterable[_Piece]) -> Iterator[tuple[int, int]]:
    """Pieces gathered into passages of about the target size."""
    start = end = size = 0
    for piece in pieces:
        together = size + piece.size
        if size and (together > BOUND or (together > TARGET and size > TARGET // 2)):
            yield start, end
            size = 0
        if not size:
            start = piece.start
        end, size = piece.end, size + piece.size
    if size:
        yield start, end


def _pieces(text: str, block: Block) -> Iterator[_Piece]:
    """A block, whole when it fits; else its sentences or lines; else their words; else stretches of characters."""
    whole = _trimmed(text, block.start, block.end)
    if whole is None:
        return
    if whole.size <= BOUND:
        yield whole
        return
    ranges = _lines(text, whole.start, whole.end) if block.kind in (Kind.CODE, Kind.TABLE) else _sentences(text, whole)
    for start, end in ranges:
        part = _trimmed(text, start, end)
        if part is None:
            continue
        if part.size <= BOUND:
            yield part
        else:
            yield from _torn(text, part)


def _torn(text: str, part: _Piece) -> Iterator[_Piece]:
    """A sentence or line that does not fit: its words; a word that does not, in stretches of as many characters as tokens may be."""
    for word in _WORD.finditer(text, part.start, part.end):
        for start in range(word.start(), word.end(), BOUND):
            stretch = _trimmed(text, start, min(start + BOUND, word.end()))
            if stretch is not None:
                yield stretch


def _trimmed(text: str, start: int, end: int) -> _Piece | None:
    """The stretch without white space around it; None when nothing is left."""
    words = text[start:end]
    kept = words.strip()
    if not kept:
        return None
    begin = start + len(words) - len(words.lstrip())
    return _Piece(begin, begin + len(kept), max(1, tokens(kept)))


def _sentences(text: str, part: _Piece) -> Iterator[tuple[int, int]]:
    """Sentences; the items of a list, which end no sentence, by their lines."""
    for start, end in sentences(text, part.start, part.end):
        if tokens(text[start:end]) <= BOUND:
            yield start, end
        else:
            yield from _lines(text, start, end)


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    return ((found.start(), found.end()) for found in _LINE.finditer(text, start, end) if found.start() < found.end())
