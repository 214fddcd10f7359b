"""Of which acts a policy can be about, by its head."""

from __future__ import annotations

import pytest

from headrace.config.model import Policy
from headrace.policy.heads import head_of
from headrace.policy.rules import rules_of

HEADS = (
    ("permit (principal, action, resource);", True),
    ('permit (principal, action == Action::"ask", resource) unless { resource == Service::"help" };', True),
    ('permit (principal, action in [Action::"ask", Action::"unmask"], resource == Service::"help");', True),
    ('permit (principal, action in Action::"ask", resource in Service::"help");', True),
    ("permit (principal, action, resource is Service);", True),
    ('permit (principal, action == Action::"place", resource);', False),
    ('permit (principal, action, resource == Service::"other") when { resource != Service::"help" };', False),
    ("permit (principal, action, resource is Deployment);", False),
    ('permit (principal, action == Action::"ask", resource == Tenant::"help");', False),
)


@pytest.mark.parametrize(("text", "fits"), HEADS)
@pytest.mark.parametrize("effect", ["permit", "forbid"])
def test_a_policy_is_about_what_its_head_lets_through(text: str, effect: str, *, fits: bool) -> None:
    (rule,) = rules_of([Policy(path="policies/a.cedar", text=f'@id("permit")\n// forbid\n{text.replace("permit", effect, 1)}')])
    head = head_of(rule.statement.text)
    assert head.permits is (effect == "permit")
    assert head.fits("ask", "Service", "help") is fits
