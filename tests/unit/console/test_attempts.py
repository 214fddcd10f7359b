"""Failed sign-ins: a few at once, then one now and then, by address."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from headrace.app.console.attempts import ADDRESSES, EVERY_S, FREE, Attempts, client_of
from headrace.core.errors import Overloaded


@dataclass
class Hand:
    """A clock that is set by hand."""

    at: float = 1000.0

    def now_us(self) -> int:
        return round(self.at * 1e6)

    def monotonic(self) -> float:
        return self.at


def test_a_few_failures_are_free_and_then_one_must_wait() -> None:
    clock = Hand()
    attempts = Attempts(clock)
    for _ in range(FREE):
        attempts.check("a")
        attempts.failed("a")
    with pytest.raises(Overloaded) as raised:
        attempts.check("a")
    assert raised.value.code == "identity.too_many_attempts"
    assert raised.value.retry_after == EVERY_S
    attempts.check("b")
    clock.at += EVERY_S
    attempts.check("a")
    attempts.failed("a")
    with pytest.raises(Overloaded):
        attempts.check("a")
    clock.at += FREE * EVERY_S
    for _ in range(FREE):
        attempts.check("a")
        attempts.failed("a")


def test_memory_is_bounded() -> None:
    attempts = Attempts(Hand())
    for n in range(ADDRESSES + 10):
        attempts.failed(str(n))
    assert len(attempts._spent) == ADDRESSES
    for _ in range(FREE):
        attempts.failed("0")
    with pytest.raises(Overloaded):
        attempts.check("0")


@pytest.mark.parametrize(
    ("client", "address"),
    [
        (("10.0.0.7", 1), "10.0.0.7"),
        (("2001:db8:1:2:3:4:5:6", 1), "2001:db8:1:2::/64"),
        (("2001:db8:1:2:ffff::1", 1), "2001:db8:1:2::/64"),
        (("somewhere", 1), "unknown"),
        (None, "unknown"),
    ],
)
def test_an_ipv6_client_is_its_network(client: tuple[str, int] | None, address: str) -> None:
    assert client_of({"client": client}) == address
