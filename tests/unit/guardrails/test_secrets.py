"""Credentials, where the contract's examples do not say it plainly enough."""

from __future__ import annotations

from headrace.guardrails.catalogue import guards
from headrace.guardrails.secrets.likeness import entropy
from tests.support.guards import key_block, made, web_token

GUARD = guards()["secrets"]


def found(text: str) -> list[tuple[str, str]]:
    """Kinds and stretches."""
    return [(each.kind, text[each.start : each.end]) for each in GUARD.inspect(text)]


def test_what_is_longer_than_documented_is_covered_whole() -> None:
    for token in (made("ghp_{w80}"), made("AKIA{L30}"), made("xoxb-{d12}-{u300}"), made("ya29.{u500}.{u500}")):
        assert [stretch for _, stretch in found(f"({token})")] == [token]


def test_one_that_begins_in_another_is_told_and_ends_with_it() -> None:
    token = web_token()
    text = f"{token}.{token}"
    assert found(text) == [("json_web_token", text), ("json_web_token", token)]
    long = made("xoxb-{d12}-") + made("xoxb-{d12}-{u30}")
    assert [stretch for _, stretch in found(long)] == [long, long[18:]]


def test_a_sentence_s_mark_is_no_part_of_a_bare_value() -> None:
    value = "kX82Lqp9"
    for text in (f"password: {value}.", f"password: {value}, and", f"(password={value})"):
        assert found(text) == [("password", value)]
    assert found(f'password: "{value}."') == [("password", f"{value}.")]
    assert found(f"password: {value}.x") == [("password", f"{value}.x")]


def test_a_form_of_its_own_is_surer_than_a_name() -> None:
    token = made("glpat-{u20}")
    text = f"token = {token}"
    assert [(each.kind, each.confidence) for each in GUARD.inspect(text)] == [("gitlab_token", 1.0), ("secret", 0.7)]


def test_two_keys_are_two_and_one_without_an_end_goes_to_the_end() -> None:
    first, second = key_block(), key_block("EC ")
    assert found(f"{first}\n{second}") == [("private_key", first), ("private_key", second)]
    unended = first.partition("-----END")[0]
    text = f"{unended}\n{unended}"
    assert found(text) == [("private_key", text), ("private_key", unended)]


def test_entropy_is_in_bits_a_character() -> None:
    assert [entropy(text) for text in ("", "aaaa", "abab", "abcd")] == [0, 0, 1, 2]
