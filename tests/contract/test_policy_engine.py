"""Cedar keeps to the port PolicyEngine."""

from __future__ import annotations

import pytest

from headrace.policy.engine import CedarEngine
from headrace.testing.policy_engine import PolicyEngineContract
from tests.support.policies import workspace


class TestCedarEngine(PolicyEngineContract):
    @pytest.fixture
    def engine(self) -> CedarEngine:
        permit = (
            '@id("members-ask")\npermit (principal in Group::"default/members", action == Action::"ask", resource == Service::"help");\n'
        )
        closed = '@id("closed")\nforbid (principal, action, resource == Service::"closed");\n'
        return CedarEngine(workspace(permit, closed))

    @pytest.fixture
    def permit(self) -> str:
        return "a/members-ask"

    @pytest.fixture
    def forbid(self) -> str:
        return "b/closed"
