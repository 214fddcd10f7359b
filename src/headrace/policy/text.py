"""A policy file as words with places: enough of Cedar's grammar to say where something stands. What it means, Cedar says.

Cedar's own parser tells no places, and it recurses: a text that nests too deep ends the whole process. So a text is cut into statements
here, and one that is too deep or too long never reaches it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEEPEST: Final = 64
"""Brackets within each other. Cedar 4 ends the process somewhere between 300 and 1,000."""
LONGEST: Final = 2000
"""Words of one policy. Cedar 4 ends the process at chains of some 6,000 (``a.b.b…``)."""

# White space is that of Unicode, as Cedar has it; Python's \\s has more.
_WORD = re.compile(
    r"""(?P<space>[\t-\r\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|//[^\n\r]*)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<number>[0-9]+)
    |(?P<string>"(?:\\[^\n\r]|[^"\\\n\r])*")
    |(?P<symbol>::|==|!=|<=|>=|&&|\|\||[-@(){}\[\],;.:<>+*!?=/%])
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)

_ESCAPE = re.compile(r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{2})|(.))")
_MEANT = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
_LAST_CHARACTER = 0x10FFFF


@dataclass(frozen=True, slots=True)
class Word:
    """One word: `kind` is name, number, string (on one line), symbol or other; `start` and `end` are offsets into the text."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def value(self) -> str:
        """What a string says."""
        return _ESCAPE.sub(_meant, self.text[1:-1])


@dataclass(frozen=True, slots=True)
class Statement:
    """The words of one policy. What a file ends with is one too, so it may lack its semicolon."""

    text: str
    """Of the policy alone."""
    words: tuple[Word, ...]

    @property
    def start(self) -> int:
        """Where it begins, as an offset into the file."""
        return self.words[0].start

    def upto(self, count: int) -> str:
        """The text of its first words."""
        return self.text[: self.words[count - 1].end - self.start] if count else ""

    def between(self, first: int, end: int) -> str:
        """The text from one word to where another begins."""
        return self.text[self.words[first].start - self.start : self.words[end].start - self.start]


@dataclass(frozen=True, slots=True)
class Reference:
    """An entity that is named: ``Group::"default/members"``. `word` is its id."""

    type: str
    id: str
    word: Word


def words(text: str) -> list[Word]:
    """Every word of a text, without white space and comments."""
    return [
        Word(match.lastgroup or "other", match.group(), match.start(), match.end())
        for match in _WORD.finditer(text)
        if match.lastgroup != "space"
    ]


def statements(text: str) -> list[Statement]:
    """The policies of a text, in order."""
    found: list[Statement] = []
    held: list[Word] = []
    for word in words(text):
        held.append(word)
        if word.text == ";":
            found.append(_statement(text, held))
            held = []
    if held:
        found.append(_statement(text, held))
    return found


def too_much(statement: Statement) -> Word | None:
    """The word at which a statement passes what Cedar can be given; None when it does not."""
    depth = 0
    for count, word in enumerate(statement.words, start=1):
        depth += 1 if word.text in {"(", "[", "{"} else -1 if word.text in {")", "]", "}"} else 0
        if depth > DEEPEST or count > LONGEST:
            return word
    return None


def references(statement: Statement) -> Iterator[Reference]:
    """Every entity that a statement names, in order."""
    held = statement.words
    for n, word in enumerate(held):
        if word.kind == "string" and n >= 2 and held[n - 1].text == "::" and held[n - 2].kind == "name":  # noqa: PLR2004  name, ::, string
            first = n - 2
            while first >= 2 and held[first - 1].text == "::" and held[first - 2].kind == "name":  # noqa: PLR2004
                first -= 2
            yield Reference("".join(each.text for each in held[first : n - 1]), word.value, word)


def annotations_of(statement: Statement) -> dict[str, tuple[str, Word]]:
    """``@id("…")`` and its like before a policy: name to value and the word to point to. Without a value: empty."""
    found: dict[str, tuple[str, Word]] = {}
    held, n = statement.words, 0
    while n + 1 < len(held) and held[n].text == "@":
        name, value = held[n + 1], ""
        n += 2
        if n + 2 < len(held) and held[n].text == "(" and held[n + 1].kind == "string":
            value = held[n + 1].value
            n += 3
        found.setdefault(name.text, (value, name))
    return found


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


def _statement(text: str, held: Sequence[Word]) -> Statement:
    return Statement(text[held[0].start : held[-1].end], tuple(held))


def _meant(escape: re.Match[str]) -> str:
    code = escape[1] or escape[2]
    if code is None:
        return _MEANT.get(escape[3], escape[3])
    return chr(int(code, 16)) if int(code, 16) <= _LAST_CHARACTER else escape[0]
