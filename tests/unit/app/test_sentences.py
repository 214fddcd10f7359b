"""An answer in words."""

from __future__ import annotations

import pytest

from headrace.app.requests.figures import money


@pytest.mark.parametrize(
    ("amount", "read"),
    [
        ("0", "0 EUR"),
        ("0.000007722338888888888888888888889", "0.0000077 EUR"),
        ("1E-7", "0.0000001 EUR"),
        ("0.50", "0.5 EUR"),
        ("12.346", "12.35 EUR"),
        ("1200", "1200 EUR"),
    ],
)
def test_an_amount_is_rounded_for_people(amount: str, read: str) -> None:
    assert money({"amount": amount, "currency": "EUR"}) == read
