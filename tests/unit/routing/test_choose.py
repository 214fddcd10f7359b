"""Eligibility: policy decides, in the order that the service lists."""

from __future__ import annotations

import pytest

from headrace.config.model import Deployment, Service
from headrace.core.errors import Forbidden
from headrace.core.flow import Rejected
from headrace.core.labels import Label, Sensitivity
from headrace.core.values import Decision, Principal
from headrace.routing.choose import choose
from headrace.routing.running import Running
from headrace.routing.slots import Slots

ANA = Principal("ana", "person", "default", frozenset(), "hr_1")
SERVICE = Service.model_validate({"service": "s", "models": [{"deployment": "far"}, {"deployment": "near"}]})
PROVIDER = {"url": "http://x/v1", "model": "m", "context": 4096}


def deployments() -> dict[str, Running]:
    forms = {
        "far": {"deployment": "far", "placement": "cloud", "provider": PROVIDER},
        "near": {"deployment": "near", "embedded": {"model": "m", "slots": 4, "context": 8192}},
        "unsized": {"deployment": "unsized", "provider": {"url": "http://x/v1", "model": "m"}},
    }
    slots = Slots(1, queue=0, patience=0)
    return {name: Running(Deployment.model_validate(form), None, slots, None) for name, form in forms.items()}  # pyright: ignore[reportArgumentType]


class Stays:
    """What is confidential or tainted stays here."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[str, str], object]] = []

    def decide(self, principal: Principal, action: str, resource: tuple[str, str], context: dict[str, object]) -> Decision:
        self.asked.append((action, resource, context))
        stays = context["sensitivity"] >= int(Sensitivity.CONFIDENTIAL) or context["tainted"]
        return Decision(allowed=resource[1] != "far" or not stays, policies=("stays",))


def test_the_first_that_may_have_the_text_does() -> None:
    policy = Stays()
    running, decision, rejected = choose(SERVICE, deployments(), Label("default"), ANA, policy)
    assert (running.form.deployment, decision.policies, rejected) == ("far", ("stays",), ())
    assert policy.asked == [("place", ("Deployment", "far"), {"sensitivity": 1, "tainted": False})]


@pytest.mark.parametrize("label", [Label("default", sensitivity=Sensitivity.RESTRICTED), Label("default", tainted=True)])
def test_what_may_not_leave_goes_to_the_next_and_the_reason_is_kept(label: Label) -> None:
    running, _, rejected = choose(SERVICE, deployments(), label, ANA, Stays())
    assert running.form.deployment == "near"
    assert rejected == (Rejected("far", f"label {label.sensitivity.name.lower()} may not go to placement cloud"),)


@pytest.mark.parametrize(("owner", "whom"), [("", "its owner"), ("desk", "desk")])
def test_when_none_may_it_is_refused(owner: str, whom: str) -> None:
    service = SERVICE.model_copy(update={"models": SERVICE.models[:1], "owner": owner})
    with pytest.raises(Forbidden, match=f"Ask {whom} for a deployment") as refused:
        choose(service, deployments(), Label("default", sensitivity=Sensitivity.RESTRICTED), ANA, Stays())
    assert (refused.value.code, refused.value.facts) == ("policy.no_placement", {"rejected": ["far"]})
    assert refused.value.message == 'No deployment of service "s" may be given text that is restricted.'


def test_each_slot_has_its_equal_share_of_the_context() -> None:
    assert {name: each.context for name, each in deployments().items()} == {"far": 4096, "near": 2048, "unsized": None}
