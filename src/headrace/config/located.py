"""YAML to plain data that remembers where everything stood.

Built from the parser's events rather than by its constructors: no tag can make an object, an alias cannot grow without bound, and a
fault does not hide the ones after it. Scalars read as in the core schema of YAML 1.2: ``no`` and ``on`` are words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from headrace.config.yaml_events import Kind, YamlSyntaxError, events

if TYPE_CHECKING:
    from headrace.config.yaml_events import Event

Scalar: TypeAlias = "str | int | float | bool | None"
Plain: TypeAlias = "Scalar | list[Plain] | dict[str, Plain]"

MOST_NODES = 100_000
"""Values in one file, repeated ones counted as often as they are used."""
DEEPEST = 32
"""Levels of lists and maps within each other."""

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,18}|[0-9]{1,18}(?:\.[0-9]{0,18})?)(?:[eE][-+]?[0-9]{1,2})?")
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")
_STRING_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})


@dataclass(slots=True)
class Node:
    """One value and its place: `line` and `column` from 1, `start` and `end` as offsets into the text."""

    line: int
    column: int
    start: int
    end: int
    value: Scalar = None
    items: list[Node] | None = None
    members: dict[str, tuple[Node, Node]] | None = None
    """Word to (the word's own node, the value's)."""
    size: int = 1

    def plain(self) -> Plain:
        """The value without its places."""
        if self.items is not None:
            return [item.plain() for item in self.items]
        if self.members is not None:
            return {word: value.plain() for word, (_, value) in self.members.items()}
        return self.value

    def member(self, word: str) -> Node | None:
        """The value of a word of this map (or of a list of one-word maps, which some forms read as a map)."""
        pair = self._pair(word)
        return pair[1] if pair is not None else None

    def word(self, word: str) -> Node | None:
        """Where the word itself stands."""
        pair = self._pair(word)
        return pair[0] if pair is not None else None

    def _pair(self, word: str) -> tuple[Node, Node] | None:
        for holder in (self, *(self.items or ())):
            if holder.members is not None and word in holder.members:
                return holder.members[word]
        return None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a text's form; `line` and `column` from 1."""

    line: int
    column: int
    message: str
    mend: str = ""


@dataclass(slots=True)
class Read:
    """What a text held. `root` is None when it could not be read to its end, or holds nothing."""

    root: Node | None
    problems: list[Problem]


class _BrokenOff(Exception):
    """The text cannot be read on from here."""


@dataclass(slots=True)
class _Open:
    """A list or map that has begun. `word` waits for its value."""

    node: Node
    anchor: str | None
    word: Node | None = None


@dataclass(slots=True)
class _Builder:
    problems: list[Problem] = field(default_factory=list[Problem])
    open: list[_Open] = field(default_factory=list[_Open])
    anchors: dict[str, Node | None] = field(default_factory=dict[str, "Node | None"])
    """None: a list or map that has begun and not ended."""
    root: Node | None = None

    def take(self, event: Event) -> None:
        if event.kind is Kind.SCALAR:
            self._add(self._scalar(event), event.anchor)
        elif event.kind is Kind.END:
            done = self.open.pop()
            done.node.end = event.end
            self._add(done.node, done.anchor)
        elif event.kind is Kind.ALIAS:
            self._alias(event)
        elif event.kind is not Kind.DOCUMENT:
            self._begin(event)
        elif self.root is not None:
            self._break_off(event, "a second document begins here", "A file holds one document: remove the line ---.")

    def _scalar(self, event: Event) -> Node:
        node = _node(event)
        text, found = _NOT_TEXT.subn("", event.text)
        if found:
            self._note(event, "this text holds a character that no text may hold", "Remove the escape \\0 or \\ud800 to \\udfff.")
        if event.tag is not None and event.tag not in _STRING_TAGS:
            self._note(event, f"the tag {event.tag} is not read here", "Write the value without a tag.")
        node.value = text if event.quoted or event.tag is not None else scalar(text)
        return node

    def _begin(self, event: Event) -> None:
        if event.tag is not None:
            self._note(event, f"the tag {event.tag} is not read here", "Write the value without a tag.")
        if len(self.open) >= DEEPEST:
            mend = "Nothing in a workspace is that deep; look for a stray bracket."
            self._break_off(event, f"more than {DEEPEST} levels of lists and maps", mend)
        node = _node(event)
        if event.kind is Kind.LIST:
            node.items = []
        else:
            node.members = {}
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        self.open.append(_Open(node, event.anchor))

    def _alias(self, event: Event) -> None:
        name = str(event.anchor)
        meant = self.anchors.get(name)
        if meant is None and name in self.anchors:
            self._break_off(event, f'"*{name}" stands inside the value that it repeats', "Write the value out.")
        if meant is None:
            self._break_off(
                event, f'nothing before this is called "&{name}"', f"Write the value out, or put &{name} before the value that is meant."
            )
        else:
            copy = _node(event)
            copy.value, copy.items, copy.members, copy.size = meant.value, meant.items, meant.members, meant.size
            self._add(copy, None)

    def _add(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self.anchors[anchor] = node
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        parent.node.size += node.size
        if parent.node.size > MOST_NODES:
            self.problems.append(
                Problem(
                    node.line,
                    node.column,
                    f"more than {MOST_NODES:,} values in one file",
                    "Split it; repeated values count as often as used.",
                )
            )
            raise _BrokenOff
        if parent.node.items is not None:
            parent.node.items.append(node)
        elif parent.word is None:
            parent.word = self._checked_word(node)
        else:
            self._member(parent, parent.word, node)
            parent.word = None

    def _checked_word(self, node: Node) -> Node:
        if node.items is not None or node.members is not None:
            self.problems.append(
                Problem(node.line, node.column, "a list or map stands where a word should", "Quote it if it is meant as text.")
            )
        elif node.value == "<<":
            self.problems.append(Problem(node.line, node.column, "the merge key << is not read here", "Write the words out."))
        return node

    def _member(self, parent: _Open, word: Node, value: Node) -> None:
        members = parent.node.members
        if members is None or word.items is not None or word.members is not None or word.value == "<<":
            return
        name = _as_word(word.value)
        if name in members:
            mend = f"It stands on line {members[name][0].line} already; keep one of the two."
            self.problems.append(Problem(word.line, word.column, f'"{name}" is written twice', mend))
            return
        if value.start == value.end and value.value is None:  # the parser puts what is not there where the next thing begins
            value.line, value.column = word.line, word.column
        members[name] = (word, value)

    def _note(self, event: Event, message: str, mend: str) -> None:
        self.problems.append(Problem(event.line, event.column, message, mend))

    def _break_off(self, event: Event, message: str, mend: str) -> None:
        self._note(event, message, mend)
        raise _BrokenOff


def read(text: str) -> Read:
    """The data of a YAML text and everything that is wrong with its form. Raises nothing for what the text holds."""
    builder = _Builder()
    try:
        for event in events(text):
            builder.take(event)
    except _BrokenOff:
        return Read(None, builder.problems)
    except YamlSyntaxError as fault:
        builder.problems.append(Problem(fault.line, fault.column, f"this is not YAML: {fault.message}", _mend(fault.message)))
        return Read(None, builder.problems)
    return Read(builder.root, builder.problems)


def scalar(text: str) -> Scalar:
    """What a plain (unquoted) scalar means; numbers that are too long for a number stay text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _as_word(value: Scalar) -> str:
    if value is None:
        return "null"
    return str(value).lower() if value is True or value is False else str(value)


def _node(event: Event) -> Node:
    return Node(event.line, event.column, event.start, event.end)


def _mend(message: str) -> str:
    if "mapping values are not allowed" in message:
        return 'Quote a text that holds ": ", and check the indentation.'
    if "cannot start any token" in message:
        return "Indent with spaces, and quote a text that begins with a special character."
    return "Check the indentation, and that every quote and bracket is closed."
