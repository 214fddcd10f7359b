"""What the roles of a new workspace may do, and what they may not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.adapters.weights.catalogue import built_in
from headrace.config import template
from headrace.config.check import check
from headrace.policy.engine import CedarEngine
from headrace.policy.faults import policy_faults
from headrace.testing.policy_engine import principal

if TYPE_CHECKING:
    from pathlib import Path

ACTS: Final[dict[str, tuple[str, tuple[str, str], dict[str, object]]]] = {
    "ask": ("ask", ("Service", "help"), {}),
    "see": ("see", ("Service", "help"), {}),
    "unmask": ("unmask", ("Service", "help"), {}),
    "own inspect": ("inspect", ("Record", "req_1"), {"own": True}),
    "own prove": ("prove", ("Record", "req_1"), {"own": True}),
    "inspect": ("inspect", ("Record", "req_1"), {"own": False}),
    "inspect unflagged": ("inspect", ("Record", "req_1"), {"own": False, "flagged": False}),
    "inspect flagged": ("inspect", ("Record", "req_1"), {"own": False, "flagged": True}),
    "prove": ("prove", ("Record", "req_1"), {"own": False}),
    "curate": ("curate", ("Source", "documents"), {}),
    "observe": ("observe", ("Tenant", "default"), {}),
    "change": ("change", ("Tenant", "default"), {}),
    "administer": ("administer", ("Tenant", "default"), {}),
    "elsewhere": ("administer", ("Tenant", "lab"), {}),
}
OWN: Final = {"see", "own inspect", "own prove"}
ROLES: Final = {
    "members": {"ask", "unmask", *OWN},
    "curators": {"curate", *OWN},
    "reviewers": {"inspect flagged", *OWN},
    "auditors": {"inspect", "inspect unflagged", "inspect flagged", "prove", "observe", *OWN},
    "administrators": {"change", "administer", "observe", *OWN},
    "operators": {"observe", *OWN},
    "nobody": OWN,
}


def test_the_policies_of_a_new_workspace(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    template.write(tmp_path / "w", tmp_path / "texts")
    found = check(tmp_path / "w", models=built_in(), policy_faults=policy_faults)
    assert found.faults == ()
    assert found.workspace is not None
    engine = CedarEngine(found.workspace)
    member = principal("eve", "members")
    for group, may in ROLES.items():
        assert {act for act, asked in ACTS.items() if engine.decide(principal("ada", group), *asked).allowed} == may, group
    assert not any(
        engine.decide(principal("eve", *ROLES, tenant="lab"), *asked).allowed for act, asked in ACTS.items() if not act.startswith("own ")
    )
    assert engine.decide(member, "place", ("Deployment", "local"), {"sensitivity": 3, "tainted": True}).allowed
    assert engine.decide(member, "prove", ("Record", "req_1"), {"own": True}).policies == ("base/askers-prove-what-they-asked",)
    assert engine.decide(member, "ask", ("Service", "help"), {}).policies == ("base/members-may-ask",)
    assert engine.decide(principal("eve"), "ask", ("Service", "help"), {}).would_allow == "membership of group members"
