"""Quantities as people write them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from headrace.config.units import ByteSize, Duration, Price, PriceUnit, read_duration, read_price, read_size


@pytest.mark.parametrize(("text", "seconds"), [("20 s", 20), ("500 ms", 0.5), ("5min", 300), ("2 h", 7200), ("1.5 d", 129600)])
def test_durations(text: str, seconds: float) -> None:
    assert read_duration(text) == Duration(seconds)
    assert read_duration(Duration(1.0)) == Duration(1.0)


@pytest.mark.parametrize(("text", "size"), [("7 B", 7), ("2 MiB", 2 * 2**20), ("500 KB", 500_000), ("1.5 KiB", 1536), ("3GB", 3 * 10**9)])
def test_sizes(text: str, size: int) -> None:
    assert read_size(text) == ByteSize(size)
    assert read_size(ByteSize(1)) == ByteSize(1)


def test_prices() -> None:
    assert read_price("0.02 EUR per slot-hour") == Price(Decimal("0.02"), "EUR", PriceUnit.SLOT_HOUR)
    assert read_price("3 USD per 1M cached input tokens").per is PriceUnit.CACHED_INPUT
    known = Price(Decimal(1), "EUR", PriceUnit.OUTPUT)
    assert read_price(known) is known


@pytest.mark.parametrize("given", ["", "20", "s", "-1 s", "1 week", "\u0663 s", "1" * 13 + " s", 20, None, True])
def test_what_is_none_of_them_is_refused_with_the_form(given: object) -> None:
    for read in (read_duration, read_size, read_price):
        with pytest.raises(ValueError, match="write for example"):
            read(given)
