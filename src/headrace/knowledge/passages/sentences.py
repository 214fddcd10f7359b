"""Where sentences begin and end in a text, and what of it a person would take for one answer. Offsets are exact; nothing is rewritten.

Chunking cuts a long paragraph between sentences; quoting shows them. Both ask here, so that a quote never spans what a passage divides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from headrace.knowledge.passages.blocks import Kind, structure
from headrace.knowledge.passages.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.knowledge.passages.blocks import Block

LONGEST = 1000
"""Characters of a quote that takes in more than its own sentence: the list or the code that it introduces."""
LONGEST_PAIR = 500
"""Characters of a sentence and the one that it leans on, of a question and its answer, and of a table shown whole."""
_END = re.compile(r"(?:(?<![.!?…])[.!?…]+[\"'”’)\]*_`]*(?=\s)|[。！？]+[\"”’」』）]*)\s*")
_ABBREVIATIONS = r"e\.g|i\.e|cf|etc|vs|Dr|Mr|Mrs|Ms|Prof|St|No|Nr|Fig|Sec|Art|approx|incl|z\.B|d\.h|bzw|ca"
_ABBREVIATION = re.compile(rf"(?:\b(?:{_ABBREVIATIONS})|\b[A-Z]|^\s*\d+)\.\Z", re.MULTILINE)
_LOOK_BACK = 16
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|\Z)")
_ITEM = re.compile(r"[ \t]*(?:(?:[-*+•‣◦▪●–]|\d{1,4}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?)+")
_QUOTED = re.compile(r"[ \t]*(?:>[ \t]?)+")
_LEADS = re.compile(r"[:：?？][*_`\s]*\Z|\A(\*\*|__)(?!\s)[^*\r\n]*[^\s*.!。！](?<!_)\1\Z")
"""What ends so, or is a line of its own in bold, is answered by what follows."""
_TAG = re.compile(r"<!--[^<>]*-->|</?(?:table|t[rdh]|thead|tbody|div|section|h[1-6r]|[ou]l|li|d[ltd]|p|br)\b[^<>]*>", re.IGNORECASE)
LEANS_BACK = re.compile(r"[\s*_`\"'“‘(]*(?:It|Its|They|Their|He|His|She|Her|This|That|These|Those)\b(?!['’-])")
"""A sentence that begins so speaks of the one before it."""
_BLANK_LINE = 2
"""Line ends that make one."""
_WORDS = re.compile(r"[^\W_]")
_FEWEST = 4
"""Letters and digits of the shortest quote: ``30 days`` says something, ``No.`` does not."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, an item of a list, a row of a table or a block of code. `shown_start` and `shown_end` are what a quote of it shows:
    the introduction with its list or code, a question with its answer, a small table whole, a sentence with the one that it leans on."""

    start: int
    end: int
    kind: Kind
    item: bool = False
    quotable: bool = True
    shown_start: int = -1
    shown_end: int = -1


def sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Sentences of a stretch as ranges that follow each other without a gap; white space stays with the sentence before it."""
    for found in _END.finditer(text, start, end):
        if text[found.end() : found.end() + 1].islower() or _abbreviated(text, start, found.start() + 1):
            continue
        yield start, found.end()
        start = found.end()
    if start < end:
        yield start, end


def _abbreviated(text: str, start: int, stop: int) -> bool:
    return bool(_ABBREVIATION.search(text, max(start, stop - _LOOK_BACK), stop))


def units(text: str) -> tuple[Unit, ...]:
    """The units of a passage, read as Markdown, in order and apart. Items are without their bullet."""
    bare = plain(text)
    found = [unit for block in structure(text, markdown=True).blocks for unit in _of_block(text, bare, block)]
    return tuple(replace(unit, shown_start=start, shown_end=end) for unit, (start, end) in zip(found, _shown(text, found), strict=True))


def _of_block(text: str, bare: str, block: Block) -> Iterator[Unit]:
    if block.kind is Kind.TABLE:
        yield from _rows(text, bare, block)
    elif block.kind is Kind.TEXT:
        for start, end, item in _items(text, block):
            for sentence in sentences(text, start, end):
                yield from _unit(text, bare, sentence, Kind.TEXT, item=item)
    else:
        yield from _unit(text, bare, (block.start, block.end), block.kind)


def _rows(text: str, bare: str, block: Block) -> Iterator[Unit]:
    """The rows of a table; its head, which a rule follows, is context only."""
    lines = list(_lines(text, block.start, block.end))
    for number, line in enumerate(lines):
        head = number + 1 < len(lines) and _is_rule(text[slice(*lines[number + 1])])
        yield from _unit(text, bare, line, Kind.TABLE, head=head)


def _unit(text: str, bare: str, stretch: tuple[int, int], kind: Kind, *, item: bool = False, head: bool = False) -> Iterator[Unit]:
    """The stretch without white space around it (and, of prose, tags of blocks), unless nothing is left."""
    start, end = _trimmed(text, *stretch, tags=kind is Kind.TEXT)
    if start < end:
        enough = len(_WORDS.findall(bare, start, end)) >= _FEWEST
        yield Unit(start, end, kind, item, enough and not head and kind is not Kind.HEADING)


def _trimmed(text: str, start: int, end: int, *, tags: bool) -> tuple[int, int]:
    words = text[start:end]
    start, end = start + len(words) - len(words.lstrip()), start + len(words.rstrip())
    while tags and (tag := _TAG.match(text, start, end)):
        start = tag.end() + _blank(text, tag.end(), end)
    while tags and text[end - 1 : end] == ">" and _TAG.fullmatch(text, at := max(start, text.rfind("<", start, end)), end):
        end = start + len(text[start:at].rstrip())
    return start, end


def _blank(text: str, start: int, end: int) -> int:
    words = text[start:end]
    return len(words) - len(words.lstrip())


def _is_rule(line: str) -> bool:
    return "-" in line and not line.strip("|:- \t\r\n")


def _items(text: str, block: Block) -> Iterator[tuple[int, int, bool]]:
    """The items of a list without their markers, each with the lines that continue it; other text as it stands."""
    start, item = block.start, False
    for line, _ in _lines(text, block.start, block.end):
        quoted = _QUOTED.match(text, line, block.end)
        marker = _ITEM.match(text, quoted.end() if quoted else line, block.end)
        begin = marker or (quoted if line == block.start else None)
        if begin is None:
            continue
        if start < line:
            yield start, line, item
        start, item = begin.end(), marker is not None
    if start < block.end:
        yield start, block.end, item


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    return ((found.start(), found.end()) for found in _LINE.finditer(text, start, end) if found.start() < found.end())


def _shown(text: str, found: list[Unit]) -> Iterator[tuple[int, int]]:
    """What a quote of each unit shows. Always the unit itself, and never more of its neighbours than fits."""
    for place, unit in enumerate(found):
        before = found[place - 1] if place else None
        if unit.kind is Kind.TABLE:
            yield _table(found, place)
        elif unit.kind is Kind.CODE and before and _leads(text, before) and unit.end - before.start <= LONGEST:
            yield before.start, unit.end
        elif unit.kind is Kind.TEXT and _leads(text, unit):
            yield unit.start, _introduced(text, found, place)
        elif before and _leans(text, before, unit):
            yield before.start, unit.end
        else:
            yield unit.start, unit.end


def _leads(text: str, unit: Unit) -> bool:
    return unit.kind is Kind.TEXT and _LEADS.search(text[unit.start : unit.end]) is not None


def _leans(text: str, before: Unit, unit: Unit) -> bool:
    """Whether a sentence speaks of the one before it in the same paragraph or item."""
    if before.kind is not Kind.TEXT or unit.kind is not Kind.TEXT or unit.end - before.start > LONGEST_PAIR:
        return False
    return _joined(text, before, unit) and LEANS_BACK.match(text, unit.start, unit.end) is not None


def _joined(text: str, before: Unit, unit: Unit) -> bool:
    """Whether no mark and no blank line is between them."""
    between = text[before.end : unit.start]
    return not between.strip() and len(between.splitlines()) < _BLANK_LINE


def _introduced(text: str, found: list[Unit], place: int) -> int:
    """Where that ends which a unit introduces: the items of its list, a block of code, a table, the sentences that answer it."""
    lead, before = found[place], found[place]
    for unit in found[place + 1 :]:
        if not _belongs(text, lead, found[place + 1], before, unit):
            break
        before = unit
    return before.end


def _belongs(text: str, lead: Unit, first: Unit, before: Unit, unit: Unit) -> bool:
    """Whether a unit is of what `lead` introduces. That begins with `first`, and reaches to `before` so far."""
    if unit.kind is Kind.HEADING or (unit.kind, unit.item) != (first.kind, first.item):
        return False
    length = unit.end - lead.start
    if unit.item:
        return length <= LONGEST and (not lead.item or _column(text, unit) > _column(text, lead))
    if unit.kind is Kind.TEXT:
        goes_on = unit is first or (text[lead.end - 1] not in ":：" and _joined(text, before, unit))
        return length <= LONGEST_PAIR and goes_on
    return length <= LONGEST and (unit is first or unit.kind is Kind.TABLE)


def _table(found: list[Unit], place: int) -> tuple[int, int]:
    first = last = place
    while first and found[first - 1].kind is Kind.TABLE:
        first -= 1
    while last + 1 < len(found) and found[last + 1].kind is Kind.TABLE:
        last += 1
    whole = found[first].start, found[last].end
    return whole if whole[1] - whole[0] <= LONGEST_PAIR else (found[place].start, found[place].end)


def _column(text: str, unit: Unit) -> int:
    return unit.start - max(text.rfind("\n", 0, unit.start), text.rfind("\r", 0, unit.start))
