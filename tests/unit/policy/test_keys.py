"""The form of keys."""

from __future__ import annotations

import hashlib
import string

import pytest

from headrace.core.errors import OperationFailed
from headrace.policy.keys import LENGTH, PREFIX, PUBLIC, SESSION_PREFIX, digest_of, mint, read_expiry, well_formed

DAY_US = 86_400_000_000


def test_a_key_has_its_form_and_only_its_hash_is_kept() -> None:
    secret, public, digest = mint()
    assert secret.startswith(PREFIX)
    assert not secret.startswith(SESSION_PREFIX)
    assert len(secret) == LENGTH == 54
    assert public == secret[:PUBLIC]
    assert set(secret[len(PREFIX) :]) <= set(string.ascii_letters + string.digits)
    assert digest == hashlib.sha256(secret.encode()).hexdigest() == digest_of(secret)
    assert well_formed(secret)


def test_no_two_keys_are_alike() -> None:
    many = [mint() for _ in range(2000)]
    assert len({secret for secret, _, _ in many}) == len({public for _, public, _ in many}) == 2000
    hidden = {secret[PUBLIC:-6] for secret, _, _ in many}
    assert len(hidden) == 2000
    counts = [sum(body.count(character) for body in hidden) for character in string.ascii_letters + string.digits]
    assert min(counts) > 2000 * 32 / 62 * 0.8  # every character is as likely as any other, within 20 %


def test_any_one_mistake_is_noticed() -> None:
    secret, _, _ = mint()
    for n in range(len(PREFIX), LENGTH):
        other = "A" if secret[n] != "A" else "B"
        assert not well_formed(secret[:n] + other + secret[n + 1 :])
        assert not well_formed(secret[:n] + secret[n + 1 :])
    assert not well_formed(secret + " ")
    assert not well_formed("x" + secret[1:])
    assert not well_formed(secret[:-1] + "é")


@pytest.mark.parametrize(
    ("text", "lasts"),
    [("30d", 30 * DAY_US), ("30 d", 30 * DAY_US), (" 12 h ", DAY_US // 2), ("1 ms", 1000), ("3650 d", 3650 * DAY_US), ("Never", None)],
)
def test_how_long_a_key_lasts(text: str, lasts: int | None) -> None:
    assert read_expiry(text) == lasts


@pytest.mark.parametrize("text", ["", "30", "0 d", "-1 d", "3651 d", "30 days", "999999999999 d", "0.0000001 ms"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(OperationFailed) as caught:
        read_expiry(text)
    assert caught.value.code == "keys.expiry"
    assert "30 d" in str(caught.value.mend)
