"""What a pass did, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable


class Stage(StrEnum):
    """What a pass is at."""

    WAITING = "waiting"
    """Another pass writes the same tables."""
    LISTING = "listing"
    READING = "reading"
    EMBEDDING = "embedding"
    """Everything is searchable by words; vectors follow."""
    SLOW = "slow"
    """Files that take long are read, after all others; those are searchable meanwhile."""
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Failed:
    """A document (or a whole source) that could not be read, and why."""

    document: str
    reason: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Documents found, and what became of them in this pass; passages and vectors of all sources of the tenant."""

    stage: Stage = Stage.LISTING
    found: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    deleted: int = 0
    relabelled: int = 0
    """Documents that got other readers; their vectors stay."""
    failed: int = 0
    passages: int = 0
    vectors: int = 0

    @property
    def done(self) -> int:
        """Documents that need no more work in this pass."""
        return self.new + self.changed + self.unchanged + self.failed


Told: TypeAlias = "Callable[[Counts], None]"
"""Hears of progress; called often, so it should be cheap."""


@dataclass(slots=True)
class Tally:
    """The counts of a pass while it runs."""

    told: Told
    counts: Counts = field(default_factory=Counts)
    failures: list[Failed] = field(default_factory=list[Failed])

    def now(self, **numbers: int) -> None:
        """Set counts, and tell."""
        self.counts = replace(self.counts, **numbers)
        self.told(self.counts)

    def at(self, stage: Stage) -> None:
        """Enter a stage, and tell."""
        self.counts = replace(self.counts, stage=stage)
        self.told(self.counts)

    def one_more(self, name: str) -> None:
        """Count one, and tell."""
        self.now(**{name: getattr(self.counts, name) + 1})

    def holds(self, parts: int) -> None:
        """Count what an archive holds instead of the archive, or what a mail holds beside it."""
        self.now(found=self.counts.found + parts)

    def failure(self, document: str, reason: str) -> None:
        """Name a document that could not be read."""
        self.failures.append(Failed(document, reason))
        self.one_more("failed")


@dataclass(frozen=True, slots=True)
class Report:
    """What a pass did. `failed` names every document that cannot be read, also those that could not be read before."""

    tenant: str
    counts: Counts
    failed: tuple[Failed, ...]
    seconds: float
    searchable_after: float
    """Seconds until everything was searchable by words."""
    fresh: bool = False
    """Whether a file changed so shortly before it was read that the next pass should look at it again."""
