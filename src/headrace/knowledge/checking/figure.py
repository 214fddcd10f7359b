"""A figure, as it is compared."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. A number has `value`, `unit` and `bound`; a date (year, month, day) with None for what is not said; `text` is what has
    no value, as it is compared."""

    kind: str
    value: Decimal = Decimal(0)
    unit: str = ""
    bound: str = ""
    date: tuple[int | None, int | None, int | None] = (None, None, None)
    text: str = ""
    ranged: bool = False
    """It is an end of a range, and no value by itself."""
    noun: str = ""
    """Of ``one`` and of an article: what there is one of."""
