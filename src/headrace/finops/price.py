"""Usage to money, exactly: decimal arithmetic, nothing is rounded before it is shown."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from headrace.config.units import PriceUnit
from headrace.core.values import Money

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.config.units import Price
    from headrace.core.values import Usage

_MILLION = Decimal(1_000_000)
_MICROSECONDS_PER_HOUR = Decimal(3_600_000_000)


def price(usage: Usage, prices: Iterable[Price], currency: str) -> Money:
    """What `usage` costs in `currency`; zero where nothing has a price.

    Engine time is billed in whole microseconds, so that the sum over a ledger's records is the ledger's sum. Cached input without a
    price of its own is billed as input. Raises ValueError when a price is in another currency: rates of exchange are not guessed.
    """
    rates: dict[PriceUnit, Decimal] = {}
    for each in prices:
        if each.currency != currency:
            msg = f"a price in {each.currency} cannot be added up in {currency}"
            raise ValueError(msg)
        rates[each.per] = rates.get(each.per, Decimal(0)) + each.amount
    nothing = Decimal(0)
    as_input = rates.get(PriceUnit.INPUT, nothing)
    tokens = (
        usage.input * as_input
        + usage.input_cached * rates.get(PriceUnit.CACHED_INPUT, as_input)
        + usage.output * rates.get(PriceUnit.OUTPUT, nothing)
    )
    slot = round(usage.slot_seconds * 1_000_000) * rates.get(PriceUnit.SLOT_HOUR, nothing)
    return Money((tokens / _MILLION + slot / _MICROSECONDS_PER_HOUR).normalize(), currency)
