"""A record read as facts: what is there, nothing made up, and no error for what is not of the form."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.evidence.facts import PassedOver, RequestFacts, items, mapping, mappings, texts
from headrace.evidence.listing import listed
from tests.support import ledgers


def record(*stages: dict[str, Any], **more: Any) -> RequestFacts:
    found = [{"began_us": 1, "us": 2, "facts": {}, **each} for each in stages]
    return RequestFacts({**ledgers.settled("req_a"), "stages": found, **more})


@pytest.mark.parametrize("nonsense", [{}, {"stages": 7, "usage": [], "cost": "x"}, {"stages": [1, {"stage": 2, "facts": "x"}], "kind": 5}])
def test_nothing_is_made_up(nonsense: dict[str, Any]) -> None:
    line = listed(RequestFacts(nonsense))
    assert (line.request, line.outcome, line.decision, line.policies, line.findings, line.took_us, line.amount) == (
        "", "open", None, (), 0, None, "",
    )  # fmt: skip
    assert not line.flagged


def test_values_of_another_type_are_passed_over() -> None:
    assert (mapping([]), items("text"), mappings([1, {"a": 1}]), texts([1, "a"])) == ({}, (), [{"a": 1}], ("a",))


def test_where_a_request_ended_and_what_policy_said() -> None:
    admitted = {"stage": "admitted", "facts": {"policies": ["base/p"], "obligations": ["cite"], "kind": "person"}}
    routed = {"stage": "routed", "facts": {"policies": [], "rejected": ["slow"]}}
    denied = record(admitted, routed, outcome="refused", error="policy.no_placement", at="routed")
    assert [(each.action, each.allowed, each.policies) for each in denied.rulings] == [("ask", True, ("base/p",)), ("place", False, ())]
    assert (denied.decision, denied.holder, denied.deployment, denied.flagged) == ("denied", "person", None, True)
    assert denied.passed_over == (PassedOver("slow"),)
    known = record(admitted, {"stage": "routed", "facts": {"deployment": "good", "rejected": [{"deployment": "slow", "reason": "why"}]}})
    assert (known.decision, known.deployment, known.passed_over) == ("allowed", "good", (PassedOver("slow", "why"),))
    assert [each.stage for each in known.rulings] == ["admitted"]
    demanded = record({"stage": "admitted"}, outcome="refused", error="request.schema_needed", at="admitted")
    assert (demanded.decision, demanded.rulings) == (None, ())


@pytest.mark.parametrize(
    ("stages", "mode"),
    [
        ([], None),
        ([{"stage": "grounded", "facts": {"mode": "quote"}}], "quote"),
        ([{"stage": "generated", "facts": {"mode": "draft"}}, {"stage": "checked", "facts": {"mode": "quote"}}], "quote"),
        ([{"stage": "grounded", "facts": {"mode": "draft"}}, {"stage": "generated", "facts": {"mode": "draft"}}], "draft"),
    ],
)
def test_what_was_checked_knows_the_mode_best(stages: list[dict[str, Any]], mode: str | None) -> None:
    assert record(*stages).mode == mode


def test_flagged_is_what_a_reviewer_looks_at() -> None:
    found = {"stage": "screened", "facts": {"findings": [{"kind": "email"}]}}
    assert record(found).flagged
    assert record({"stage": "generated", "facts": {"mode": "abstain"}}).flagged
    assert record(outcome="interrupted").flagged
    assert not record(outcome="cancelled").flagged
    assert not record().flagged
    assert record(time_us=0).took_us == 0
