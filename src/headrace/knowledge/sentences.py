"""Where sentences begin and end in a text, and what of it a person would call one answer. Offsets are exact; nothing is rewritten.

Chunking cuts a long paragraph between sentences; quoting shows them. Both ask here, so that a quote never spans what a passage divides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.knowledge.chunk_blocks import Kind, structure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.knowledge.chunk_blocks import Block

_END = re.compile(r"(?:[.!?…]+[\"'”’)\]*_`]*(?=\s)|[。！？]+[\"”’」』）]*)\s*")
_ABBREVIATIONS = r"e\.g|i\.e|cf|etc|vs|Dr|Mr|Mrs|Ms|Prof|St|No|Nr|Fig|Sec|Art|approx|incl|z\.B|d\.h|bzw|ca"
_ABBREVIATION = re.compile(rf"(?:\b(?:{_ABBREVIATIONS})|\b[A-Z]|^\s*\d+)\.$")
_LOOK_BACK = 16
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|\Z)")
_MARKER = re.compile(r"[ \t]*(?:(?:[-*+•‣◦▪●–]|\d{1,4}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?|>[ \t]?)+")
_WORD = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class Unit:
    """What can be quoted by itself: a sentence, an item of a list, a row of a table, a block of code. A heading only gives context."""

    start: int
    end: int
    kind: Kind


def sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Sentences of a stretch as ranges that follow each other without a gap; white space stays with the sentence before it."""
    for found in _END.finditer(text, start, end):
        if _ABBREVIATION.search(text, max(start, found.start() - _LOOK_BACK), found.start() + 1):
            continue
        yield start, found.end()
        start = found.end()
    if start < end:
        yield start, end


def units(text: str) -> tuple[Unit, ...]:
    """The units of a passage, in order and apart. Items are without their bullet; what holds no letter or digit is no unit."""
    found = (unit for block in structure(text, markdown=True).blocks for unit in _of_block(text, block))
    return tuple(unit for unit in found if _WORD.search(text, unit.start, unit.end))


def _of_block(text: str, block: Block) -> Iterator[Unit]:
    if block.kind in (Kind.HEADING, Kind.CODE):
        ranges: Iterator[tuple[int, int]] = iter(((block.start, block.end),))
    elif block.kind is Kind.TABLE:
        ranges = _lines(text, block.start, block.end)
    else:
        ranges = (sentence for item in _items(text, block) for sentence in sentences(text, *item))
    for start, end in ranges:
        words = text[start:end]
        begin = start + len(words) - len(words.lstrip())
        if words.strip():
            yield Unit(begin, begin + len(words.strip()), block.kind)


def _items(text: str, block: Block) -> Iterator[tuple[int, int]]:
    """The items of a list without their markers, each with the lines that continue it; other text as it stands."""
    start = block.start
    for line, _ in _lines(text, block.start, block.end):
        marker = _MARKER.match(text, line, block.end)
        if marker is None:
            continue
        if start < line:
            yield start, line
        start = marker.end()
    if start < block.end:
        yield start, block.end


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    return ((found.start(), found.end()) for found in _LINE.finditer(text, start, end) if found.start() < found.end())
