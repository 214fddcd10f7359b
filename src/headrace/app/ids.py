"""Time, identifiers and salts as the machine gives them: the drivers of the ports Clock and Ids."""

from __future__ import annotations

import os
import time

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TIME_BITS = 48
_RANDOM_BITS = 80
_PAIRS = tuple(first + second for first in _CROCKFORD for second in _CROCKFORD)
"""Two characters for each ten bits."""
_SHIFTS = tuple(range(120, -1, -10))


class SystemClock:
    """The machine's clocks."""

    def now_us(self) -> int:
        """Microseconds since 1970 (UTC)."""
        return time.time_ns() // 1000

    monotonic = staticmethod(time.perf_counter)
    """Seconds that never go back. The system's own function: each request looks at the clock some forty times."""


class RandomIds:
    """Identifiers that nobody can guess, from the operating system's randomness."""

    def request(self) -> str:
        """``req_`` and a ULID: 48 bits of milliseconds, then 80 random bits, as 26 characters of Crockford base 32."""
        number = (time.time_ns() // 1_000_000) % (1 << _TIME_BITS) << _RANDOM_BITS | int.from_bytes(os.urandom(_RANDOM_BITS // 8))
        return "req_" + "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])

    def salt(self) -> bytes:
        """32 random bytes."""
        return os.urandom(32)
