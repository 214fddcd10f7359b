"""The guards of every installation, and what is said about them."""

from __future__ import annotations

import re
from pathlib import Path

from headrace.config.check import GUARDS
from headrace.guardrails import catalogue
from headrace.guardrails.patterns import PatternGuard
from headrace.guardrails.pii import email
from tests.support.guards import personal_examples, secret_examples

FOUND = catalogue.guards()
REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "guards.md"


def test_they_are_the_ones_that_a_workspace_may_name() -> None:
    assert set(FOUND) == GUARDS
    assert all(guard.name == name for name, guard in FOUND.items())


def test_every_kind_has_an_example() -> None:
    assert {kind for _, kind, _ in secret_examples()} == set(FOUND["secrets"].kinds)
    assert {kind for _, kind, _ in personal_examples()} == set(FOUND["pii"].kinds)


def test_every_kind_stands_in_the_reference_and_no_other() -> None:
    sections = REFERENCE.read_text(encoding="utf-8").split("\n## ")
    for name, guard in FOUND.items():
        (section,) = [each for each in sections if each.startswith(f"`{name}`")]
        assert sorted(re.findall(r"^\| `([a-z0-9_]+)` \|", section, re.MULTILINE)) == sorted(guard.kinds)


def test_a_version_follows_from_what_decides() -> None:
    again = catalogue.guards()
    assert {name: guard.version for name, guard in again.items()} == {name: guard.version for name, guard in FOUND.items()}
    assert FOUND["secrets"].version != FOUND["pii"].version
    assert PatternGuard("pii", (email.Emails(),), (email,)).version != FOUND["pii"].version
