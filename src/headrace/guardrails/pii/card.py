"""Payment card numbers: the issuers' ranges, their lengths, and the Luhn digit."""

from __future__ import annotations

from typing import Final

from headrace.guardrails.pii.checksums import luhn

_FEWEST = 2
_RANGES: Final = (
    ("visa", 4, 4, (13, 16, 19)),
    ("mastercard", 51, 55, (16,)),
    ("mastercard", 2221, 2720, (16,)),
    ("american express", 34, 34, (15,)),
    ("american express", 37, 37, (15,)),
    ("diners", 300, 305, (14, 16, 17, 18, 19)),
    ("diners", 3095, 3095, (14, 16, 17, 18, 19)),
    ("diners", 36, 36, (14, 16, 17, 18, 19)),
    ("diners", 38, 39, (14, 16, 17, 18, 19)),
    ("discover", 6011, 6011, (16, 17, 18, 19)),
    ("discover", 644, 649, (16, 17, 18, 19)),
    ("discover", 65, 65, (16, 17, 18, 19)),
    ("jcb", 3528, 3589, (15, 16, 17, 18, 19)),
    ("jcb", 1800, 1800, (15,)),
    ("jcb", 2131, 2131, (15,)),
    ("unionpay", 62, 62, (16, 17, 18, 19)),
    ("maestro", 50, 50, (12, 13, 14, 15, 16, 17, 18, 19)),
    ("maestro", 56, 58, (12, 13, 14, 15, 16, 17, 18, 19)),
    ("maestro", 60, 69, (12, 13, 14, 15, 16, 17, 18, 19)),
    ("mir", 2200, 2204, (16, 17, 18, 19)),
)
"""Issuer, first and last prefix, lengths (ISO/IEC 7812; the issuers' published ranges)."""


def card(digits: str) -> bool:
    """A number that an issuer can have given out, and not one digit all over."""
    if len(set(digits)) < _FEWEST or not luhn(digits):
        return False
    return any(first <= int(digits[: len(str(first))]) <= last and len(digits) in lengths for _, first, last, lengths in _RANGES)
