"""The YAML parser's events, typed: the one place that speaks to the parser, which has no types of its own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class Kind(Enum):
    """What begins or ends."""

    DOCUMENT = auto()
    SCALAR = auto()
    ALIAS = auto()
    LIST = auto()
    MAP = auto()
    END = auto()


_KINDS: tuple[tuple[type, Kind], ...] = (
    (ScalarEvent, Kind.SCALAR),
    (MappingStartEvent, Kind.MAP),
    (SequenceStartEvent, Kind.LIST),
    (MappingEndEvent, Kind.END),
    (SequenceEndEvent, Kind.END),
    (AliasEvent, Kind.ALIAS),
    (DocumentStartEvent, Kind.DOCUMENT),
)


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `line` and `column` from 1, `start` and `end` offsets into the text."""

    kind: Kind
    line: int
    column: int
    start: int
    end: int
    text: str = ""
    quoted: bool = False
    anchor: str | None = None
    tag: str | None = None


class YamlSyntaxError(ValueError):
    """The text is not YAML; `line` and `column` from 1."""

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.column = column
        self.message = message


def events(text: str) -> Iterator[Event]:
    """The events of a YAML text, in order. Raises YamlSyntaxError where it stops being YAML."""
    try:
        for event in cast("Iterator[Any]", cast("Any", YAML(typ="safe", pure=True)).parse(text)):
            kind = next((kind for form, kind in _KINDS if isinstance(event, form)), None)
            if kind is not None:
                yield _typed(kind, event)
    except MarkedYAMLError as error:
        marked = cast("Any", error)
        mark = marked.problem_mark or marked.context_mark
        line, column = (int(mark.line) + 1, int(mark.column) + 1) if mark is not None else (1, 1)
        raise YamlSyntaxError(line, column, " ".join(str(part) for part in (marked.context, marked.problem) if part)) from error
    except (YAMLError, ValueError, OverflowError, RecursionError) as error:
        line, column = _position(text, getattr(error, "position", 0))
        raise YamlSyntaxError(line, column, (str(error).strip().splitlines() or [type(error).__name__])[0]) from error


def _typed(kind: Kind, event: Any) -> Event:  # noqa: ANN401  the parser's events have no types
    return Event(
        kind=kind,
        line=int(event.start_mark.line) + 1,
        column=int(event.start_mark.column) + 1,
        start=int(event.start_mark.index),
        end=int(event.end_mark.index),
        text=str(event.value) if kind is Kind.SCALAR else "",
        quoted=kind is Kind.SCALAR and event.style is not None,
        anchor=_text_or_none(getattr(event, "anchor", None)),
        tag=_text_or_none(getattr(event, "tag", None)),
    )


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)


def _position(text: str, offset: object) -> tuple[int, int]:
    before = text[: offset if isinstance(offset, int) else 0]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
