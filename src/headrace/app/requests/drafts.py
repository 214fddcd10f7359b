"""What became of a draft, in a sentence."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from headrace.evidence.facts import mappings

if TYPE_CHECKING:
    from collections.abc import Mapping

WHY: Final = {
    "unsupported": "not supported",
    "number": "a figure that no source holds",
    "name": "a name that no source holds",
    "contrary": "against the source",
    "declined": "the model says that the passages do not answer",
    "leans": "leaning on one removed",
    "unfinished": "cut off",
}
"""Why a sentence was not cited."""


def drafted(facts: Mapping[str, object]) -> list[str]:
    """``5 sentences: 3 cited, 2 removed (1 a figure that no source holds, 1 not supported)``; nothing when nothing was drafted."""
    sentences = mappings(facts.get("sentences"))
    if not sentences:
        return []
    outcomes = Counter(str(each.get("outcome")) for each in sentences)
    reasons = Counter(WHY.get(str(each.get("reason")), str(each.get("reason"))) for each in sentences if each.get("reason"))
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    why = f" ({', '.join(f'{count} {reason}' for reason, count in sorted(reasons.items()))})" if reasons else ""
    instead = {"quote": "; too little was left, so it quotes", "abstain": "; so it abstains"}.get(str(facts.get("mode")), "")
    return [f"{len(sentences)} sentence{'' if len(sentences) == 1 else 's'} drafted: {told}{why}{instead}"]
