"""The policy engine: Cedar over the policies of one revision. Deny unless a policy allows; what goes wrong is a denial and an alarm.

An engine belongs to one revision, so no decision that it remembers can be of another. It remembers by everything that a decision depends
on: the principal with its groups, the action, the resource, the context. A new key, or a holder with other groups, is another principal.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import msgspec

from headrace.core.values import Decision
from headrace.policy import cedar, entities
from headrace.policy.rules import compiled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import cedarpy

    from headrace.config.model import Workspace
    from headrace.core.values import Principal

DECISIONS: Final = 16_384
"""Decisions that are remembered; beyond that the one longest remembered goes."""
ENTITIES: Final = 50_000
"""Entities (some 250 bytes each) in all the principals that are remembered: each brings the workspace's along."""
CANDIDATES: Final = 5
"""Groups that are tried when a denial is to say what would have helped."""
ALARMS_TOLD: Final = 100
"""Different alarms that are written to the log; all are counted."""

_OF_A_SERVICE: Final = frozenset({"ask", "see", "unmask"})
_OF_A_RECORD: Final = frozenset({"inspect", "prove"})
"""What a key that is bound to services may do with its own services, and with requests of its own."""

K = TypeVar("K")
V = TypeVar("V")
Asker: TypeAlias = tuple[str, str, str, frozenset[str]]
Question: TypeAlias = tuple[Asker, str, tuple[str, str], str]
"""Everything that a decision depends on; the context as JSON with its keys in order."""

_context = msgspec.json.Encoder(order="sorted")
_log = logging.getLogger(__name__)


class CedarEngine:
    """Cedar, with the published schema always passed. Port PolicyEngine. One thread at a time."""

    def __init__(self, workspace: Workspace) -> None:
        """Raises OperationFailed when a policy cannot be read."""
        self._rules = compiled(workspace.policies)
        self._base = cedar.entities(entities.of_workspace(workspace))
        self._principals: dict[Asker, cedarpy.Entities] = {}
        self._most_principals = max(16, ENTITIES // (len(self._base) + 1))
        self._decided: dict[Question, Decision] = {}
        self._told: set[str] = set()
        self.alarms = 0
        """Questions that Cedar could not decide, each of them denied."""

    def decide(self, principal: Principal, action: str, resource: tuple[str, str], context: Mapping[str, object]) -> Decision:
        """May `principal` do `action` to `resource` (type, id)? Never raises: what cannot be decided is denied."""
        if principal.services is not None and (refused := _beyond(principal.services, action, resource, context)) is not None:
            return refused
        asker = (principal.kind, principal.tenant, principal.id, principal.groups)
        try:
            question = (asker, action, resource, _context.encode(context).decode() if context else "{}")
            known = self._decided.get(question)
            if known is None:
                known = self._decision(principal, question)
                _keep(self._decided, question, known, DECISIONS)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001  a panic in native code is no Exception, and must not let anybody in
            return self._alarm(action, f"{type(error).__name__}: {error}")
        return known

    def _decision(self, principal: Principal, question: Question) -> Decision:
        """Raises whatever Cedar raises, and Undecided."""
        allowed, determining = self._ask(self._entities(principal, question[0]), principal, question)
        rules = sorted((self._rules.rules[name] for name in determining), key=lambda rule: rule.id)
        decision = Decision(allowed, tuple(rule.id for rule in rules))
        if allowed:
            return decision
        said = next((rule.words["reason"] for rule in rules if rule.words.get("reason")), None)
        reason = said or (f"{rules[0].id} forbids it." if rules else "No policy allows it.")
        return replace(decision, reason=reason, would_allow=self._would_allow(principal, question))

    def _ask(self, held: cedarpy.Entities, principal: Principal, question: Question) -> tuple[bool, Sequence[str]]:
        _, action, (kind, name), context = question
        asker = entities.name_of(principal)
        return cedar.asked(self._rules.handle, held, asker, entities.uid("Action", action), entities.uid(kind, name), context)

    def _entities(self, principal: Principal, asker: Asker) -> cedarpy.Entities:
        held = self._principals.get(asker)
        if held is None:
            held = cedar.joined(self._base, entities.of_principal(principal, principal.groups))
            _keep(self._principals, asker, held, self._most_principals)
        return held

    def _would_allow(self, principal: Principal, question: Question) -> str:
        """Which one group more would change the decision: those that the policies about this act name are tried."""
        named = self._rules.groups(principal.tenant, question[1], question[2])
        helping: list[str] = []
        for group in sorted(named - principal.groups)[:CANDIDATES]:
            held = cedar.joined(self._base, entities.of_principal(principal, {*principal.groups, group}))
            with suppress(cedar.Undecided):
                if self._ask(held, principal, question)[0]:
                    helping.append(group)
        return f"membership of group {' or '.join(helping)}" if helping else ""

    def _alarm(self, action: str, what: str) -> Decision:
        self.alarms += 1
        text = f"{action}: {what}"[:500]
        if text not in self._told and len(self._told) < ALARMS_TOLD:
            self._told.add(text)
            _log.error("policy could not decide and denied: %s", text)
        return Decision(allowed=False, reason="Policy could not be evaluated, so the answer is no; the operator finds why in the log.")


def _beyond(services: frozenset[str], action: str, resource: tuple[str, str], context: Mapping[str, object]) -> Decision | None:
    """Why a key that is bound to services may not do this, whatever policies give its holder; None where they decide.

    It is for asking its services, and for looking at what was asked with it: nothing else, so that one which is lost opens nothing else.
    Whose services a record is of, whoever shows records looks at.
    """
    bound = f"This key is bound to services: {', '.join(sorted(services)) or 'none'}."
    if resource[0] == "Service" and action in _OF_A_SERVICE:
        return (
            None
            if resource[1] in services
            else Decision(allowed=False, reason=bound, would_allow=f"a key that is bound to {resource[1]} too")
        )
    if action == "place" or (action in _OF_A_RECORD and context.get("own") is True):
        return None
    return Decision(allowed=False, reason=bound, would_allow="a key that is bound to no services")


def _keep(held: dict[K, V], key: K, value: V, most: int) -> None:
    if len(held) >= most:
        del held[next(iter(held))]
    held[key] = value
