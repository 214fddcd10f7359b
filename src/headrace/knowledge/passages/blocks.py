"""The structure of a text: headings, paragraphs, code, tables, with exact offsets. A line scanner, not a parser: it never rewrites.

Markdown is read by CommonMark's rules for blocks as far as they decide where a passage may begin and end. In plain text only blank lines
mean something.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|\Z)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})(?=[ \t]|\Z)")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_TABLE_ROW = re.compile(r"\s*\|")
_TITLE = re.compile(r"title\s*:\s*(.+?)\s*$", re.IGNORECASE)
_MARKS = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)|\{#[^{}]*\}\s*$")
_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()]*\)|\[[^\[\]]*\])")
_LONGEST_FRONT = 200
"""Lines within which front matter must end."""


class Kind(Enum):
    """What a block is."""

    TEXT = "text"
    HEADING = "heading"
    CODE = "code"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of the text; `end` is where its last line ends. `level` and `title` are of headings."""

    start: int
    end: int
    kind: Kind
    level: int = 0
    title: str = ""


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    end: int
    text: str

    @property
    def blank(self) -> bool:
        return not self.text.strip()


@dataclass(frozen=True, slots=True)
class Structure:
    """The blocks of a text in order, and the title that its front matter gives (front matter is no block)."""

    title: str
    blocks: tuple[Block, ...]


def structure(text: str, *, markdown: bool, front: bool = True) -> Structure:
    """The blocks of a text. Every character that is not white space, front matter apart, is in exactly one of them. `front`: the text
    may begin with front matter."""
    lines = [_Line(found.start(), found.end(), found[0].rstrip("\r\n")) for found in _LINE.finditer(text) if found[0]]
    if not markdown:
        return Structure("", tuple(_paragraphs(lines)))
    title, first = _front(lines) if front else ("", 0)
    return Structure(title, tuple(_markdown(lines[first:])))


def _paragraphs(lines: list[_Line]) -> Iterator[Block]:
    begun: _Line | None = None
    last = 0
    for line in lines:
        if line.blank:
            if begun is not None:
                yield Block(begun.start, last, Kind.TEXT)
            begun = None
            continue
        begun, last = begun or line, line.end
    if begun is not None:
        yield Block(begun.start, last, Kind.TEXT)


def _front(lines: list[_Line]) -> tuple[str, int]:
    """Title and number of lines of the front matter (YAML between ``---``)."""
    if not lines or lines[0].text.rstrip() != "---":
        return "", 0
    for number, line in enumerate(lines[1:_LONGEST_FRONT], start=1):
        if line.text.rstrip() in ("---", "..."):
            titles = (_TITLE.match(each.text) for each in lines[1:number])
            title = next((found[1] for found in titles if found), "")
            return plain_heading(title.strip("\"'")), number + 1
        if line.blank:
            break  # a rule between paragraphs, not front matter
    return "", 0


def _markdown(lines: list[_Line]) -> Iterator[Block]:
    number = 0
    while number < len(lines):
        line = lines[number]
        if line.blank:
            number += 1
            continue
        block, number = _block(lines, number)
        yield block


def _block(lines: list[_Line], number: int) -> tuple[Block, int]:
    """The block that begins at a line, and the number of the line after it."""
    line = lines[number]
    fence = _FENCE.match(line.text)
    if fence:
        return _code(lines, number, fence[1])
    heading = _HEADING.match(line.text)
    if heading:
        title = _unclosed(line.text[heading.end() :].strip(" \t"))
        return Block(line.start, line.end, Kind.HEADING, len(heading[1]), plain_heading(title)), number + 1
    if _TABLE_ROW.match(line.text):
        return _run(lines, number, Kind.TABLE)
    following = lines[number + 1] if number + 1 < len(lines) else None
    underline = _UNDERLINE.match(following.text) if following else None
    if following and underline and not _UNDERLINE.match(line.text):
        level = 1 if underline[1].startswith("=") else 2
        return Block(line.start, following.end, Kind.HEADING, level, plain_heading(line.text)), number + 2
    return _run(lines, number, Kind.TEXT)


def _unclosed(title: str) -> str:
    """A heading's text without the number signs that may close it. Not by a regular expression: one would take minutes on hostile lines."""
    bare = title.rstrip("#")
    return bare.rstrip(" \t") if not bare or bare[-1] in " \t" else title


def _code(lines: list[_Line], number: int, fence: str) -> tuple[Block, int]:
    closing = re.compile(rf" {{0,3}}{re.escape(fence[0])}{{{len(fence)},}}[ \t]*$")
    for end in range(number + 1, len(lines)):
        if closing.match(lines[end].text):
            return Block(lines[number].start, lines[end].end, Kind.CODE), end + 1
    return Block(lines[number].start, lines[-1].end, Kind.CODE), len(lines)


def _run(lines: list[_Line], number: int, kind: Kind) -> tuple[Block, int]:
    """Lines up to a blank one or the beginning of another kind of block."""
    end = number + 1
    while end < len(lines) and not lines[end].blank and not _begins_other(lines[end], kind):
        end += 1
    return Block(lines[number].start, lines[end - 1].end, kind), end


def _begins_other(line: _Line, kind: Kind) -> bool:
    if _FENCE.match(line.text) or _HEADING.match(line.text):
        return True
    return bool(_TABLE_ROW.match(line.text)) is not (kind is Kind.TABLE)


def plain_heading(text: str) -> str:
    """A heading's words without marks and link targets."""
    return " ".join(_MARKS.sub("", _LINK.sub(r"\1", text)).split())
