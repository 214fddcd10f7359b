"""How many examples a generated test tries: all in ``make long``, some in ``make test``. Each run draws others, so each push adds."""

from __future__ import annotations

from typing import Final

from hypothesis import settings

SOME: Final = "some"
ALL: Final = "all"
_SHARE: Final = 4

# Without a deadline: what an example takes on a machine that others use too says nothing of it.
settings.register_profile(ALL, deadline=None, max_examples=100)
settings.register_profile(SOME, settings.get_profile(ALL), max_examples=100 // _SHARE)


def some(whole: int) -> int:
    """A share of `whole`, or all of it, by the profile that runs."""
    return max(1, whole * settings().max_examples // settings.get_profile(ALL).max_examples)
