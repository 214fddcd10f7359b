"""The one door for text: whatever enters goes through :func:`screen` and comes out clean, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.core.errors import Refused
from headrace.core.text import Action, CleanText, Finding, Origin
from headrace.guardrails.spans import inspect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.core.labels import Label
    from headrace.core.ports import Guard, Masks
    from headrace.core.text import RawText
    from headrace.guardrails.spans import Ruled

_WHERE = {Origin.PROMPT: "Your message", Origin.PASSAGE: "A document", Origin.OUTPUT: "The answer"}


def screen(raw: RawText, label: Label, rules: Sequence[tuple[Guard, Action]], masks: Masks) -> tuple[CleanText, tuple[Finding, ...]]:
    """The text as it may go on, and what was found. Raises Refused (``guard.<name>``) when a rule says so."""
    masks.reserve(raw.text)
    found = inspect(raw.text, rules)
    if not found:
        return CleanText(raw.text, label, raw.origin, raw.part), ()
    findings = tuple(finding(each, raw.origin, raw.part) for each in found)
    if any(each.action is Action.REFUSE for each in found):
        raise refusal(findings)
    return CleanText(masked(raw.text, found, raw.origin, masks), label, raw.origin, raw.part), findings


def masked(text: str, found: Sequence[Ruled], origin: Origin, masks: Masks) -> str:
    """The text with every span that is to be masked replaced by its token."""
    pieces: list[str] = []
    at = 0
    for each in found:
        if each.action is Action.MASK:
            pieces += text[at : each.span.start], masks.mask(each.span.kind, text[each.span.start : each.span.end], origin)
            at = each.span.end
    pieces.append(text[at:])
    return "".join(pieces)


def finding(ruled: Ruled, origin: Origin, part: int, shift: int = 0) -> Finding:
    """What was found, without the text. `shift` is where the inspected stretch begins."""
    return Finding(
        guard=ruled.guard,
        version=ruled.version,
        kind=ruled.span.kind,
        origin=origin,
        part=part,
        start=ruled.span.start + shift,
        end=ruled.span.end + shift,
        action=ruled.action,
        confidence=ruled.span.confidence,
    )


def refusal(findings: tuple[Finding, ...]) -> Refused:
    """A sentence that helps and repeats nothing of what was found."""
    worst = next(each for each in findings if each.action is Action.REFUSE)
    what = worst.kind.replace("_", " ")
    place = f"messages[{worst.part}]" if worst.origin is Origin.PROMPT else None
    mend = (
        "Take it out and send the rest; if it is a live credential, change it."
        if worst.origin is Origin.PROMPT
        else "Ask differently, or ask the service's owner."
    )
    return Refused(
        f"{_WHERE[worst.origin]} holds what looks like a credential or a forbidden text ({what}), so it was stopped.",
        code=f"guard.{worst.guard}",
        param=place,
        mend=mend,
        facts={"findings": findings},
    )
