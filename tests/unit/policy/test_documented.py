"""The policies that the documentation shows are right in a new workspace, and the tables name what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from headrace.adapters.weights.catalogue import built_in
from headrace.config import template
from headrace.config.check import check
from headrace.config.model import Policy
from headrace.policy import schema
from headrace.policy.faults import policy_faults

DOCS = Path(__file__).resolve().parents[3] / "docs"
SHOWN = [
    (page, block)
    for page in sorted(DOCS.rglob("*.md"))
    for block in re.findall(r"^```cedar\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
]


@pytest.mark.parametrize(("page", "text"), SHOWN, ids=[page.name for page, _ in SHOWN])
def test_policies_that_are_shown(page: Path, text: str, tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    template.write(tmp_path / "w", tmp_path / "texts")
    workspace = check(tmp_path / "w", models=built_in(), policy_faults=policy_faults).workspace
    assert workspace is not None, page
    assert policy_faults(workspace.model_copy(update={"policies": (Policy(path="policies/shown.cedar", text=text),)})) == []


def test_every_action_is_explained() -> None:
    page = (DOCS / "explanation" / "policy.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| an? (.+?) \|", page, re.MULTILINE))
    assert {action: set(re.findall(r"`(\w+)`", on)) for action, on in rows.items()} == {
        action: set(kinds) for action, kinds in schema.spoken().resources.items()
    }
    assert SHOWN
