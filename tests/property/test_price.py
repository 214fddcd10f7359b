"""Prices: exact, additive, and never negative."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.config.units import Price, PriceUnit
from headrace.core.values import Money, Usage
from headrace.finops.price import price

AMOUNTS = st.decimals(min_value=0, max_value=10_000, places=6)
TOKENS = st.integers(min_value=0, max_value=10_000_000)
USAGES = st.builds(Usage, TOKENS, TOKENS, TOKENS, st.integers(min_value=0, max_value=4_000_000_000).map(lambda us: us / 1_000_000))
PRICES = st.lists(st.builds(Price, AMOUNTS, st.just("EUR"), st.sampled_from(PriceUnit)), max_size=5)
SCALE = Fraction(1, 10**18)
"""Division by an hour of microseconds does not end in decimals: 28 digits of it are kept."""


def exactly(usage: Usage, prices: list[Price]) -> Fraction:
    """The same price in fractions, word for word as the documentation has it."""
    rate = {unit: sum(Fraction(each.amount) for each in prices if each.per is unit) for unit in PriceUnit}
    cached = rate[PriceUnit.CACHED_INPUT] if any(each.per is PriceUnit.CACHED_INPUT for each in prices) else rate[PriceUnit.INPUT]
    tokens = usage.input * rate[PriceUnit.INPUT] + usage.input_cached * cached + usage.output * rate[PriceUnit.OUTPUT]
    return tokens / 1_000_000 + round(usage.slot_seconds * 1_000_000) * rate[PriceUnit.SLOT_HOUR] / 3_600_000_000


@given(USAGES, PRICES)
def test_a_price_is_what_the_units_say(usage: Usage, prices: list[Price]) -> None:
    found = price(usage, prices, "EUR")
    assert found.currency == "EUR"
    assert abs(Fraction(found.amount) - exactly(usage, prices)) <= SCALE
    assert found.amount >= 0


@given(st.lists(USAGES, max_size=8), PRICES)
def test_the_sum_of_prices_is_the_price_of_the_sum(usages: list[Usage], prices: list[Price]) -> None:
    together = Usage(
        sum(each.input for each in usages),
        sum(each.input_cached for each in usages),
        sum(each.output for each in usages),
        sum(round(each.slot_seconds * 1_000_000) for each in usages) / 1_000_000,
    )
    apart = Money(Decimal(0), "EUR")
    for each in usages:
        apart = apart.plus(price(each, prices, "EUR"))
    assert abs(Fraction(apart.amount) - Fraction(price(together, prices, "EUR").amount)) <= SCALE * (len(usages) + 1)


def test_cached_input_without_a_price_of_its_own_costs_as_input() -> None:
    usage = Usage(input=1_000_000, input_cached=1_000_000)
    input_price = Price(Decimal("0.2"), "EUR", PriceUnit.INPUT)
    assert price(usage, [input_price], "EUR").amount == Decimal("0.4")
    assert price(usage, [input_price, Price(Decimal(0), "EUR", PriceUnit.CACHED_INPUT)], "EUR").amount == Decimal("0.2")


def test_rates_of_exchange_are_not_guessed() -> None:
    with pytest.raises(ValueError, match="a price in USD cannot be added up in EUR"):
        price(Usage(), [Price(Decimal(1), "USD", PriceUnit.INPUT)], "EUR")
