"""A clock that stands still until it is told."""

from __future__ import annotations


class SetClock:
    """Port Clock, at a time that a test sets."""

    def __init__(self, now_us: int = 1_800_000_000_000_000) -> None:
        self._now_us = now_us
        self._monotonic = 100.0

    def now_us(self) -> int:
        """Microseconds since 1970."""
        return self._now_us

    def monotonic(self) -> float:
        """Seconds."""
        return self._monotonic

    def pass_time(self, seconds: float) -> None:
        """Go on by so much."""
        self._now_us += round(seconds * 1_000_000)
        self._monotonic += seconds
