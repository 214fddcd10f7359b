"""Quantities as people write them: ``20 s``, ``2 MiB``, ``0.02 EUR per slot-hour``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

_NUMBER = r"(?P<number>[0-9]{1,12}(?:\.[0-9]{1,12})?)"
"""At most twelve digits each side: nobody means more, and arithmetic stays finite."""
_SECONDS = {"ms": Decimal("0.001"), "s": Decimal(1), "min": Decimal(60), "h": Decimal(3600), "d": Decimal(86400)}
_BYTES = {"B": 1, "KB": 10**3, "KiB": 2**10, "MB": 10**6, "MiB": 2**20, "GB": 10**9, "GiB": 2**30}


class PriceUnit(StrEnum):
    """What a price is for."""

    SLOT_HOUR = "slot-hour"
    INPUT = "1M input tokens"
    CACHED_INPUT = "1M cached input tokens"
    OUTPUT = "1M output tokens"


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time in seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ByteSize:
    """A number of bytes."""

    bytes: int


@dataclass(frozen=True, slots=True)
class Price:
    """An amount of money for one unit."""

    amount: Decimal
    currency: str
    per: PriceUnit


def read_duration(value: object) -> Duration:
    """``20 s``, ``500 ms``, ``5 min``, ``2 h``, ``30 d``. Raises ValueError that shows the form."""
    if isinstance(value, Duration):
        return value
    match = re.fullmatch(_NUMBER + r"\s*(?P<unit>ms|s|min|h|d)", value) if isinstance(value, str) else None
    if match is None:
        msg = f"{value!r} is not a length of time; write for example 20 s, 500 ms or 5 min"
        raise ValueError(msg)
    return Duration(float(Decimal(match["number"]) * _SECONDS[match["unit"]]))


def read_size(value: object) -> ByteSize:
    """``2 MiB``, ``500 KB``. Raises ValueError that shows the form."""
    if isinstance(value, ByteSize):
        return value
    match = re.fullmatch(_NUMBER + r"\s*(?P<unit>B|[KMG]i?B)", value) if isinstance(value, str) else None
    if match is None:
        msg = f"{value!r} is not a size; write for example 2 MiB or 500 KB"
        raise ValueError(msg)
    return ByteSize(int(Decimal(match["number"]) * _BYTES[match["unit"]]))


def read_price(value: object) -> Price:
    """``0.02 EUR per slot-hour``, ``0.15 EUR per 1M input tokens``. Raises ValueError that shows the form."""
    if isinstance(value, Price):
        return value
    units = "|".join(re.escape(unit) for unit in PriceUnit)
    match = re.fullmatch(_NUMBER + rf"\s*(?P<currency>[A-Z]{{3}}) per (?P<unit>{units})", value) if isinstance(value, str) else None
    if match is None:
        msg = f"{value!r} is not a price; write for example 0.02 EUR per slot-hour, or 0.15 EUR per 1M input tokens"
        raise ValueError(msg)
    return Price(Decimal(match["number"]), match["currency"], PriceUnit(match["unit"]))
