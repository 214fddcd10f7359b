"""The guards that every installation has, by the name that a service file uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.guardrails.pii.guard import pii
from headrace.guardrails.secrets.guard import secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.guardrails.patterns import PatternGuard


def guards() -> Mapping[str, PatternGuard]:
    """New guards; they keep nothing, so one set serves a whole process."""
    return {guard.name: guard for guard in (secrets(), pii())}
