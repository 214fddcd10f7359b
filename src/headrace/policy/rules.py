"""The policies of a workspace, each with its id, made into one set for the engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

import cedarpy

from headrace.core.errors import OperationFailed
from headrace.policy.heads import head_of
from headrace.policy.text import annotations_of, place, references, statements, too_much

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headrace.config.model import Policy
    from headrace.policy.heads import Head
    from headrace.policy.text import Statement

TEMPLATE: Final = "template slots are never filled here"
TOO_SHORT: Final = "unexpected end of input"
"""Cedar's words for a text that could go on."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy. `id` is ``FILE/@id``, or ``FILE/policyN`` (from 0) when it has none; `words` its annotations."""

    id: str
    path: str
    words: Mapping[str, str]
    statement: Statement
    named: Mapping[str, frozenset[str]]
    """Ids of the entities that it names, by type."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Policies ready to be asked. Cedar names them by their order: ``policy0``…"""

    rules: Mapping[str, Rule]
    """By Cedar's name."""
    heads: Mapping[str, Head]
    """What the head of each says."""
    handle: cedarpy.PolicySet

    def groups(self, tenant: str, action: str, resource: tuple[str, str]) -> set[str]:
        """Groups of a tenant that the policies about this act name."""
        about = (self.rules[name] for name, head in self.heads.items() if head.fits(action, *resource))
        concerned = (rule.named.get("Group", frozenset()) for rule in about)
        named = (each.partition("/") for groups in concerned for each in groups)
        return {group for of, _, group in named if of == tenant}


def rules_of(policies: Iterable[Policy]) -> list[Rule]:
    """The policies in the order of their files, whether or not they make sense."""
    return [rule for policy in policies for rule in _rules(policy)]


def compiled(policies: Iterable[Policy]) -> RuleSet:
    """Policies ready to be asked. Raises OperationFailed naming the first that cannot be read: what is in force was checked, so it was
    another version of Headrace that could read it."""
    rules = rules_of(policies)
    texts = {policy.path: policy.text for policy in policies}
    for rule in rules:
        why = unreadable(rule.statement)
        if why is not None:
            line, column = place(texts[rule.path], rule.statement.start)
            message = f"This policy cannot be read: {why}."
            raise OperationFailed(
                message, code="policy.unreadable", param=f"{rule.path}:{line}:{column}", mend="Mend it (headrace check), and apply again."
            )
    handle = cedarpy.PolicySet.from_str("\n".join(rule.statement.text for rule in rules))
    named = {f"policy{n}": rule for n, rule in enumerate(rules)}
    return RuleSet(named, {name: head_of(rule.statement.text) for name, rule in named.items()}, handle)


def unreadable(statement: Statement) -> str | None:
    """Why a statement is not exactly one policy, in Cedar's words; None when it is."""
    if too_much(statement) is not None:
        return "too long or too deep"
    return unreadable_text(statement.text)


def unreadable_text(text: str) -> str | None:
    """The same of a text that is not too much for Cedar."""
    try:
        found = cedarpy.PolicySet.from_str(text)
    except ValueError as error:
        return str(error)
    if found.templates():
        return TEMPLATE
    return None if len(found) == 1 else "not exactly one policy"


def _rules(policy: Policy) -> list[Rule]:
    stem = PurePosixPath(policy.path).stem
    found: list[Rule] = []
    for n, statement in enumerate(statements(policy.text)):
        words = {name: value for name, (value, _) in annotations_of(statement).items()}
        found.append(Rule(f"{stem}/{words.get('id') or f'policy{n}'}", policy.path, words, statement, _named(statement)))
    return found


def _named(statement: Statement) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for each in references(statement):
        found[each.type] = found.get(each.type, frozenset()) | {each.id}
    return found
