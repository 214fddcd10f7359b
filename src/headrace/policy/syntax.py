"""What is wrong with a policy's form, and where. Cedar says what; where is found by asking it again about the beginning of the text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headrace.config.faults import did_you_mean, listed
from headrace.policy.rules import TEMPLATE, TOO_SHORT, unreadable, unreadable_text
from headrace.policy.text import DEEPEST, LONGEST, too_much

if TYPE_CHECKING:
    from headrace.policy.text import Statement, Word

FORM: Final = "A policy reads: permit (principal, action, resource) when { … };"
_VARIABLES: Final = ("principal", "action", "resource", "context")
_CALLS: Final = (
    *("contains", "containsAll", "containsAny", "isEmpty", "getTag", "hasTag", "ip", "isIpv4", "isIpv6", "isLoopback", "isMulticast"),
    *("isInRange", "decimal", "lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual", "datetime", "duration", "offset"),
    *("durationSince", "toDate", "toTime", "toMilliseconds", "toSeconds", "toMinutes", "toHours", "toDays"),
)
_NAMED = (
    (re.compile(r"invalid variable: (\w+)"), 'unknown word "{}"', _VARIABLES),
    (re.compile(r"found an invalid variable in the policy scope: (\w+)"), '"{}" does not stand in the head of a policy', _VARIABLES),
    (re.compile(r"invalid policy effect: (\w+)"), 'a policy begins with permit or forbid, not with "{}"', ("permit", "forbid")),
    (re.compile(r"`(\w+)` is not a valid (?:method|function)"), 'there is no function "{}"', _CALLS),
)
"""Cedar's words for what it names, ours, and what may be meant instead."""
_QUOTED = re.compile(r"`([^`]+)`")
_LARGEST: Final = 2**63 - 1
_TWICE = re.compile(r"duplicate annotation: @(\w+)")


@dataclass(frozen=True, slots=True)
class Found:
    """A fault of a policy, as an offset into its file."""

    offset: int
    message: str
    mend: str = ""


def syntax_fault(statement: Statement) -> Found | None:
    """What keeps a statement from being a policy; None when nothing does. Cedar tells one at a time."""
    large = too_much(statement)
    if large is not None:
        message = f"this policy is too large: at most {LONGEST:,} words, and brackets at most {DEEPEST} deep"
        return Found(large.start, message, "Make several policies of it: permits add up, and any forbid forbids.")
    broken = next((word for word in statement.words if word.kind == "other"), None)
    if broken is not None and broken.text == '"':
        return Found(broken.start, "this string is not closed on its line", 'Close it with ".')
    why = unreadable(statement)
    return None if why is None else _placed(statement, why)


def _placed(statement: Statement, why: str) -> Found:
    if why == TEMPLATE:
        slot = next(word for word in statement.words if word.text == "?")
        return Found(slot.start, TEMPLATE, 'Name who is meant: principal in Group::"default/members".')
    for pattern, message, known in _NAMED:
        if match := pattern.fullmatch(why):
            alike = did_you_mean(match[1], known)
            mend = f'Did you mean "{alike}"?' if alike else f"Known here: {listed(known)}."
            return Found(_named(statement, match[1]).start, message.format(match[1]), mend)
    if match := _TWICE.fullmatch(why):
        return Found(_named(statement, match[1], last=True).start, f"@{match[1]} stands here twice", "Keep one of the two.")
    if why == TOO_SHORT:
        return Found(statement.words[-1].start, "this policy ends before it is whole", f"It ends with ;. {FORM}")
    if why.startswith(("unexpected token", "invalid token")):
        return _first_wrong(statement)
    return Found(_about(statement, why).start, plain(why), FORM)


def plain(words: str) -> str:
    """Cedar's words without its marks."""
    return words.replace('`"', '"').replace('"`', '"').replace("`", '"')


def _first_wrong(statement: Statement) -> Found:
    """The first word that Cedar cannot go on from: the shortest beginning of the text about which it says anything but *too short*."""
    low, high = 0, len(statement.words)
    while high - low > 1:
        middle = (low + high) // 2
        if _goes_on(statement.upto(middle)):
            low = middle
        else:
            high = middle
    word = statement.words[high - 1]
    return Found(word.start, f'"{word.text}" is unexpected here', FORM)


def _about(statement: Statement, why: str) -> Word:
    """The word that Cedar's message is about: one that it quotes, or the first number that is too large; else the policy's first."""
    for quoted in _QUOTED.findall(why):
        for word in statement.words:
            if quoted == word.text or (word.kind == "string" and quoted.startswith("\\") and quoted in word.text):
                return word
    numbers = (word for word in statement.words if word.kind == "number" and int(word.text) > _LARGEST)
    return next(numbers, effect(statement))


def _goes_on(beginning: str) -> bool:
    return unreadable_text(beginning) == TOO_SHORT


def _named(statement: Statement, name: str, *, last: bool = False) -> Word:
    found = [word for word in statement.words if word.text == name]
    return found[-1 if last else 0]


def effect(statement: Statement) -> Word:
    """``permit`` or ``forbid``; the first word when neither is there."""
    return next((word for word in statement.words if word.text in {"permit", "forbid"}), statement.words[0])
