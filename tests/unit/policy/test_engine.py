"""Cedar decisions: what they say, what is remembered, and what happens when there is none."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import cedarpy
import pytest

from headrace.core.errors import OperationFailed
from headrace.policy import cedar
from headrace.policy import engine as engine_module
from headrace.policy.engine import CedarEngine
from headrace.testing.policy_engine import HELP, principal
from tests.support.policies import workspace

if TYPE_CHECKING:
    from collections.abc import Callable

ANA = principal("ana", "members", "support")
BOUND = principal("ana", "members", "support", services=frozenset({"help"}))
HERE = ("Deployment", "small")
FAR = ("Deployment", "far")
PUBLIC = {"sensitivity": 0, "tainted": False}


def test_policies_are_named_by_file_and_id() -> None:
    engine = CedarEngine(
        workspace(
            'permit (principal, action == Action::"ask", resource);\n@id("named") permit (principal, action, resource);',
            '// nothing\npermit (principal, action == Action::"ask", resource == Service::"help");',
        )
    )
    assert engine.decide(ANA, "ask", HELP, {}).policies == ("a/named", "a/policy0", "b/policy0")
    assert engine.decide(ANA, "observe", ("Tenant", "default"), {}).policies == ("a/named",)
    assert engine.decide(ANA, "ask", HELP, {}).obligations == ()


def test_a_deployment_is_in_its_placement_and_a_text_has_its_label() -> None:
    rules = 'permit (principal, action == Action::"place", resource in Placement::"here") when { context.sensitivity < 3 };\n'
    rules += '@id("far") permit (principal, action == Action::"place", resource in Placement::"cloud") unless { context.tainted };'
    engine = CedarEngine(workspace(rules))
    assert engine.decide(ANA, "place", HERE, PUBLIC).policies == ("a/policy0",)
    assert not engine.decide(ANA, "place", HERE, {"sensitivity": 3, "tainted": False}).allowed
    assert engine.decide(ANA, "place", FAR, {"sensitivity": 3, "tainted": False}).policies == ("a/far",)
    assert not engine.decide(ANA, "place", FAR, {"sensitivity": 3, "tainted": True}).allowed
    assert not engine.decide(ANA, "place", ("Deployment", "unknown"), PUBLIC).allowed


def test_principals_are_in_their_tenant_and_sources_too() -> None:
    rules = 'permit (principal in Tenant::"lab", action == Action::"curate", resource in Tenant::"default");\n'
    rules += 'permit (principal, action == Action::"observe", resource) when { resource == principal.tenant };'
    engine = CedarEngine(workspace(rules))
    assert engine.decide(principal("ben", tenant="lab"), "curate", ("Source", "handbook"), {}).allowed
    assert not engine.decide(ANA, "curate", ("Source", "handbook"), {}).allowed
    assert engine.decide(ANA, "observe", ("Tenant", "default"), {}).allowed
    assert not engine.decide(ANA, "observe", ("Tenant", "lab"), {}).allowed


def test_a_person_and_an_application_are_not_each_other() -> None:
    engine = CedarEngine(workspace('permit (principal == Person::"default/ana", action, resource);'))
    assert engine.decide(ANA, "ask", HELP, {}).allowed
    assert not engine.decide(principal("ana", kind="application"), "ask", HELP, {}).allowed


def test_a_proof_is_for_who_asked() -> None:
    engine = CedarEngine(workspace('permit (principal, action == Action::"prove", resource) when { context.own };'))
    assert engine.decide(ANA, "prove", ("Record", "req_1"), {"own": True}).allowed
    assert not engine.decide(ANA, "prove", ("Record", "req_1"), {"own": False}).allowed
    assert not engine.decide(ANA, "prove", ("Record", "req_1"), {"own": 1}).allowed


def test_a_forbid_says_its_reason() -> None:
    rules = 'permit (principal, action, resource);\n@id("b") @reason("Closed \\"until\\" May.") forbid (principal, action, resource);\n'
    decision = CedarEngine(workspace(rules + '@id("a") forbid (principal, action, resource);')).decide(ANA, "ask", HELP, {})
    assert decision.policies == ("a/a", "a/b")
    assert decision.reason == 'Closed "until" May.'
    assert CedarEngine(workspace("forbid (principal, action, resource);")).decide(ANA, "ask", HELP, {}).reason == "a/policy0 forbids it."


def test_a_denial_offers_only_what_would_help() -> None:
    groups = "".join(f'permit (principal in Group::"default/{group}", action == Action::"ask", resource == Service::"{service}");' for group, service in (("auditors", "help"), ("support", "help"), ("members", "chat")))  # fmt: skip  # noqa: E501
    forbid = 'forbid (principal, action, resource) unless { principal in Group::"default/members" };'
    engine = CedarEngine(workspace(groups, forbid))
    assert engine.decide(principal("eve", "members"), "ask", HELP, {}).would_allow == "membership of group auditors or support"
    assert engine.decide(principal("eve", "support"), "ask", HELP, {}).would_allow == "membership of group members"
    assert engine.decide(principal("eve"), "ask", HELP, {}).would_allow == ""
    assert engine.decide(principal("eve", tenant="lab"), "ask", HELP, {}).would_allow == ""


def test_what_a_condition_names_is_not_what_a_policy_is_about() -> None:
    spared = 'permit (principal in Group::"default/support", action == Action::"ask", resource) unless { resource == Service::"chat" };'
    engine = CedarEngine(workspace(spared))
    assert engine.decide(principal("eve"), "ask", HELP, {}).would_allow == "membership of group support"
    assert engine.decide(principal("eve"), "ask", ("Service", "chat"), {}).would_allow == ""


def test_what_lies_in_what_a_policy_names() -> None:
    within = 'permit (principal in Group::"default/support", action == Action::"place", resource in Placement::"here");'
    engine = CedarEngine(workspace(within))
    asked = {"tainted": False, "sensitivity": 0}
    assert engine.decide(principal("eve"), "place", HERE, asked).would_allow == "membership of group support"
    assert engine.decide(principal("eve"), "ask", HELP, {}).would_allow == ""


def test_the_same_question_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = CedarEngine(workspace("permit (principal, action, resource);"))
    first = engine.decide(ANA, "place", HERE, {"tainted": False, "sensitivity": 0})

    def never(*given: object) -> None:
        raise AssertionError(given)

    monkeypatch.setattr(cedarpy, "is_authorized", never)
    assert engine.decide(ANA, "place", HERE, {"sensitivity": 0, "tainted": False}) is first
    assert engine.alarms == 0


def test_one_is_not_true(caplog: pytest.LogCaptureFixture) -> None:
    engine = CedarEngine(workspace("permit (principal, action, resource);"))
    assert engine.decide(ANA, "place", HERE, PUBLIC).allowed
    assert not engine.decide(ANA, "place", HERE, {"sensitivity": False, "tainted": 0}).allowed
    assert "policy could not decide" in caplog.text


def test_its_memory_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "DECISIONS", 4)
    monkeypatch.setattr(engine_module, "ENTITIES", 0)
    engine = CedarEngine(workspace('permit (principal in Group::"default/members", action, resource);'))
    for _ in range(2):
        for n in range(40):
            assert engine.decide(principal(f"p{n}", "members"), "ask", HELP, {}).allowed
            assert not engine.decide(principal(f"p{n}"), "ask", HELP, {}).allowed
    assert len(engine._decided) == 4
    assert len(engine._principals) == 16


OVERFLOW = 'permit (principal, action == Action::"place", resource) when { context.sensitivity + 9223372036854775807 > 3 };'


def test_a_policy_that_fails_denies_and_alarms(caplog: pytest.LogCaptureFixture) -> None:
    engine = CedarEngine(workspace(f"permit (principal, action, resource);\n{OVERFLOW}"))
    assert engine.decide(ANA, "place", HERE, PUBLIC).allowed
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            decision = engine.decide(ANA, "place", HERE, {"sensitivity": 1, "tainted": False})
            assert (decision.allowed, decision.policies) == (False, ())
            assert "could not be evaluated" in decision.reason
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "overflow" in caplog.text
    assert engine.alarms == 3
    assert engine.decide(ANA, "ask", HELP, {}).allowed


def test_a_group_that_would_make_a_policy_fail_is_not_offered() -> None:
    fails = 'principal in Group::"default/auditors" && context.sensitivity + 9223372036854775807 > 3'
    engine = CedarEngine(workspace(f'permit (principal, action == Action::"place", resource) when {{ {fails} }};'))
    decision = engine.decide(ANA, "place", HERE, {"sensitivity": 1, "tainted": False})
    assert (decision.reason, decision.would_allow) == ("No policy allows it.", "")
    assert engine.alarms == 0


class Panic(BaseException):
    """What a panic in native code looks like."""


@pytest.mark.parametrize("error", [Panic("at src/lib.rs"), ValueError("no"), MemoryError()])
def test_whatever_the_engine_raises_is_a_denial(
    error: BaseException, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = CedarEngine(workspace("permit (principal, action, resource);"))
    with monkeypatch.context() as patch:
        patch.setattr(cedarpy, "is_authorized", _raising(error))
        assert not engine.decide(ANA, "ask", HELP, {}).allowed
    assert type(error).__name__ in caplog.text
    assert engine.decide(ANA, "ask", HELP, {}).allowed  # the failure was not remembered


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()])
def test_the_end_of_the_process_is_not_held_up(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = CedarEngine(workspace("permit (principal, action, resource);"))
    monkeypatch.setattr(cedarpy, "is_authorized", _raising(error))
    with pytest.raises(type(error)):
        engine.decide(ANA, "ask", HELP, {})


def _raising(error: BaseException) -> Callable[..., None]:
    def raises(*given: object) -> None:
        del given
        raise error

    return raises


def test_the_log_is_not_flooded(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(engine_module, "ALARMS_TOLD", 3)
    engine = CedarEngine(workspace("permit (principal, action, resource);"))
    for n in range(9):
        engine.decide(ANA, f"act{n}", HELP, {})
    assert engine.alarms == 9
    assert len(caplog.records) == 3


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ("permit (principal, action, resource);\n permit (principal;", "policies/a.cedar:2:2", "unexpected token"),
        ("permit (principal == ?principal, action, resource);", "policies/a.cedar:1:1", "template"),
        ("permit (principal, action, resource) when { " + "(" * 2000 + "true" + ")" * 2000 + " };", "policies/a.cedar:1:1", "too deep"),
    ],
)
def test_policies_that_cannot_be_read_are_never_in_force(text: str, place: str, why: str) -> None:
    with pytest.raises(OperationFailed) as caught:
        CedarEngine(workspace(text))
    assert caught.value.code == "policy.unreadable"
    assert caught.value.param == place
    assert why in caught.value.message


def test_no_policies_allow_nothing() -> None:
    assert not CedarEngine(workspace()).decide(ANA, "ask", HELP, {}).allowed


def test_the_schema_is_parsed_once() -> None:
    assert cedar.schema_handle() is cedar.schema_handle()


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("ask", ("Service", "other"), {}),
        ("see", ("Service", "other"), {}),
        ("unmask", ("Service", "other"), {}),
        ("curate", HELP, {}),
        ("curate", ("Source", "handbook"), {}),
        ("curate", ("Tenant", "default"), {}),
        ("observe", ("Tenant", "default"), {}),
        ("change", ("Tenant", "default"), {}),
        ("administer", ("Tenant", "default"), {}),
        ("audit", ("Log", "log"), {}),
        ("inspect", ("Record", "req_1"), {"own": False}),
        ("inspect", ("Record", "req_1"), {"own": False, "flagged": True}),
        ("prove", ("Record", "req_1"), {"own": False}),
    ],
)
def test_a_bound_key_does_nothing_but_ask_its_services(action: str, resource: tuple[str, str], context: dict[str, object]) -> None:
    """Whatever policies permit its holder."""
    decision = CedarEngine(workspace("permit (principal, action, resource);")).decide(BOUND, action, resource, context)
    assert not decision.allowed
    assert decision.reason == "This key is bound to services: help."
    assert decision.would_allow.startswith("a key that is bound to ")


def test_a_bound_key_asks_its_services_and_looks_at_what_it_asked() -> None:
    engine = CedarEngine(workspace("permit (principal, action, resource);"))
    for action in ("ask", "see", "unmask"):
        assert engine.decide(BOUND, action, HELP, {}).allowed
    assert engine.decide(BOUND, "place", HERE, PUBLIC).allowed
    for action in ("inspect", "prove"):
        assert engine.decide(BOUND, action, ("Record", "req_1"), {"own": True}).allowed
    assert not engine.decide(replace(BOUND, services=frozenset()), "ask", HELP, {}).allowed
