"""What a policy says that the schema does not know: attributes, entity types, actions, types that do not fit."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from headrace.config.faults import did_you_mean, listed
from headrace.policy import cedar, schema
from headrace.policy.syntax import Found, effect, plain
from headrace.policy.text import references

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from headrace.policy.text import Statement, Word

_PREFIX = re.compile(r"for policy `[^`]*`, ")
_IN_CONTEXT = re.compile(r'attribute `(?P<name>[^`]+)` in context for Action::"(?P<on>\w+)" not found.*', re.DOTALL)
_ON_TYPE = re.compile(r"attribute `(?P<name>[^`]+)` on entity type `(?P<on>[^`]+)` not found.*", re.DOTALL)
_TYPE = re.compile(r"unrecognized entity type `(?P<name>[^`]+)`.*", re.DOTALL)
_ACTION = re.compile(r'unrecognized action `(?P<whole>(?:\w+::)*Action::"(?P<name>[^"`]*)")`.*', re.DOTALL)
_UNEXPECTED = re.compile(r"unexpected type: expected (?P<wanted>.+?) but saw (?P<seen>.+)", re.DOTALL)
_NOTHING_FITS: Final = "unable to find an applicable action"
_HINTS: Final = {
    "placement": 'Write: resource in Placement::"here".',
    "tenant": 'Write: resource in Tenant::"default".',
    "group": 'Write: principal in Group::"default/members".',
}
"""What is asked with ``in``, although one might look for an attribute."""
_TYPES: Final = {"Long": "a whole number", "Bool": "true or false", "String": "text"}


@dataclass(slots=True)
class _Gathered:
    """What Cedar tells once for each action or type that a policy may be about, and a person reads once."""

    contexts: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Attribute to the actions whose context lacks it."""
    types: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Attribute to the entity types that lack it."""
    unexpected: dict[tuple[int, str], set[str]] = field(default_factory=dict[tuple[int, str], set[str]])
    """Place and what is wanted there, to what stands there."""


def meaning_faults(statement: Statement) -> list[Found]:
    """Everything in a well-formed statement that does not hold under the schema."""
    gathered, told = _Gathered(), _told(statement.text)
    found = [_asked_in_vain(word) for word in _asked(statement)]
    for what in told:
        if match := _IN_CONTEXT.fullmatch(what):
            gathered.contexts.setdefault(match["name"], set()).add(match["on"])
        elif match := _ON_TYPE.fullmatch(what):
            gathered.types.setdefault(match["name"], set()).add(match["on"])
        elif match := _UNEXPECTED.fullmatch(what):
            gathered.unexpected.setdefault((_clause_of(statement, what), match["wanted"]), set()).add(match["seen"])
        elif match := _TYPE.fullmatch(what):
            found.append(_unknown_type(statement, match["name"]))
        elif match := _ACTION.fullmatch(what):
            found.append(_unknown_action(statement, match["whole"], match["name"]))
        elif what.startswith(_NOTHING_FITS):
            found += [] if any("unrecognized" in each for each in told) else [_nothing_fits(statement)]
        else:
            found.append(Found(_clause_of(statement, what), plain(what)))
    found += [_not_in_context(statement, name, sorted(actions)) for name, actions in gathered.contexts.items()]
    found += [_not_on_type(statement, name, sorted(types)) for name, types in gathered.types.items()]
    found += [_unexpected(offset, wanted, sorted(seen)) for (offset, wanted), seen in gathered.unexpected.items()]
    return sorted(set(found), key=lambda each: (each.offset, each.message))


def _told(text: str) -> list[str]:
    return [_PREFIX.sub("", each) for each in cedar.told(text)]


def _not_in_context(statement: Statement, name: str, actions: Sequence[str]) -> Found:
    contexts = schema.spoken().contexts
    word = _attribute(statement, name, of_context=True)
    known = sorted({each for action in actions for each in contexts[action]})
    message = f'attribute "{name}" does not exist in the context of {", ".join(actions)}'
    if len(actions) == 1:
        message += f"; it has: {listed(known)}"
    return Found(word.start, message, _offer(name, known) if did_you_mean(name, known) else _elsewhere(name))


def _elsewhere(name: str) -> str:
    """Which actions' context has what may be meant."""
    contexts = schema.spoken().contexts
    meant = did_you_mean(name, {each for names in contexts.values() for each in names})
    having = sorted(action for action, names in contexts.items() if meant in names)
    if not having:
        return ""
    return f'Only {", ".join(having)} has {"it" if meant == name else meant}: write action == Action::"{having[0]}" in the head.'


def _not_on_type(statement: Statement, name: str, types: Sequence[str]) -> Found:
    attributes = schema.spoken().attributes
    known = sorted({each for kind in types for each in attributes.get(kind, ())})
    message = f'attribute "{name}" does not exist on {" or ".join(types)}; it has: {listed(known)}'
    in_context = sorted(action for action, names in schema.spoken().contexts.items() if name in names)
    if in_context:
        mend = f"The context of {', '.join(in_context)} has it: context.{name}."
    else:
        mend = _offer(name, known) if did_you_mean(name, known) else _hint(name) or _offer(name, known)
    return Found(_attribute(statement, name, of_context=False).start, message, mend)


def _unknown_type(statement: Statement, name: str) -> Found:
    first = name.split("::", maxsplit=1)[0]
    word = next((word for word in statement.words if word.text == first), statement.words[0])
    return Found(word.start, f'unknown entity type "{name}"', _offer(name, schema.spoken().attributes))


def _unknown_action(statement: Statement, whole: str, name: str) -> Found:
    named = next((each for each in references(statement) if f"{each.type}::{each.word.text}" == whole), None)
    word, known = named.word if named else effect(statement), schema.spoken().contexts
    return Found(word.start, f'unknown action "{name}"', f'Write Action::"{name}".' if name in known else _offer(name, known))


def _nothing_fits(statement: Statement) -> Found:
    resources = schema.spoken().resources
    named = [each.id for each in references(statement) if each.type == "Action" and each.id in resources]
    mend = "; ".join(f"{action} is done to {' or '.join(resources[action])}" for action in named or sorted(resources))
    return Found(
        effect(statement).start, "no action fits the head of this policy, so it can never apply", f"By Person or Application: {mend}."
    )


def _unexpected(offset: int, wanted: str, seen: Sequence[str]) -> Found:
    return Found(offset, f"{' or '.join(_TYPES.get(each, each) for each in seen)} stands here where {_TYPES.get(wanted, wanted)} is wanted")


def _asked(statement: Statement) -> Iterator[Word]:
    """Names after ``has`` that nothing has: Cedar takes such a question for false, and a misspelt one would never be noticed."""
    words = schema.spoken()
    known = {name for names in (*words.attributes.values(), *words.contexts.values()) for name in names}
    for before, word in itertools.pairwise(statement.words):
        name = word.value if word.kind == "string" else word.text
        if before.text == "has" and before.kind == "name" and name not in known:
            yield word


def _asked_in_vain(word: Word) -> Found:
    words = schema.spoken()
    name = word.value if word.kind == "string" else word.text
    every = {each for names in (*words.attributes.values(), *words.contexts.values()) for each in names}
    return Found(word.start, f'attribute "{name}" exists nowhere, so this is never true', _hint(name) or _offer(name, every))


def _clause_of(statement: Statement, what: str) -> int:
    """Where the clause begins that has a fault which Cedar gives no name to."""
    return next((word.start for word, text in _clauses(statement) if what in _told(text)), effect(statement).start)


def _clauses(statement: Statement) -> list[tuple[Word, str]]:
    """Each ``when`` and ``unless`` with the text of a policy that has only this one."""
    depth, starts = 0, list[int]()
    for n, word in enumerate(statement.words):
        depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(word.text, 0)
        if depth == 0 and word.text in {"when", "unless"}:
            starts.append(n)
    ends = [*starts[1:], len(statement.words) - 1]
    return [
        (statement.words[at], f"{statement.between(0, starts[0])}{statement.between(at, end)};")
        for at, end in zip(starts, ends, strict=True)
    ]


def _attribute(statement: Statement, name: str, *, of_context: bool) -> Word:
    """Where an attribute is asked for: ``.name`` or ``["name"]``, after ``context`` or after anything else."""
    held = statement.words
    for n, word in enumerate(held):
        if n >= 2 and (word.text == name or (word.kind == "string" and word.value == name)):  # noqa: PLR2004  something, a dot, the name
            asked = held[n - 1].text in {".", "["}
            if asked and (held[n - 2].text == "context") is of_context:
                return word
    return effect(statement)


def _hint(name: str) -> str:
    return _HINTS.get(did_you_mean(name, _HINTS) or "", "")


def _offer(name: str, known: Iterable[str]) -> str:
    every = sorted(known)
    alike = did_you_mean(name, every)
    return f'Did you mean "{alike}"?' if alike else f"Known: {listed(every)}." if every else ""
