"""The states of a request for vectors, beside those that every request has (:mod:`headrace.core.flow`).

Received → Admitted → Screened → Routed → Reserved → Embedded → Settled
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.core.flow import Call, Received
    from headrace.core.text import Finding
    from headrace.core.values import Decision, Facts, Money, Receipt, Usage, Vectors


@dataclass(frozen=True, slots=True)
class Texts:
    """A request for the vectors of its turns. `dimensions` None: as many as the model gives."""

    received: Received
    dimensions: int | None


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors, before they are sent."""

    deployment: str
    model: str
    """As its deployment names it: a built-in model, or the provider's."""
    vectors: Vectors
    usage: Usage

    def facts(self) -> Facts:
        """Content-free facts for the record."""
        return {
            "deployment": self.deployment,
            "model": self.model,
            "vectors": len(self.vectors.rows),
            "dimensions": self.vectors.dimensions,
            "input": self.usage.input,
            "slot_us": round(self.usage.slot_seconds * 1_000_000),
        }


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Everything that the client is told, once its settled record is durable."""

    call: Call
    revision: str
    vectors: Vectors
    decision: Decision
    deployment: str
    considered: int
    findings: tuple[Finding, ...]
    usage: Usage
    cost: Money
    receipt: Receipt
    salts: dict[str, str]
    stages_us: dict[str, int]
