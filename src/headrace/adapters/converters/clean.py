"""What a converter wrote, made fit to quote: marks that only serve typesetting go, words and structure stay.

This runs before the text is stored, so offsets and quotes are exact in what was stored.
"""

from __future__ import annotations

import html
import re
import statistics

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ufeff]")
_HEAD = re.compile(r"<head\b.*?(?:</head\s*>|(?=<body\b))", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(r"<title\b[^>]*>(.*?)</title\s*>", re.IGNORECASE | re.DOTALL)
_TOP_HEADING = re.compile(r"<h1\b", re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_IMAGE = re.compile(r"!\[([^\]\n]*)\]\([^)\n]*\)")
_LINK = re.compile(r"(?<!\\)\[((?:[^\[\]\n\\]|\\.)*)\]\((?:[^()\n]|\([^()\n]*\))*\)")
_EMPHASIS = re.compile(r"(\*\*\*|\*\*|(?<!\w)__)(?=\S)([^\n]*?\S)\1")
_SLANTED = re.compile(r"(?<![\w*\\])\*(?=[^\s*])([^*\n]*[^\s*\\])\*(?![\w*])")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_FENCE = re.compile(r"^ {0,3}(```|~~~)")
_MANY_BREAKS = re.compile(r"\n{3,}")
_BULLET = re.compile(r"^\s*(?:[•‣▪◦●○■\u2013\u2014*-]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s")
_HYPHENATED = re.compile(r"[a-zà-ÿ]-$")
_FULL = 0.75
"""A line that reaches this share of the page's usual width was broken by the page, not by the author."""
_WRAPPED_LINES = 4
"""Pages with fewer lines say nothing about their width."""


def body_of(page: str) -> str:
    """HTML without its head; its title stands as a heading when the page has none of the first level."""
    title = _TITLE.search(page)
    bare = _HEAD.sub("", _COMMENT.sub("", page), count=1)
    words = " ".join(html.unescape(title[1]).split()) if title else ""
    heading = f"<h1>{html.escape(words)}</h1>\n" if words and not _TOP_HEADING.search(bare) else ""
    return f'<html><head><meta charset="utf-8"></head><body>{heading}{bare}</body></html>'


def markdown(text: str) -> str:
    """Converted Markdown without emphasis marks, images, link targets and escapes; code stays as it is."""
    lines: list[str] = []
    fence = ""
    for line in _CONTROLS.sub("", text.replace("\r\n", "\n")).split("\n"):
        mark = _FENCE.match(line)
        if mark and fence in ("", mark[1]):
            fence = "" if fence else mark[1]
            lines.append(line.rstrip())
        else:
            lines.append(line if fence else _plain(line).rstrip())
    return _MANY_BREAKS.sub("\n\n", "\n".join(lines)).strip("\n")


def _plain(line: str) -> str:
    line = _IMAGE.sub(r"\1", line)
    line = _LINK.sub(r"\1", line)
    line = _EMPHASIS.sub(r"\2", line)
    line = _SLANTED.sub(r"\1", line)
    return _ESCAPED.sub(r"\1", line)


def page(text: str) -> str:
    """The text of one PDF page with its paragraphs put together again: lines that the page's width broke are joined."""
    lines = [_CONTROLS.sub("", line).rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    widths = [len(line) for line in lines if line]
    if len(widths) < _WRAPPED_LINES:
        return "\n".join(lines).strip("\n")
    usual = statistics.quantiles(widths, n=10)[-1]
    pieces: list[str] = []
    previous = ""
    for line in lines:
        pieces.append(_between(previous, line, usual) if pieces else "")
        pieces.append(line.strip())
        previous = line.strip()
    joined = "".join(pieces).replace("-\x00", "").replace("\x00", "")
    return _MANY_BREAKS.sub("\n\n", joined).strip("\n")


def _between(before: str, after: str, usual: float) -> str:
    """What stands between two lines of a page: nothing (a word goes on), a space (the sentence does), a line or a paragraph break."""
    if not before or not after:
        return "\n"
    if _BULLET.match(after):
        return "\n"
    if len(before) < usual * _FULL:
        return "\n\n" if before[-1] in ".!?:" or len(before) < usual / 2 else "\n"
    if _HYPHENATED.search(before) and after[0].islower():
        return "\x00"
    return " "
