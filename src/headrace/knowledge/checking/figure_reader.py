"""Reads the figures of a folded text, token by token. Linear in its length."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import takewhile
from typing import TYPE_CHECKING

from headrace.knowledge.checking.figure import Figure
from headrace.knowledge.checking.figure_tokens import tokens
from headrace.knowledge.checking.figure_values import month_and_day, one_of, sum_of, time_of, value_of
from headrace.knowledge.checking.figure_words import (
    ALONE,
    HALVES,
    LOWER,
    MAGNITUDES,
    MONTHS,
    MULTIPLES,
    ORDINALS,
    PAIRS,
    PARTS,
    PERIODS,
    SMALL,
    SPELLED,
    UNITS,
    UPPER,
)
from headrace.knowledge.checking.folded import roman

if TYPE_CHECKING:
    from collections.abc import Iterator

_GLUED = re.compile(r"(\d[\d.,']*)(-?)([a-z]+)")
_RANGE = re.compile(r"(\d[\d.,']*)-(\d[\d.,']*)")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_DOTTED = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::\d{2})?")
_HALF = re.compile(r"([ap])\.?m\.?")
_DAY = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?")
_YEAR = re.compile(r"[12]\d{3}")
_ORDINAL = frozenset({"st", "nd", "rd", "th"})
_GAP = re.compile(r"[ ()/.-]{1,3}")
_LOWER = re.compile(rf"\b(?:{'|'.join(LOWER)})\s+(?:\w+\s+){{0,2}}\W{{0,2}}\Z", re.IGNORECASE)
_UPPER = re.compile(rf"\b(?:{'|'.join(UPPER)})\s+(?:\w+\s+){{0,2}}\W{{0,2}}\Z", re.IGNORECASE)
_LOWER_BEHIND = re.compile(r"\+|\s*(?:\w+\s+)?(?:or (?:more|later|above|over)|and (?:more|above|over))\b", re.IGNORECASE)
_UPPER_BEHIND = re.compile(r"\s*(?:\w+\s+)?or (?:less|fewer|below|under|earlier)\b", re.IGNORECASE)
_MINUS = re.compile(r"\b(?:minus|negative) \Z", re.IGNORECASE)
_SHORT = frozenset({"k", "bn", "mn"})
"""Magnitudes that stand for nothing without a number."""
_UNTIL = re.compile(r"\s*(?:[a-z%‰°]{1,12}\.?\s+)?(?:-|to|until|through)\s*\W?\s*", re.IGNORECASE)
_AND = re.compile(r"\s*(?:[a-z%‰°]{1,12}\.?\s+)?and\s+\W?\s*", re.IGNORECASE)
_BETWEEN = re.compile(r"\bbetween\s+(?:\w+\s+){0,2}\W{0,2}\Z", re.IGNORECASE)
_DETERMINER = frozenset({"the", "a", "an", "its", "his", "her", "their", "our", "your", "my", "this", "that", "every", "each", "no"})
_NO_COUNT_BEFORE = frozenset({"no", "the", "this", "that", "each", "every", "any", "which", "another", "some", "some-"})
_NO_COUNT_BEHIND = frozenset({
    "of", "another", "or", "by", "can", "may", "must", "should", "would", "could", "will", "has", "is", "does", "needs", "who", "that",
    "which", "to", "and", "in", "at", "on",
})  # fmt: skip
_ARTICLES = frozenset({"a", "an", "single", "each", "every", "per"})
_OFTEN = frozenset({"a", "an", "per", "every", "each", "in"})
_WORDS = frozenset({"a", "i"})
"""Letters that are words. Any other one, in *chapter v* or *item c*, is compared as it is written."""
_SMALL_ROMAN = frozenset("ivx")
_NO_ROMAN = frozenset({"mix"})
_PLAIN_MONTHS = frozenset(MONTHS) - {"march", "may", "mar", "jan", "sep", "dec"}
"""Months that are nothing else, however they are written."""
_NUMBER_SIGN = re.compile(r"\b(?:DIGIT|NUMBER|NUMERAL|NUMERIC|KEYCAP TEN|HUNDRED|CLOCK FACE|DIE FACE|DOMINO TILE|TALLY|FRACTION)\b")
"""Signs that are no letters and no numbers and show one all the same: a die, a clock."""
_CLAUSE = re.compile(r"\d+[a-z]?(?:\([0-9a-z]{1,4}\))+")
_COMPOUND = re.compile(r"[a-zμ°]{1,4}(?:\^\d|/(?:h|s|min|d|l|ml|kg|g|m|km|cm|m\^?[23]))+")
"""A unit of units, compared as it is written."""
_LOOK_BACK = 40
_LONG_NUMBER = 7
"""Digits of the shortest telephone number or account that is written in groups."""


@dataclass(frozen=True, slots=True)
class _Found:
    """Figures that stand at one place, the tokens that they take, and where they end."""

    figures: tuple[Figure, ...]
    taken: int = 1


def read(text: str, *, evidence: bool) -> Iterator[Figure]:
    """Every figure. Of evidence also what follows from it: the year and the day of a date, an article as one."""
    yield from _Reader(text, evidence=evidence).read()
    if not text.isascii():
        signs = (each for each in text if not each.isascii() and not each.isalnum())
        yield from (Figure("signs", text=each) for each in signs if _NUMBER_SIGN.search(unicodedata.name(each, "")))


class _Reader:
    def __init__(self, text: str, *, evidence: bool) -> None:
        self._text = text
        self._evidence = evidence
        self._tokens = tokens(text)

    def read(self) -> Iterator[Figure]:
        at = 0
        last: tuple[Figure, int, int] | None = None
        while at < len(self._tokens):
            found = self._at(at)
            end = self._tokens[at + found.taken - 1].end
            start = self._tokens[at].start
            at += found.taken
            numbers = [each for each in found.figures if each.kind == "number"]
            if last is not None and len(numbers) == 1 and numbers[0].text != "article" and self._joined(last, start):
                yield Figure("range", text=f"{last[0].value.normalize():f}-{numbers[0].value.normalize():f}")
                yield replace(last[0], ranged=True, unit=last[0].unit or numbers[0].unit)
                yield replace(numbers[0], ranged=True)
                last = None
                continue
            if last is not None and found.figures:
                yield last[0]
                last = None
            if len(numbers) == 1 == len(found.figures) and not numbers[0].text:
                last = (numbers[0], start, end)
            else:
                yield from found.figures
        if last is not None:
            yield last[0]

    def _joined(self, last: tuple[Figure, int, int], start: int) -> bool:
        """Whether a range leads from the number before to the one that starts here."""
        if start - last[2] > _LOOK_BACK:
            return False
        if _UNTIL.fullmatch(self._text, last[2], start):
            return True
        before = self._text[max(0, last[1] - _LOOK_BACK) : last[1]]
        return _AND.fullmatch(self._text, last[2], start) is not None and _BETWEEN.search(before) is not None

    def _at(self, at: int) -> _Found:
        """What stands at this token."""
        word = self._word(at)
        if word in MONTHS:
            return self._month(at)
        if any(each.isdigit() for each in word):
            return self._digits(at)
        if found := self._part(at) or (self._spelled(at) if self._in_words(at) else None):
            return found
        if figure := self._single(at):
            return _Found((figure,))
        if self._evidence and word in _ARTICLES and self._word(at + 1):
            return _Found((Figure("number", Decimal(1), text="article", noun=one_of(self._word(at + 1))),))
        return _Found(self._uncommon(word))

    def _single(self, at: int) -> Figure | None:
        """A word that is a figure by itself."""
        word, following = self._word(at), self._word(at + 1)
        if word in ALONE or word.startswith("("):
            return ALONE.get(word) or Figure("vague", text=word)
        if len(word) == 1 and word.isalpha() and word not in _WORDS and not self._counted(at):
            return Figure("vague", text=word)
        if word in PAIRS and following == "of":
            return Figure("number", Decimal(2))
        if word == "once" and (following in _OFTEN or following in PERIODS):
            return Figure("number", Decimal(1), "times")
        value = roman(word) if (len(word) > 1 and set(word) <= _SMALL_ROMAN) or len(word) > 2 else None  # noqa: PLR2004 - cd, mm: no numbers
        return Figure("number", Decimal(value)) if value and word not in _NO_ROMAN else None

    def _counted(self, at: int) -> bool:
        """Whether this may be the unit of a number before it, or the ending of a word."""
        before = self._word(at - 1)
        if self._text.endswith("(", 0, self._tokens[at].start):
            return True  # document(s)
        return before[-1:].isdigit() or before in SPELLED or before in MAGNITUDES or "-" in before

    def _in_words(self, at: int) -> bool:
        """Whether a number in words may begin at this token."""
        word = self._word(at)
        if word in SPELLED or word in MULTIPLES or "-" in word or (word in MAGNITUDES and word not in _SHORT):
            return True
        return word == "a" and self._word(at + 1) in {*MAGNITUDES, "dozen"}

    def _word(self, at: int) -> str:
        return self._tokens[at].text if 0 <= at < len(self._tokens) else ""

    @staticmethod
    def _uncommon(word: str) -> tuple[Figure, ...]:
        """Numbers in other scripts' own signs."""
        signs = "".join(each for each in word if each.isnumeric())
        return (Figure("signs", text=signs),) if signs else ()

    def _month(self, at: int) -> _Found:
        """``March 3, 2024``, ``March 2024``, ``March``."""
        word, behind = self._word(at), at + 2 if self._word(at + 1) in {"of", "the"} else at + 1
        month, day = MONTHS[word], _DAY.fullmatch(self._word(behind))
        if day and self._word(at + 1) != "of":
            year = _YEAR.fullmatch(self._word(behind + 1))
            return self._date(int(year[0]) if year else None, month, int(day[1]), behind - at + (2 if year else 1))
        year = _YEAR.fullmatch(self._word(behind))
        if year and self._word(at + 1) != "the":
            return self._date(int(year[0]), month, None, behind - at + 1)
        return _Found((Figure("date", date=(None, month, None)),) if word in _PLAIN_MONTHS else ())

    def _date(self, year: int | None, month: int | None, day: int | None, taken: int) -> _Found:
        parts = [Figure("number", Decimal(each)) for each in (year, day) if each is not None] if self._evidence else []
        return _Found((Figure("date", date=(year, month, day)), *parts), taken)

    def _digits(self, at: int) -> _Found:
        word = self._word(at)
        behind = at + 2 if self._word(at + 1) == "of" else at + 1
        if (day := _DAY.fullmatch(word)) and (month := MONTHS.get(self._word(behind))):
            year = _YEAR.fullmatch(self._word(behind + 1))
            return self._date(int(year[0]) if year else None, month, int(day[1]), behind - at + (2 if year else 1))
        if iso := _ISO.fullmatch(word):
            return self._date(int(iso[1]), int(iso[2]), int(iso[3]), 1)
        if (dotted := _DOTTED.fullmatch(word)) and (known := month_and_day(int(dotted[1]), int(dotted[3]))):
            return self._date(int(dotted[4]), *known, 1)
        if (clock := _CLOCK.fullmatch(word)) or (word.isdigit() and _HALF.fullmatch(self._word(at + 1))):
            return self._time(at, clock)
        if (glued := _GLUED.fullmatch(word)) and _HALF.fullmatch(glued[3]) and glued[1].isdigit():
            return _Found((time_of(int(glued[1]), 0, glued[3][0]),))
        return self._clause(word) or self._groups(at) or self._number(at) or _Found((Figure("code", text=word),))

    def _clause(self, word: str) -> _Found | None:
        """``12(3)(b)``; of evidence the number of the section, too."""
        if not _CLAUSE.fullmatch(word):
            return None
        section = word[: word.index("(")]
        number = [Figure("number", Decimal(section))] if self._evidence and section.isdigit() else []
        return _Found((Figure("clause", text=word), *number))

    def _time(self, at: int, clock: re.Match[str] | None) -> _Found:
        half = _HALF.fullmatch(self._word(at + 1))
        hour, minute = (int(clock[1]), int(clock[2])) if clock else (int(self._word(at)), 0)
        return _Found((time_of(hour, minute, half[1] if half else ""),), 2 if half else 1)

    def _groups(self, at: int) -> _Found | None:
        """Digits in groups: a telephone number, an account."""
        end = at
        while end + 1 < len(self._tokens) and self._word(end + 1).isdigit() and self._near(end):
            end += 1
        digits = "".join(self._word(each) for each in range(at, end + 1))
        if end == at or not self._word(at).isdigit():
            return None
        if len(self._word(at)) <= 3 and all(len(self._word(each)) == 3 for each in range(at + 1, end + 1)):  # noqa: PLR2004 - thousands
            return self._valued(at, Decimal(digits), end - at + 1)
        return _Found((Figure("code", text=digits),), end - at + 1) if len(digits) >= _LONG_NUMBER else None

    def _near(self, at: int) -> bool:
        return _GAP.fullmatch(self._text, self._tokens[at].end, self._tokens[at + 1].start) is not None

    def _number(self, at: int) -> _Found | None:
        word = self._word(at)
        if value := value_of(word):
            return self._valued(at, value[0], 1)
        if ends := _RANGE.fullmatch(word):
            first, second = value_of(ends[1]), value_of(ends[2])
            if first and second:
                return self._range(at, first[0], second[0])
        if (glued := _GLUED.fullmatch(word)) and (value := value_of(glued[1])):
            if glued[3] in _ORDINAL:
                return _Found((Figure("number", value[0]),))
            if glued[3] in MAGNITUDES:
                return self._valued(at, value[0] * MAGNITUDES[glued[3]], 1)
            if glued[3] in UNITS or glued[2]:
                return _Found((self._figure(at, at, value[0], UNITS.get(glued[3], "")),))
        return None

    def _range(self, at: int, first: Decimal, second: Decimal) -> _Found:
        unit = self._unit(at)
        ends = tuple(replace(self._figure(at, at, each, unit), ranged=True) for each in (first, second))
        return _Found((Figure("range", text=f"{first.normalize():f}-{second.normalize():f}"), *ends))

    def _valued(self, at: int, value: Decimal, taken: int) -> _Found:
        """A number with the magnitudes, the half and the unit behind it."""
        while self._word(at + taken) in MAGNITUDES:
            value *= MAGNITUDES[self._word(at + taken)]
            taken += 1
        part, more = self._and_part(at + taken)
        value, taken = value + part, taken + more
        return _Found((self._figure(at, at + taken - 1, value, self._unit(at + taken - 1, at)),), taken)

    def _and_part(self, at: int) -> tuple[Decimal, int]:
        """``and a half``, ``and three quarters``: its value, and the tokens that it takes."""
        if self._word(at) != "and":
            return Decimal(0), 0
        count = SMALL.get(self._word(at + 1), 1 if self._word(at + 1) == "a" else 0)
        whole = {"half": 2, "quarter": 4, "quarters": 4}.get(self._word(at + 2), 0)
        return (Decimal(count) / whole, 3) if 0 < count < whole else (Decimal(0), 0)

    def _unit(self, at: int, first: int | None = None) -> str:
        """The unit behind a token, or the currency before the first."""
        first = at if first is None else first
        if first and self._tokens[first].start - self._tokens[first - 1].end <= 1 and self._currency(first - 1):
            return self._dollar(first - 1) or UNITS[self._word(first - 1)]
        follows = at + 1 < len(self._tokens) and self._text[self._tokens[at].end : self._tokens[at + 1].start] in {"", " ", "-"}
        word = self._word(at + 1) if follows else ""
        if word == "°":
            word = f"°{self._word(at + 2)}"
        if word in {"percentage", "percent", "%"} and self._word(at + 2) in {"point", "points"}:
            return "pp"
        if word == "per" and self._word(at + 2) in {"cent", "mille"}:
            return "%" if self._word(at + 2) == "cent" else "‰"
        return UNITS.get(word) or (word if _COMPOUND.fullmatch(word) else "")

    def _dollar(self, at: int) -> str:
        """Whose dollar it is, where letters before it say so: ``A$``, ``HK$``; empty for that of the United States."""
        before = self._tokens[at - 1] if at else None
        whose = before is not None and before.end == self._tokens[at].start and before.text.isalpha() and before.text not in {"us", "usd"}
        return f"{before.text}$" if before is not None and whose and self._word(at) == "$" else ""

    def _currency(self, at: int) -> bool:
        token = self._tokens[at]
        written = self._text[token.start : token.end]
        return token.text in UNITS and (not written.isalpha() or (len(written) == 3 and written.isupper()))  # noqa: PLR2004 - ISO 4217

    def _figure(self, first: int, last: int, value: Decimal, unit: str) -> Figure:
        start, end = self._tokens[first].start, self._tokens[last].end
        before = self._text[max(0, start - _LOOK_BACK) : start]
        signed = before.endswith("-") and not before[:-1].rstrip("$€£¥₹(")[-1:].isalnum() and (len(before) == 1 or before[-2] in " ($€£¥₹")
        if signed or _MINUS.search(before):
            value = -value
        lower = _LOWER.search(before) or _LOWER_BEHIND.match(self._text, end)
        upper = _UPPER.search(before) or _UPPER_BEHIND.match(self._text, end)
        bound = "" if bool(lower) == bool(upper) else "lower" if lower else "upper"
        return Figure("number", value, unit, bound)

    def _part(self, at: int) -> _Found | None:
        """``two thirds``, ``one-third``, ``a quarter of``: as ``2/3`` is read."""
        word = self._word(at)
        count, hyphen, part = word.partition("-") if "-" in word else (word, "", self._word(at + 1))
        many = 1 if count in {"a", "an"} else SMALL.get(count, 0)
        whole = PARTS.get(part if many == 1 else part.removesuffix("s"))
        if not many or whole is None or (many > 1 and not part.endswith("s")):
            return None
        taken = 1 if hyphen else 2
        if count in {"a", "an"} and self._word(at + taken) not in {"of", ""}:
            return None  # a third party
        return _Found((Figure("code", text=f"{many}/{whole}"),), taken)

    def _spelled(self, at: int) -> _Found:
        """A number in words, as far as it goes."""
        parts, taken = self._parts(at)
        pieces = self._word(at).split("-")
        if taken == 1 and sum(each in SPELLED for each in pieces) > len(parts):
            return _Found((Figure("code", text=self._word(at)),))  # two-to-three-week
        if not parts:
            return _Found(self._uncommon(self._word(at)))
        part, more = self._and_part(at + taken)
        if len(parts) == 1 and not more and not self._counts(parts[0], at):
            return _Found((), taken)
        said, last = sum_of(parts), at + taken + more - 1
        if said is None:
            return _Found((Figure("code", text=" ".join(parts)),), taken)
        value = said + part
        times = "times" if parts[0] in MULTIPLES and parts[0] not in HALVES else ""
        unit = (UNITS.get(pieces[-1], "") if taken == 1 and len(pieces) > 1 else "") or times or self._unit(last)
        figure = self._figure(at, last, value, unit)
        if parts == ["one"]:
            figure = replace(figure, text="one", noun=one_of(self._word(last + 1)))
        return _Found((figure,), taken + more)

    def _parts(self, at: int) -> tuple[list[str], int]:
        parts: list[str] = []
        taken = 0
        while (word := self._word(at + taken)) and (
            taken == 0 or self._text[self._tokens[at + taken - 1].end : self._tokens[at + taken].start] == " "
        ):
            pieces = word.split("-")
            if any(piece in MULTIPLES for piece in pieces) and (parts or len(pieces) > 1):
                break
            if parts and parts[-1] in ORDINALS:
                break  # the first two weeks
            if all(piece in SPELLED or piece in MAGNITUDES or piece in MULTIPLES for piece in pieces) and word not in _SHORT:
                parts += pieces
            elif (pieces[0] in SPELLED or pieces[0] in MAGNITUDES) and len(pieces) > 1 and taken == 0:
                return list(takewhile(lambda piece: piece in SPELLED or piece in MAGNITUDES, pieces)), 1  # two-day
            elif not (word == "a" and taken == 0) and not (
                word == "and" and parts and parts[-1] in MAGNITUDES and self._word(at + taken + 1) in SPELLED
            ):
                break
            taken += 1
        return parts, taken

    def _counts(self, word: str, at: int) -> bool:
        """Whether a word that has other meanings too is a number here."""
        if word in {"first", "second"}:
            return self._word(at - 1) in _DETERMINER
        if word == "one":
            return self._word(at - 1) not in _NO_COUNT_BEFORE and self._word(at + 1) not in _NO_COUNT_BEHIND and bool(self._word(at + 1))
        return True
