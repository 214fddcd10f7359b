"""Telephone numbers, international and in the common national ways of writing them.

There is no check digit, so the form must speak: a plus and a country's code; an American number in its three groups; a leading zero and
groups; or a word before it that says what it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.guardrails.regex import regex
from headrace.guardrails.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

_BETWEEN = r"(?:[ ./-]|\) ?| ?\(| - | / )"
_LONGEST_RUN = 40
"""Bytes. What goes on longer is a row of numbers."""
_FEWEST_DIGITS, _MOST_DIGITS = 8, 15
"""Of an international number (ITU-T E.164)."""
_CODE = re.compile(
    r"[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|"
    r"(?:2[1-689]|3[578]|42|50|59|6[789]|8[058]|9[679])[0-9]"
)
"""ITU-T E.164 country codes."""
_NAMED = re.compile(
    rb"(?i)(?:\b(?:tel(?:e?(?:phone|fon|fono|efoon))?|(?:tele)?phone|mob(?:ile|il)?|cell(?:ular)?|fax|handy|natel|desk|direct|whatsapp|sms|"
    rb"hotline|(?:call|text|reach|ring|phone|contact)(?: me| us| him| her| them)? (?:at|on)|"
    rb"(?:call|dial|text|ring)(?: me| us| him| her| them)?(?: the| this| my| our)?(?: number)?|"
    rb"(?:my|your|his|her|our|their|new|home|work|office|contact) number)|t\xc3\xa9l(?:\xc3\xa9phone)?|\xe2\x98\x8e)"
    rb"(?: ?(?:no|nr|number|nummer|num|line))?(?:[.:#]{1,2} ?| )(?:is |at |on |under )?\(?$"
)
_NAMED_BEHIND = re.compile(rb"(?i) ?[-(]? ?(?:(?:tele)?phone|tel|fax|mobile|cell|office)\b")
_CONTEXT = 40
_LONGER = re.compile(rb"[0-9A-Za-z_%]|[.,:/-][0-9]")
_EXTENSION = re.compile(rb"(?: ?x| ?ext\.?:?)[0-9]{1,6}\b")
_NO_START = frozenset(b"_#$.,/-+&"[place : place + 1] for place in range(9))
"""Signs before a number that is part of something else."""
_DATE = re.compile(r"[0-9]{1,2}([./-])[0-9]{1,2}\1(?:19|20)[0-9]{2}\b|(?:19|20)[0-9]{2}([./-])[0-9]{1,2}\2[0-9]{1,2}\b")
_ELSE = re.compile(r"[0-9]{3}-[0-9]{2}-[0-9]{4}$")
"""An American social security number, given out or not."""
_DECIMAL = re.compile(r"\.[0-9]$")
_FORMS = (
    re.compile(r"(?:1[ .-]?\(?)?[2-9][0-9]{2}(?:\) ?|[ .-])[2-9][0-9]{2}[ .-][0-9]{4}\b"),
    re.compile(r"[0-9]{2,5}\) ?[0-9]{2,4}(?:[ -][0-9]{2,4}){1,3}\b"),
    re.compile(r"0[1-9](?:([ .-])[0-9]{2})(?:\1[0-9]{2}){3}\b"),
    re.compile(r"0[1-9][0-9]{0,3}(?:\) ?| ?/ ?| - |[ -])[0-9]{2,8}(?:[ -][0-9]{2,5}){0,4}\b"),
)
"""American, in its groups; with the area in brackets; French, in pairs; most others, with the leading zero of the area."""
_DIGITS = range(8, 13)
"""Of a national number."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Digits with single separators between them, as many as there are."""

    data: bytes
    start: int
    end: int

    def text(self) -> str:
        return self.data[self.start : self.end].decode()

    def before(self) -> bytes:
        return self.data[max(0, self.start - _CONTEXT) : self.start]


class Phones:
    """Looks at runs of digits. Port Recogniser."""

    kinds = ("phone",)
    signs = (rf"[0-9](?:{_BETWEEN}?[0-9]){{6}}",)

    def __init__(self) -> None:
        self._run = regex(rf"[0-9](?:{_BETWEEN}?[0-9]){{6,}}")

    def find(self, data: bytes) -> Iterator[Span]:
        """Its matches."""
        for found in self._run.finditer(data):
            run = _Run(data, found.start(), found.end())
            if run.end - run.start <= _LONGEST_RUN:
                for start, end in _numbers(run):
                    if (whole := _whole(data, start, end)) is not None:
                        yield Span("phone", *whole, 0.8)


def _numbers(run: _Run) -> Iterator[tuple[int, int]]:
    """Where a number may stand in a run: all of it, by what comes before it; or a part, by its form."""
    text, before = run.text(), run.before()
    digits = "".join(filter(str.isdigit, text))
    if len(digits) <= _MOST_DIGITS and _DECIMAL.search(text) is None:
        if _international(before, digits):
            yield run.start - 1, run.end
            return
        if _DATE.match(text) is None and (_NAMED.search(before) or _NAMED_BEHIND.match(run.data, run.end) or _dialled_abroad(text, digits)):
            yield run.start, run.end
            return
    if not before[-1:].isalnum() and before[-1:] not in _NO_START:
        yield from ((run.start + start, run.start + end) for start, end in _in_form(text))


def _in_form(text: str) -> Iterator[tuple[int, int]]:
    """Numbers of a national form that a run begins with, one after the other."""
    at = 0
    while at < len(text):
        matches = (form.match(text, at) for form in _FORMS)
        match = next((match for match in matches if match is not None and _fits(text, match)), None)
        if match is None:
            return
        yield at, match.end()
        at = match.end() + 1
        at += text.startswith("(", at)


def _international(before: bytes, digits: str) -> bool:
    """Behind a plus, with a country's code."""
    if not before.endswith(b"+") or before[-2:-1].isalnum() or before[-2:-1] == b"+":
        return False
    return len(digits) >= _FEWEST_DIGITS and _CODE.match(digits) is not None


def _dialled_abroad(text: str, digits: str) -> bool:
    """Behind ``00``, with a country's code, in groups."""
    return digits.startswith("00") and _international(b"+", digits[2:]) and not text.isdigit()


def _fits(text: str, match: re.Match[str]) -> bool:
    """It ends the run or before a space, is no date, and has as many digits as such a number has."""
    if match.end() < len(text) and text[match.end()] != " ":
        return False
    if _DATE.match(text, match.start()) or _ELSE.match(match[0]):
        return False
    return sum(character.isdigit() for character in match[0]) in _DIGITS


def _whole(data: bytes, start: int, end: int) -> tuple[int, int] | None:
    """With its opening bracket and its extension; None when it goes on as something else."""
    extension = _EXTENSION.match(data, end)
    if extension is not None:
        end = extension.end()
    if _LONGER.match(data, end):
        return None
    if data[start - 1 : start] == b"(" and b")" in data[start:end]:
        start -= 1
    return start, end
