"""Both guards keep to the port Guard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.guardrails.catalogue import guards
from headrace.testing.guard import GuardContract
from tests.support.guards import HARMLESS_PERSONAL, HARMLESS_SECRETS, personal_examples, secret_examples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.core.ports import Guard

GUARDS = guards()
SECRETS = secret_examples()
PERSONAL = personal_examples()


class TestSecrets(GuardContract):
    """Credentials."""

    @pytest.fixture
    def guard(self) -> Guard:
        """The guard."""
        return GUARDS["secrets"]

    @pytest.fixture
    def examples(self) -> Sequence[tuple[str, str, str]]:
        """One or more of every kind."""
        return SECRETS

    @pytest.fixture
    def harmless(self) -> Sequence[str]:
        """Placeholders, hashes, code."""
        return HARMLESS_SECRETS


class TestPersonal(GuardContract):
    """Patterned personal data."""

    @pytest.fixture
    def guard(self) -> Guard:
        """The guard."""
        return GUARDS["pii"]

    @pytest.fixture
    def examples(self) -> Sequence[tuple[str, str, str]]:
        """One or more of every kind."""
        return PERSONAL

    @pytest.fixture
    def harmless(self) -> Sequence[str]:
        """Dates, versions, wrong check digits."""
        return HARMLESS_PERSONAL
