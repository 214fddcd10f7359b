"""The states of a search, beside those that every request has (:mod:`headrace.core.flow`).

Received → Admitted → Screened → Searched → Settled
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headrace.core.flow import finding_facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.core.flow import Call, Received
    from headrace.core.text import Finding
    from headrace.core.values import Decision, Facts, Money, Receipt, Usage


@dataclass(frozen=True, slots=True)
class Search:
    """A question to the documents themselves: what is found comes back as it is, and nothing answers.

    `received.call.service` may be empty: then a service is looked for that the asker may ask and that knows all of `sources`. Without
    `sources` all that the service knows is searched. `under` keeps to documents whose names begin so (``handbook/hr/``).
    """

    received: Received
    sources: tuple[str, ...]
    under: tuple[str, ...]
    limit: int
    quotes: int
    scores: bool


@dataclass(frozen=True, slots=True)
class FoundQuote:
    """A sentence of a passage that may answer, screened. Offsets are characters into the stored text of the passage's version."""

    start: int
    end: int
    place: str
    text: str = field(repr=False)
    confidence: float


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage that the asker may read, screened, with its quotes in descending confidence."""

    id: str
    document: str
    version: str
    start: int
    end: int
    place: str
    text: str = field(repr=False)
    rank: int
    ranks: Mapping[str, int]
    scores: Mapping[str, float]
    """Raw; empty unless a curator asked for them."""
    quotes: tuple[FoundQuote, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Searched:
    """What was found, as its asker may see it."""

    passages: tuple[FoundPassage, ...] = field(repr=False)
    candidates: int
    index_version: int
    arms: tuple[str, ...]
    unmasked: int
    findings: tuple[Finding, ...]

    def facts(self) -> Facts:
        """Content-free facts for the record: documents as hashes of their versions, ranks, never scores."""
        return {
            "candidates": self.candidates,
            "index": self.index_version,
            "arms": list(self.arms),
            "passages": [{"id": each.id, "version": each.version, "ranks": dict(each.ranks)} for each in self.passages],
            "quotes": sum(len(each.quotes) for each in self.passages),
            "unmasked": self.unmasked,
            "findings": list(finding_facts(self.findings)),
        }


@dataclass(frozen=True, slots=True)
class Passages:
    """Everything that the client is told, once its settled record is durable."""

    call: Call
    revision: str
    searched: Searched
    decision: Decision
    findings: tuple[Finding, ...]
    usage: Usage
    cost: Money
    receipt: Receipt
    salts: dict[str, str]
    stages_us: dict[str, int]
