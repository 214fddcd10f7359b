"""The events of one answer, in order: any number of TextDelta, then one Usage and one Finished. A failure is an exception, never an
early end: a stream that ends without :class:`Finished` is a defect of the port that made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from headrace.core.values import FinishReason, Usage


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More text from a model: not yet screened. `pieces` are the tokens (or so) that it came in."""

    text: str
    pieces: int = 1


@dataclass(frozen=True, slots=True)
class UsageReport:
    """What the answer used; may come more than once while streaming, each replaces the last."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class Finished:
    """The model came to an end of its own accord or at a limit."""

    reason: FinishReason


ModelEvent: TypeAlias = TextDelta | UsageReport | Finished


@dataclass(frozen=True, slots=True)
class CleanDelta:
    """More text that passed the output guards (Checked) or is ready to leave (Released)."""

    text: str
