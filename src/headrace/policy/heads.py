"""What the head of a policy says: of which acts it can be about at all, whatever its conditions then decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cedarpy
import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

LIE_IN: Final[Mapping[str, frozenset[str]]] = {"Placement": frozenset({"Deployment"}), "Tenant": frozenset({"Source"})}
"""Kinds of resource that lie in others, by those; the schema says so."""


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
    """`actions`: those that it names; None: any. `kind` and `name` are of the resource that it names; None: any. `holds`: the kinds of
    what may lie in that resource, where it says ``in``."""

    permits: bool
    actions: frozenset[str] | None
    kind: str | None
    name: str | None
    holds: frozenset[str]

    def fits(self, action: str, kind: str, name: str) -> bool:
        """Whether the policy can be about this act. What lies in a placement or a tenant may lie in the one that is named."""
        named = self.actions is None or action in self.actions
        return named and (kind in self.holds or (self.kind in {None, kind} and self.name in {None, name}))


def head_of(text: str) -> Head:
    """The head of one policy that can be read."""
    (policy,) = msgspec.json.decode(cedarpy.policies_to_json_str(text), type=_Policies).static_policies.values()
    named = policy.action.entities or ([policy.action.entity] if policy.action.entity is not None else None)
    resource = policy.resource
    entity = resource.entity
    return Head(
        permits=policy.effect == "permit",
        actions=None if named is None else frozenset(each.id for each in named),
        kind=entity.type if entity is not None else resource.entity_type,
        name=entity.id if entity is not None else None,
        holds=LIE_IN.get(entity.type, frozenset()) if entity is not None and resource.op == "in" else frozenset(),
    )
