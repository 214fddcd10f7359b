"""Figures as people read them: times, amounts, counts."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Context, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from headrace.evidence.facts import items, whole

if TYPE_CHECKING:
    from headrace.evidence.facts import Json

WHOLE_FROM_MS: Final = 10
"""From here on tenths say nothing."""
SECONDS_FROM_MS: Final = 10_000
LEAST_FIGURES: Final = 2
"""Figures of an amount that are shown."""


def duration(us: object) -> str:
    """``2.3 ms``, ``140 ms`` or ``69.9 s`` from microseconds."""
    value = int(str(us)) / 1000
    if value >= SECONDS_FROM_MS:
        return f"{value / 1000:.1f} s"
    return f"{value:.0f} ms" if value >= WHOLE_FROM_MS else f"{value:.1f} ms"


def money(cost: Json) -> str:
    """An amount as people read it: two figures where it is less than one, else to the hundredth. JSON has it exactly."""
    try:
        exact = Decimal(str(cost.get("amount")))
    except InvalidOperation:
        return "no price"
    figures = LEAST_FIGURES if abs(exact) < 1 else exact.adjusted() + 1 + LEAST_FIGURES
    shown = f"{Context(prec=figures).plus(exact):f}"
    return f"{shown.rstrip('0').rstrip('.') if '.' in shown else shown} {cost.get('currency')}"


def names(value: object) -> str:
    """A list in words."""
    return ", ".join(str(each) for each in items(value))


def number(value: object) -> str:
    """``8,114``."""
    return f"{whole(value):,}"


def counted(value: object, thing: str) -> str:
    """``1 message``, ``2,000 characters``."""
    return f"{number(value)} {thing}{'' if whole(value) == 1 else 's'}"


def clock(us: object) -> str:
    """``12:04:31.201`` (UTC)."""
    return datetime.fromtimestamp(whole(us) / 1_000_000, tz=UTC).strftime("%H:%M:%S.%f")[:-3]


def moment(us: object) -> str:
    """``2026-11-24 12:04:31`` (UTC)."""
    return datetime.fromtimestamp(whole(us) / 1_000_000, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
