"""What every PolicyEngine does.

Fixtures to give: `engine`, whose policies let group ``members`` of tenant ``default`` ask service ``help``, under the policy id of fixture
`permit`, and forbid service ``closed`` to everybody, under that of fixture `forbid`, and say nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from headrace.core.values import Principal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.core.ports import PolicyEngine

HELP = ("Service", "help")


def principal(
    name: str = "ana", *groups: str, tenant: str = "default", kind: str = "person", services: frozenset[str] | None = None
) -> Principal:
    """Someone who asks."""
    return Principal(name, kind, tenant, frozenset(groups), f"hr_{name}", services)


class PolicyEngineContract:
    """The port PolicyEngine."""

    @pytest.mark.parametrize("kind", ["person", "application"])
    def test_what_a_policy_allows(self, engine: PolicyEngine, permit: str, kind: str) -> None:
        """The decision names the policy, and a second look is the same."""
        for _ in range(2):
            decision = engine.decide(principal("ana", "members", kind=kind), "ask", HELP, {})
            assert decision.allowed
            assert decision.policies == (permit,)

    @pytest.mark.parametrize(
        ("asker", "action", "resource"),
        [
            (principal("ana"), "ask", HELP),
            (principal("ana", "others"), "ask", HELP),
            (principal("ana", "members", tenant="lab"), "ask", HELP),
            (principal("ana", "members", tenant="nowhere"), "ask", HELP),
            (principal("ana", "members"), "ask", ("Service", "elsewhere")),
            (principal("ana", "members"), "unmask", HELP),
            (principal("ana", "members"), "observe", ("Tenant", "default")),
        ],
        ids=["no group", "another group", "another tenant", "no tenant", "another service", "another action", "another resource"],
    )
    def test_what_no_policy_allows_is_denied(self, engine: PolicyEngine, asker: Principal, action: str, resource: tuple[str, str]) -> None:
        """With a reason, and without a policy."""
        decision = engine.decide(asker, action, resource, {})
        assert not decision.allowed
        assert decision.policies == ()
        assert decision.reason

    def test_a_denial_says_what_would_help(self, engine: PolicyEngine) -> None:
        """The group that is missing, if one would do; nothing to somebody of another tenant."""
        assert "members" in engine.decide(principal("ana", "others"), "ask", HELP, {}).would_allow
        assert engine.decide(principal("ana", tenant="lab"), "ask", HELP, {}).would_allow == ""
        assert engine.decide(principal("ana", "members"), "observe", ("Tenant", "default"), {}).would_allow == ""

    def test_a_forbid_is_named(self, engine: PolicyEngine, forbid: str) -> None:
        """It outweighs every permit."""
        decision = engine.decide(principal("ana", "members"), "ask", ("Service", "closed"), {})
        assert not decision.allowed
        assert decision.policies == (forbid,)
        assert decision.reason
        assert decision.would_allow == ""

    def test_a_key_that_is_bound_to_services(self, engine: PolicyEngine) -> None:
        """Asks no other, whatever policy says; policy still decides on those."""
        bound = principal("ana", "members", services=frozenset({"help"}))
        assert engine.decide(bound, "ask", HELP, {}).allowed
        denied = engine.decide(bound, "ask", ("Service", "closed"), {})
        assert not denied.allowed
        assert denied.policies == ()
        assert "help" in denied.reason
        assert not engine.decide(principal("ana", services=frozenset({"help"})), "ask", HELP, {}).allowed
        assert not engine.decide(principal("ana", "members", services=frozenset()), "ask", HELP, {}).allowed

    @pytest.mark.parametrize(
        ("action", "resource", "context"),
        [
            ("fly", HELP, {}),
            ("", ("", ""), {}),
            ("ask", ("Deployment", "help"), {}),
            ("ask", ("9 ;", "help"), {}),
            ("ask", HELP, {"surprise": 1}),
            ("place", ("Deployment", "d"), {}),
            ("place", ("Deployment", "d"), {"sensitivity": 1.5, "tainted": False}),
            ("place", ("Deployment", "d"), {"sensitivity": "1", "tainted": False}),
            ("ask", HELP, {"what": object()}),
            ("ask", HELP, {3: "what"}),
        ],
    )
    def test_what_cannot_be_decided_is_denied(
        self, engine: PolicyEngine, action: str, resource: tuple[str, str], context: Mapping[object, object]
    ) -> None:
        """Never an error for the one who asks."""
        decision = engine.decide(principal("ana", "members"), action, resource, cast("Mapping[str, object]", context))
        assert not decision.allowed
        assert decision.reason

    def test_names_are_names(self, engine: PolicyEngine) -> None:
        """Whatever stands in one, it does not become part of a question."""
        for name in ('a"b', "a\nb", "\\", "", "é", 'x" || true || "'):
            assert not engine.decide(principal(name, name), "ask", ("Service", name), {}).allowed
            assert engine.decide(principal(name, "members"), "ask", HELP, {}).allowed
