"""The meter of an embedded engine: its busy time, shared out over the answers that use it.

The engine is busy while at least one answer is active. At any instant each of the k active answers is billed 1/k of the time that passes,
so the bills add up to the busy time exactly, however answers overlap: an answer alone pays for the whole engine, four together a quarter
each.

The clockwork is one number, the *share*: the integral of 1/k over time. An answer's bill is the growth of the share while it was active,
which makes start and end of an answer constant work, however many are active.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from headrace.core.ports import Clock


class Tab:
    """The engine time of one answer so far. Port Bill."""

    def __init__(self, meter: SlotMeter, opened: float) -> None:
        self._meter = meter
        self._opened = opened
        self._closed: float | None = None

    @property
    def seconds(self) -> float:
        """Slot-seconds billed so far; final once the answer has ended."""
        until = self._meter.share() if self._closed is None else self._closed
        return until - self._opened

    def close(self, share: float) -> None:
        """The answer has ended at this share."""
        self._closed = share


class SlotMeter:
    """The meter of one engine. Port SlotClock. For one event loop: every start and end is seen in order."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._active = 0
        self._share = 0.0
        self._busy = 0.0
        self._at = clock.monotonic()

    @property
    def active(self) -> int:
        """Answers being generated now."""
        return self._active

    @property
    def busy_seconds(self) -> float:
        """Time in which at least one answer was active, since the meter was made."""
        self._advance()
        return self._busy

    def share(self) -> float:
        """The integral of 1/active over the busy time, until now."""
        self._advance()
        return self._share

    @contextmanager
    def answer(self) -> Generator[Tab]:
        """The block is one active answer; its bill is final when the block ends, also by an error or a cancellation."""
        tab = Tab(self, self.share())
        self._active += 1
        try:
            yield tab
        finally:
            tab.close(self.share())
            self._active -= 1

    def _advance(self) -> None:
        now = self._clock.monotonic()
        if self._active:
            passed = now - self._at
            self._busy += passed
            self._share += passed / self._active
        self._at = now
