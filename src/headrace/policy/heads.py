"""What the head of a policy says: of which acts it can be about at all, whatever its conditions then decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cedarpy
import msgspec

if TYPE_CHECKING:
    from headrace.policy.rules import Rule


class _Entity(msgspec.Struct):
    type: str
    id: str


class _Part(msgspec.Struct):
    """One part of a head as Cedar's JSON has it."""

    op: str
    entity: _Entity | None = None
    entities: list[_Entity] | None = None
    entity_type: str | None = None


class _Policy(msgspec.Struct):
    effect: str
    action: _Part
    resource: _Part


class _Policies(msgspec.Struct, rename="camel"):
    static_policies: dict[str, _Policy]


@dataclass(frozen=True, slots=True)
class Head:
    """`actions`: those that it names; None: any. `kind` and `name` are of the resource that it names; None: any."""

    permits: bool
    actions: frozenset[str] | None
    kind: str | None
    name: str | None

    def fits(self, action: str, kind: str, name: str) -> bool:
        """Whether the policy can be about this act. The kinds that are asked about here lie in no others: ``in`` is ``==`` for them."""
        named = self.actions is None or action in self.actions
        return named and self.kind in {None, kind} and self.name in {None, name}


def head_of(rule: Rule) -> Head:
    """The head of a policy that can be read."""
    (policy,) = msgspec.json.decode(cedarpy.policies_to_json_str(rule.statement.text), type=_Policies).static_policies.values()
    named = policy.action.entities or ([policy.action.entity] if policy.action.entity is not None else None)
    resource = policy.resource
    entity = resource.entity
    return Head(
        permits=policy.effect == "permit",
        actions=None if named is None else frozenset(each.id for each in named),
        kind=entity.type if entity is not None else resource.entity_type,
        name=entity.id if entity is not None else None,
    )
