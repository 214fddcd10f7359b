"""The one door for text: whatever enters goes through :func:`screen` and comes out clean, or not at all."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, LiteralString

from headrace.core.errors import Refused
from headrace.core.text import Action, CleanText, Finding, Origin, Seam
from headrace.guardrails.fold import fold
from headrace.guardrails.spans import Walk, look

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headrace.core.labels import Label
    from headrace.core.ports import Guard, Masks
    from headrace.core.text import RawText
    from headrace.guardrails.spans import Ruled

_WHERE = {Origin.PROMPT: "Your message holds", Origin.PASSAGE: "A document holds", Origin.OUTPUT: "The answer held"}
_WHAT = {"secrets": "a credential", "pii": "personal data"}
_MEND = {
    Origin.PROMPT: "Take it out, or write a placeholder such as <key> in its place, and send the message again.",
    Origin.PASSAGE: "Ask the document's owner to take it out.",
    Origin.OUTPUT: "Ask differently, or ask the service's owner.",
}
_CHANGE_IT = " If it is in use, change it: it has been sent."


def screen(raw: RawText, label: Label, rules: Sequence[tuple[Guard, Action]], masks: Masks) -> tuple[CleanText, tuple[Finding, ...]]:
    """The text as it may go on, and what was found. Raises Refused (``guard.<name>``) when a rule says so."""
    masks.reserve(raw.text)
    seen = look(fold(raw.text), rules).found
    if not seen:
        return CleanText(raw.text, label, raw.origin, raw.part), ()
    found = tuple(Walk().through(seen))
    findings = tuple(finding(each, raw.origin, raw.part) for each in found)
    if any(each.action is Action.REFUSE for each in found):
        raise refusal(findings)
    return CleanText(_masked(raw, found, masks, 0, len(raw.text)), label, raw.origin, raw.part), findings


def excerpt(raw: RawText, stretch: tuple[int, int], label: Label, rules: Sequence[tuple[Guard, Action]], masks: Masks) -> CleanText:
    """A stretch (start, end) of a text that has passed :func:`screen`, masked as it is there: by all that stands around it."""
    found = Walk().through(look(fold(raw.text), rules).found)
    return CleanText(_masked(raw, found, masks, *stretch), label, raw.origin, raw.part)


def seams(raw: RawText, rules: Sequence[tuple[Guard, Action]], masks: Masks) -> tuple[Seam, ...]:
    """Where the masks stand in what :func:`screen` made of this text."""
    made: list[Seam] = []
    end = moved = 0
    for each in Walk().through(look(fold(raw.text), rules).found):
        start, after = max(end, each.span.start), each.span.end
        if each.action is Action.MASK and start < after:
            at = start + moved
            end, until = after, at + len(masks.mask(each.span.kind, raw.text[start:after], raw.origin))
            made.append(Seam(at, until, start, end))
            moved = until - end
    return tuple(made)


def cut(text: CleanText, start: int, end: int) -> CleanText:
    """A stretch of a clean text."""
    return CleanText(text.text[start:end], text.label, text.origin, text.part)


def compose(*parts: CleanText | LiteralString) -> CleanText:
    """Clean texts and words of our own as one text, under the label of all of them."""
    clean = [part for part in parts if isinstance(part, CleanText)]
    label = reduce(lambda one, other: one.join(other), (part.label for part in clean))
    tainted = next((part for part in clean if part.origin is Origin.PASSAGE), clean[0])
    return CleanText("".join(part.text if isinstance(part, CleanText) else part for part in parts), label, tainted.origin, tainted.part)


def _masked(raw: RawText, found: Iterable[Ruled], masks: Masks, at: int, end: int) -> str:
    """The text between two places, with every stretch that is to be masked replaced by its token."""
    pieces: list[str] = []
    for each in found:
        start, after = max(at, each.span.start), min(end, each.span.end)
        if each.action is Action.MASK and start < after:
            pieces += raw.text[at:start], masks.mask(each.span.kind, raw.text[start:after], raw.origin)
            at = after
    pieces.append(raw.text[at:end])
    return "".join(pieces)


def finding(ruled: Ruled, origin: Origin, part: int) -> Finding:
    """What was found, without the text."""
    span = ruled.span
    return Finding(ruled.guard, ruled.version, span.kind, origin, part, span.start, span.end, ruled.action, span.confidence)


def refusal(findings: tuple[Finding, ...]) -> Refused:
    """A sentence that helps and repeats nothing of what was found."""
    refused = [each for each in findings if each.action is Action.REFUSE]
    worst = refused[0]
    more = f", and {len(refused) - 1} more" if len(refused) > 1 else ""
    mend = _MEND[worst.origin] + (_CHANGE_IT if worst.origin is Origin.PROMPT and worst.guard == "secrets" else "")
    return Refused(
        f"{_WHERE[worst.origin]} what looks like {_WHAT.get(worst.guard, 'a text that may not pass')}: {worst.kind.replace('_', ' ')}, "
        f"characters {worst.start} to {worst.end}{more}. It was stopped there.",
        code=f"guard.{worst.guard}",
        param=f"messages[{worst.part}]" if worst.origin is Origin.PROMPT else None,
        mend=mend,
        facts={"findings": findings},
    )
