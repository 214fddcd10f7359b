"""Time, identifiers and salts as the machine gives them: the drivers of the ports Clock and Ids."""

from __future__ import annotations

import secrets
import time

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TIME_BITS = 48
_RANDOM_BITS = 80
_CHARACTERS = 26


class SystemClock:
    """The machine's clocks."""

    def now_us(self) -> int:
        """Microseconds since 1970 (UTC)."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.perf_counter()


class RandomIds:
    """Identifiers that nobody can guess, from the operating system's randomness."""

    def request(self) -> str:
        """``req_`` and a ULID: 48 bits of milliseconds, then 80 random bits, as 26 characters of Crockford base 32."""
        number = (time.time_ns() // 1_000_000) % (1 << _TIME_BITS) << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        digits = [""] * _CHARACTERS
        for place in range(_CHARACTERS - 1, -1, -1):
            digits[place] = _CROCKFORD[number & 31]
            number >>= 5
        return "req_" + "".join(digits)

    def salt(self) -> bytes:
        """32 random bytes."""
        return secrets.token_bytes(32)
