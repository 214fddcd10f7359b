"""The names of a text: what is written with capitals, addresses, and words that are no plain words, as they are compared.

A name is held where its words stand in the same order, with at most two others between: ``Ana Muster`` is held by ``Ana M. Muster``. The
first word of a sentence is a name unless it is a common word of English or stands in the sources in some form. In scripts without capitals
nobody can tell names from other words: they are held where the sources are in such a script, too, and nowhere else. A small word that
nobody knows (unknown.py) is held where it stands in some form, a word with letters of two alphabets where it stands as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.knowledge.checking.everyday import EVERYDAY
from headrace.knowledge.checking.folded import TURNING, bare, folded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TOKEN = re.compile(r"\w+(?:[._/@\\:#&+'-]+\w+)*")
_WORD = re.compile(r"\w+(?:'\w+)*")
_MARKED = re.compile(r"[._/@\\:#&+]")
_NO_NAME = re.compile(r"[a-z]+(?:/[a-z]+)+")
"""``and/or``."""
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
_LOOKALIKE = re.compile(r"[\u0370-\u052f\u0530-\u058f\u13a0-\u13ff\uab70-\uabbf]")
"""Greek, Cyrillic, Armenian and Cherokee: many of their letters look like Latin ones."""
_ABBREVIATED = frozenset({"e.g", "i.e", "a.m", "p.m", "a.k.a"})
_PARTICLES = frozenset({"of", "de", "van", "von", "der", "la", "le", "du", "di", "da", "del", "bin", "al"})
_BETWEEN = 2
"""Words that may stand between two words of a name: an initial, a title, a middle name."""
_APART = re.compile(r"[.!?;:](?=\s)|\n\s*\n")
"""What ends a sentence: no name goes on behind it, unless it ends an initial or a title."""
_INITIAL = 3
_STEM = re.compile(r"(?:ing|edly|ed|es|ly|s|er|ers|ion|ions|e)\Z")
_SHORTEST_STEM = 3


@dataclass(frozen=True, slots=True)
class Name:
    """Words that follow each other, as they are compared. `loose`: it may be a plain word; `written`: compared letter for letter;
    `plain`: of a script without capitals."""

    words: tuple[str, ...]
    loose: bool = False
    written: str = ""
    plain: bool = False


class Names:
    """The names of texts that are taken for true; any word can be part of one."""

    def __init__(self, *texts: str) -> None:
        self._turning = {each for text in texts for each in TURNING.findall(text)}
        self._texts = [folded(text) for text in texts]
        self._written = " ".join(" ".join(text.casefold().split()) for text in self._texts)
        self._any_plain = any(map(_without_capitals, self._texts))
        self._capitals = {word for text in self._texts for word in _WORD.findall(text) if word.isupper()}
        self._places: dict[str, list[int]] = {}
        place, last = 0, ""
        for text in self._texts:
            end = 0
            for found in _WORD.finditer(text):
                if _APART.search(text, end, found.start()) and len(last) > _INITIAL:
                    place += _BETWEEN + 2
                last, end = found[0], found.end()
                for each in {bare(last), *word_parts(last)}:
                    self._places.setdefault(each, []).append(place)
                place += 1
            place += _BETWEEN + 2
        self._stems = {stem(word) for word in self._places}

    def lacking(self, text: str, unknown: frozenset[str] = frozenset()) -> list[Name]:
        """The names of another text that these do not hold; `unknown` are its small words that nobody knows."""
        turning = [Name((), written=each) for each in TURNING.findall(text) if each not in self._turning]
        return turning + [name for name in names(text, unknown) if not self.hold(name)]

    def hold(self, name: Name) -> bool:
        """Whether a name stands here."""
        if name.written:
            return name.written in self._capitals if name.written.isupper() else _bounded(name.written, self._written)
        if name.plain:
            return self._any_plain
        if name.loose:
            return any(word in self._places or stem(word) in self._stems for word in _forms(name.words[0]))
        return self._follow([self._at(word) for word in name.words])

    def _at(self, word: str) -> list[int]:
        return sorted({place for form in _forms(word) for place in self._places.get(form, ())})

    @staticmethod
    def _follow(places: Sequence[list[int]]) -> bool:
        reached = set(places[0])
        for following in places[1:]:
            reached = {there for there in following if any(there - step in reached for step in range(_BETWEEN + 2))}
        return bool(reached)


def names(text: str, unknown: frozenset[str] = frozenset()) -> list[Name]:
    """The names of a text that must be proved."""
    return list(_names(folded(text), unknown))


def _names(text: str, unknown: frozenset[str]) -> Iterator[Name]:
    run: list[str] = []
    end = 0
    for found in _TOKEN.finditer(text):
        word = found[0]
        mark = _mark(text, found.start())
        written = mark + word if mark or _marked(word) else ""
        figure = any(map(str.isdigit, word))
        goes_on = not text[end : found.start()].strip(" ") and (word in _PARTICLES or word != word.lower())
        if run and (written or figure or not goes_on):
            yield Name(tuple(run))
            run = []
        end = found.end()
        if written and not figure:
            yield Name((), written=written.casefold())
        elif word != word.lower() and not figure:
            yield from _capital(text, found, run)
        elif not figure and _without_capitals(word):
            yield Name((), plain=True)
        elif unknown and not figure:
            yield from (Name((bare(part),), loose=True) for part in word.split("-") if part in unknown)
    if run:
        yield Name(tuple(run))


def _capital(text: str, found: re.Match[str], run: list[str]) -> Iterator[Name]:
    """A word with a capital: it joins the name under way, is one by itself, or is none."""
    word = found[0]
    common = bare(word) in EVERYDAY
    if not run and _plain(text, found):
        if not common:
            yield Name(tuple(bare(part) for part in word.split("-")), loose="-" not in word)
    elif common and word.isupper() and len(word) > 1 and not text.isupper():
        yield Name((), written=word)
    elif not common:
        run.extend(bare(part) for part in word.split("-"))


def _marked(word: str) -> bool:
    """Whether it is an address, a path, a name from a program: compared as it is written."""
    if _MARKED.search(word) is not None:
        return not _NO_NAME.fullmatch(word) and word.casefold() not in _ABBREVIATED
    return not word.isascii() and any(_LATIN.search(part) and _LOOKALIKE.search(part) for part in word.split("-"))


def _mark(text: str, start: int) -> str:
    """What makes an address of the word that begins here."""
    if text.endswith("//", 0, start):
        return "//"
    before = text[max(0, start - 2) : start]
    return before[-1:] if before[-1:] in {"@", "#"} and not before[:-1].isalnum() else ""


def _without_capitals(text: str) -> bool:
    """Whether letters of a script are in it that has no capitals."""
    return not text.isascii() and any(each.isalpha() and each.lower() == each.upper() for each in text)


def _plain(text: str, found: re.Match[str]) -> bool:
    """Whether a capital may be there only because a sentence begins."""
    word = found[0]
    if not word[1:].islower() and len(word) > 1 and "'" not in word and "-" not in word:
        return False
    before = text[: found.start()].rstrip(" ('\"*_#>-")
    begins = not before or before[-1] in ".!?:…\n;"
    if not begins:
        return word in {"I", "I'm", "I've", "I'd", "I'll"}
    following = _TOKEN.search(text, found.end())
    joined = following is not None and text[found.end() : following.start()] == " " and following[0][0].isupper()
    return not joined or bare(word) in EVERYDAY


def _forms(word: str) -> tuple[str, ...]:
    """A word, and itself without a plural's ending or with one."""
    return (word, word.removesuffix("s"), f"{word}s", word.removesuffix("es"))


def word_parts(word: str) -> Iterator[str]:
    """What is joined by an apostrophe, by itself."""
    if "'" in word:
        yield from (bare(part) for part in word.split("'") if len(part) > 1)


def stem(word: str) -> str:
    """A word without its ending, as far as that can be told by letters."""
    before = ""
    while before != word:
        before, word = word, _STEM.sub("", word) if len(_STEM.sub("", word)) >= _SHORTEST_STEM else word
    return word


def _bounded(written: str, text: str) -> bool:
    """Whether it stands there as a whole."""
    at = text.find(written)
    while at >= 0:
        end = at + len(written)
        if not (text[at - 1 : at].isalnum() and at) and not text[end : end + 1].isalnum():
            return True
        at = text.find(written, at + 1)
    return False
