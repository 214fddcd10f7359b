"""Text by what has been done to it. A model, a tool or a wire accepts only :class:`CleanText`.

Text enters at three places (prompt, passages, generated output) as :class:`RawText`, goes through one door
(:func:`headrace.guardrails.door.screen`) and comes out as :class:`CleanText`. Nothing else may construct a CleanText;
an architecture test holds that.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.core.labels import Label


class Origin(StrEnum):
    """Where a text came in."""

    PROMPT = "prompt"
    PASSAGE = "passage"
    OUTPUT = "output"


class Role(StrEnum):
    """Who speaks in a conversation."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class Action(StrEnum):
    """What is done about a finding."""

    FLAG = "flag"
    MASK = "mask"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class RawText:
    """A text that no guard has seen. `part` is its index among the texts of its origin (message 0, passage 3…)."""

    text: str
    origin: Origin
    part: int = 0


@dataclass(frozen=True, slots=True)
class CleanText:
    """A text as it may go on: masked where a guard said so, and labelled."""

    text: str
    label: Label
    origin: Origin
    part: int = 0


@dataclass(frozen=True, slots=True)
class Seam:
    """A mask in a clean text, from `at` to `until`, and the stretch of the raw text that it stands for."""

    at: int
    until: int
    start: int
    end: int


def raw_stretch(seams: tuple[Seam, ...], start: int, end: int) -> tuple[int, int]:
    """The stretch of the raw text behind one of the clean text. What cuts into a mask takes in all that it stands for."""
    return _raw(seams, start, last=False), _raw(seams, end, last=True)


def _raw(seams: tuple[Seam, ...], offset: int, *, last: bool) -> int:
    moved = 0
    for seam in seams:
        if offset <= seam.at:
            break
        if offset < seam.until:
            return seam.end if last else seam.start
        moved = seam.end - seam.until
    return offset + moved


@dataclass(frozen=True, slots=True)
class Finding:
    """What a guard found, without what it found. `start` and `end` are character offsets into the raw text."""

    guard: str
    version: str
    kind: str
    origin: Origin
    part: int
    start: int
    end: int
    action: Action
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class RawTurn:
    """One message as the client sent it."""

    role: Role
    text: RawText


@dataclass(frozen=True, slots=True)
class CleanTurn:
    """One message as a model may see it."""

    role: Role
    text: CleanText


@dataclass(frozen=True, slots=True)
class CleanPrompt:
    """What a model is given: clean turns, and the joined label of all of them."""

    turns: tuple[CleanTurn, ...]
    label: Label
