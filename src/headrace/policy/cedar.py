"""The calls to Cedar, typed in one place. Its own stubs leave open what stands in a dictionary.

Handles (policies, entities, the schema) are parsed once and shared; parsing at every question is what would take the time.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import cedarpy

from headrace.policy import schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.policy.entities import Uid


class Undecided(Exception):
    """Cedar could not decide; the text says why."""


@cache
def schema_handle() -> cedarpy.Schema:
    """The published schema, parsed once a process."""
    return cedarpy.Schema.from_str(schema.text())


def entities(json: str) -> cedarpy.Entities:
    """Entities from Cedar's JSON. Raises ValueError when the schema does not know them."""
    return cedarpy.Entities.from_json_str(json, schema_handle())  # pyright: ignore[reportUnknownMemberType]


def joined(base: cedarpy.Entities, json: str) -> cedarpy.Entities:
    """A base with more entities; the base stays as it is. Raises ValueError when the schema does not know them."""
    return base.with_added_json_str(json, schema_handle())  # pyright: ignore[reportUnknownMemberType]


def asked(
    policies: cedarpy.PolicySet, held: cedarpy.Entities, principal: Uid, action: Uid, resource: Uid, context: str
) -> tuple[bool, Sequence[str]]:
    """Allowed or not, and Cedar's names of the policies that say so; `context` is JSON.

    Raises Undecided when Cedar found any error, also beside a decision: it leaves out a policy that fails, and that may be the one that
    forbids.
    """
    request = {"principal": principal, "action": action, "resource": resource, "context": context}
    result = cedarpy.is_authorized(request, policies, held, schema_handle())  # pyright: ignore[reportUnknownMemberType]
    if result.diagnostics.errors or result.decision is cedarpy.Decision.NoDecision:
        raise Undecided("; ".join(result.diagnostics.errors))
    return result.allowed, result.diagnostics.reasons


def told(text: str) -> list[str]:
    """What does not hold under the schema in the text of well-formed policies, in Cedar's words."""
    result = cedarpy.validate_policies(text, schema_handle())  # pyright: ignore[reportUnknownMemberType]
    return sorted(each.error for each in result.errors)
