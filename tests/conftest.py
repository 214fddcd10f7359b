"""How every generated test runs, unless pytest is told otherwise (--hypothesis-profile)."""

from __future__ import annotations

from hypothesis import settings

from tests.support.examples import SOME

settings.load_profile(SOME)
