"""YAML to plain data that remembers where everything stood.

Built from the parser's events rather than by its constructors: no tag can make an object, an alias cannot grow without bound, and a
fault does not hide the ones after it. Scalars read as in the core schema of YAML 1.2: ``no`` and ``on`` are words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, DocumentStartEvent, MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent, SequenceStartEvent

if TYPE_CHECKING:
    from collections.abc import Iterator

Plain: TypeAlias = "str | int | float | bool | None | list[Plain] | dict[str, Plain]"

MOST_NODES = 100_000
"""Values in one file, aliases counted as often as they are used."""
DEEPEST = 32
"""Levels of lists and maps within each other."""

_NULL = re.compile(r"|~|null|Null|NULL")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,18}|[0-9]{1,18}(?:\.[0-9]{0,18})?)(?:[eE][-+]?[0-9]{1,2})?")


@dataclass(slots=True)
class Node:
    """One value and its place: `line` and `column` from 1, `start` and `end` as offsets into the text."""

    line: int
    column: int
    start: int
    end: int
    value: str | float | bool | None = None
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
        if self.members is not None:
            return self.members[word][1] if word in self.members else None
        found = (item.member(word) for item in self.items or () if item.members is not None)
        return next((each for each in found if each is not None), None)

    def word(self, word: str) -> Node | None:
        """Where the word itself stands."""
        if self.members is not None:
            return self.members[word][0] if word in self.members else None
        found = (item.word(word) for item in self.items or () if item.members is not None)
        return next((each for each in found if each is not None), None)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps a text from being read as data; `line` and `column` from 1."""

    line: int
    column: int
    message: str
    mend: str = ""


@dataclass(slots=True)
class Read:
    """What a text held. `root` is None when it could not be read to its end, or holds nothing."""

    root: Node | None
    problems: list[Problem]


class _Stop(Exception):
    """The text cannot be read on from here; the problem has been noted."""


@dataclass(slots=True)
class _Open:
    """A list or map that has begun. `word` waits for its value."""

    node: Node
    anchor: str | None
    word: Node | None = None


@dataclass(slots=True)
class _Builder:
    problems: list[Problem] = field(default_factory=list)
    open: list[_Open] = field(default_factory=list)
    anchors: dict[str, Node | None] = field(default_factory=dict)
    root: Node | None = None

    def take(self, event: Any) -> None:  # noqa: ANN401  the parser's events have no common typed form
        if isinstance(event, DocumentStartEvent):
            if self.root is not None:
                self._stop(event, "a second document begins here", "A file holds one document: remove the line ---.")
        elif isinstance(event, ScalarEvent):
            self._add(self._scalar(event), event.anchor)
        elif isinstance(event, AliasEvent):
            self._alias(event)
        elif isinstance(event, (SequenceStartEvent, MappingStartEvent)):
            self._begin(event)
        elif isinstance(event, (SequenceEndEvent, MappingEndEvent)):
            self._end(event)

    def _scalar(self, event: Any) -> Node:  # noqa: ANN401
        node = _node(event)
        text = str(event.value)
        if any("\ud800" <= letter <= "\udfff" or letter == "\0" for letter in text):
            self._note(event, "this text holds a character that no text may hold", "Remove the escape \\0 or \\ud800…\\udfff.")
            text = "".join(letter for letter in text if letter != "\0" and not "\ud800" <= letter <= "\udfff")
        node.value = text if event.style is not None or self._tagged(event) else scalar(text)
        return node

    def _tagged(self, event: Any) -> bool:  # noqa: ANN401
        tag = event.tag
        if tag is None or tag == "!":
            return tag == "!"
        if str(tag) != "tag:yaml.org,2002:str":
            self._note(event, f"the tag {tag} is not read here", "Write the value without a tag.")
        return True

    def _begin(self, event: Any) -> None:  # noqa: ANN401
        if event.tag is not None:
            self._note(event, f"the tag {event.tag} is not read here", "Write the value without a tag.")
        if len(self.open) >= DEEPEST:
            self._stop(event, f"more than {DEEPEST} levels of lists and maps", "Nothing in a workspace is that deep; look for a stray bracket.")
        node = _node(event)
        if isinstance(event, SequenceStartEvent):
            node.items = []
        else:
            node.members = {}
        if event.anchor is not None:
            self.anchors[str(event.anchor)] = None
        self.open.append(_Open(node, event.anchor))

    def _end(self, event: Any) -> None:  # noqa: ANN401
        done = self.open.pop()
        done.node.end = event.end_mark.index
        self._add(done.node, done.anchor)

    def _alias(self, event: Any) -> None:  # noqa: ANN401
        name = str(event.anchor)
        if name not in self.anchors:
            self._stop(event, f'nothing before this is called "&{name}"', f"Write the value out, or put &{name} before the value that is meant.")
        meant = self.anchors[name]
        if meant is None:
            self._stop(event, f'"*{name}" stands inside the value that it repeats', "Write the value out.")
        copy = _node(event)
        copy.value, copy.items, copy.members, copy.size = meant.value, meant.items, meant.members, meant.size
        self._add(copy, None)

    def _add(self, node: Node, anchor: object) -> None:
        if anchor is not None:
            self.anchors[str(anchor)] = node
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        parent.node.size += node.size
        if parent.node.items is not None:
            parent.node.items.append(node)
        elif parent.word is None:
            parent.word = self._word(node)
        else:
            self._member(parent, parent.word, node)
            parent.word = None
        if parent.node.size > MOST_NODES:
            self._stop_at(node, f"more than {MOST_NODES:,} values in one file (repeated ones count as often as they are used)", "Split the file.")

    def _word(self, node: Node) -> Node:
        if node.items is not None or node.members is not None:
            self.problems.append(Problem(node.line, node.column, "a list or map stands where a word should", "Quote it if it is meant as text."))
        if node.value == "<<":
            self.problems.append(Problem(node.line, node.column, "the merge key << is not read here", "Write the words out."))
        return node

    def _member(self, parent: _Open, word: Node, value: Node) -> None:
        members = parent.node.members
        if members is None or word.items is not None or word.members is not None or word.value == "<<":
            return
        name = _as_word(word.value)
        if name in members:
            first = members[name][0]
            mend = f"It stands on line {first.line} already; keep one of the two."
            self.problems.append(Problem(word.line, word.column, f'"{name}" is written twice', mend))
            return
        members[name] = (word, value)

    def _note(self, event: Any, message: str, mend: str) -> None:  # noqa: ANN401
        self.problems.append(Problem(event.start_mark.line + 1, event.start_mark.column + 1, message, mend))

    def _stop(self, event: Any, message: str, mend: str) -> None:  # noqa: ANN401
        self._note(event, message, mend)
        raise _Stop

    def _stop_at(self, node: Node, message: str, mend: str) -> None:
        self.problems.append(Problem(node.line, node.column, message, mend))
        raise _Stop


def read(text: str) -> Read:
    """The data of a YAML text and everything that is wrong with its form. Never raises for what the text holds."""
    builder = _Builder()
    try:
        for event in cast("Iterator[Any]", YAML(typ="safe", pure=True).parse(text)):
            builder.take(event)
    except _Stop:
        return Read(None, builder.problems)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        message = " ".join(str(part) for part in (error.context, error.problem) if part)
        builder.problems.append(Problem(line, column, f"this is not YAML: {message}", _syntax_mend(message)))
        return Read(None, builder.problems)
    except (YAMLError, ValueError, OverflowError, RecursionError) as error:
        line, column = _position(text, getattr(error, "position", 0))
        builder.problems.append(Problem(line, column, f"this is not YAML: {_first_line(error)}", "Quote the text, or remove the character."))
        return Read(None, builder.problems)
    return Read(builder.root, builder.problems)


def scalar(text: str) -> str | float | bool | None:
    """What a plain (unquoted) scalar means; numbers that are too long for a number stay text."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _as_word(value: str | float | bool | None) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _node(event: Any) -> Node:  # noqa: ANN401
    return Node(event.start_mark.line + 1, event.start_mark.column + 1, event.start_mark.index, event.end_mark.index)


def _syntax_mend(message: str) -> str:
    if "mapping values are not allowed" in message:
        return 'Quote a text that holds ": ", and check the indentation.'
    if "\\t" in message or "cannot start any token" in message:
        return "Indent with spaces, and quote a text that begins with a special character."
    return "Check the indentation, and that every quote and bracket is closed."


def _position(text: str, offset: object) -> tuple[int, int]:
    before = text[: offset if isinstance(offset, int) else 0]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
