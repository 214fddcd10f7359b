"""How every generated test runs: for what it finds, however long an example takes on a machine that others use too."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("headrace", deadline=None)
settings.load_profile("headrace")
