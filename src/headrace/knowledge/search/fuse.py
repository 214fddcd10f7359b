"""One order from two: what a search by words and one by meaning brought, fused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.core.values import Hit

BM25 = "bm25"
DENSE = "dense"
DEPTH = 100
"""Candidates that each arm brings."""
DENSE_WEIGHT = 0.6
"""Share of the dense arm for a question that the embedder sees whole; chosen on queries that nothing is reported of (decision 0062)."""
SEEN = 254
"""Tokens of a question that the default embedder sees."""


@dataclass(frozen=True, slots=True)
class Fused:
    """A candidate in the fused order: its rank (from 1) and score in each arm that brought it, and the fused score (0 to 1)."""

    key: int
    score: float
    ranks: Mapping[str, int]
    scores: Mapping[str, float]


def dense_weight(tokens: int) -> float:
    """The dense arm's share for a question of so many tokens: its vector speaks only for the part that the embedder saw."""
    return DENSE_WEIGHT * min(1.0, SEEN / max(1, tokens))


def fuse(words: Sequence[Hit], meaning: Sequence[Hit], share: float = DENSE_WEIGHT) -> list[Fused]:
    """Both arms' candidates, best first; `share` (0 to 1) is the dense arm's.

    The fused score is the weighted sum of the arms' scores, each scaled to 0…1 over what the arm brought (Bruch, Gai and Ingber, An
    Analysis of Fusion Functions for Hybrid Retrieval, 2023); who is not in an arm gets nothing from it. An arm that brought nothing
    leaves the other's order as it is. Ties are settled by the best rank, then by key, so the order is the same each time.
    """
    arms = {BM25: (_ordered(words), 1.0 - share), DENSE: (_ordered(meaning), share)}
    fused: dict[int, float] = {}
    ranks: dict[int, dict[str, int]] = {}
    scores: dict[int, dict[str, float]] = {}
    for arm, (hits, weight) in arms.items():
        for rank, (hit, scaled) in enumerate(zip(hits, _scaled(hits), strict=True), start=1):
            fused[hit.key] = fused.get(hit.key, 0.0) + weight * scaled
            ranks.setdefault(hit.key, {})[arm] = rank
            scores.setdefault(hit.key, {})[arm] = hit.score
    order = sorted(fused, key=lambda key: (-fused[key], min(ranks[key].values()), key))
    return [Fused(key, fused[key], ranks[key], scores[key]) for key in order]


def _ordered(hits: Sequence[Hit]) -> list[Hit]:
    return sorted(hits, key=lambda hit: (-hit.score, hit.key))


def _scaled(hits: Sequence[Hit]) -> list[float]:
    """Scores from 0 (the arm's last) to 1 (its first); all 1 when they are equal."""
    if not hits:
        return []
    first, last = hits[0].score, hits[-1].score
    return [(hit.score - last) / (first - last) if first > last else 1.0 for hit in hits]
