"""What became of the sentences that a model wrote from passages."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.core.values import Facts

UNFINISHED = "unfinished"
"""Reason: the model was cut off in the middle of it."""
DECLINED = "declined"
"""Reason: the model says that the passages do not answer."""
LEANS = "leans"
"""Reason: it speaks of a sentence before it that was removed."""


class Outcome(StrEnum):
    """What was done about a sentence."""

    CITED = "cited"
    FLAGGED = "flagged"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a draft, without its words.

    `score` (0 to 1) is the calibrated chance that the passages support it; `reason` why it was not cited; `cites` the numbers of its
    citations in the answer.
    """

    outcome: Outcome
    score: float
    reason: str = ""
    cites: tuple[int, ...] = ()

    def facts(self) -> Facts:
        """Content-free facts for the record."""
        return {
            "outcome": str(self.outcome),
            "score_ppm": round(self.score * 1_000_000),
            "reason": self.reason,
            "cites": list(self.cites),
        }
