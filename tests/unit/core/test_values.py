"""Money, errors, and what a state says for the record."""

from __future__ import annotations

import inspect
from decimal import Decimal
from typing import Protocol

import pytest

from headrace.core import errors, ports
from headrace.core.errors import BadRequest, ConfigurationFaults, ConversionFailed, HeadraceError, Overloaded, PromptTooLong, outcome_of
from headrace.core.flow import error_facts, finding_facts
from headrace.core.text import Action, Finding, Origin
from headrace.core.values import Money, StoredPassage

FOUND = Finding("pii", "3", "email", Origin.PROMPT, 1, 4, 20, Action.MASK, 0.9)


def tree(root: type[HeadraceError]) -> list[type[HeadraceError]]:
    """A class and everything below it that core names."""
    return [root, *(each for below in root.__subclasses__() if below.__module__ == errors.__name__ for each in tree(below))]


def test_money_adds_up_exactly() -> None:
    total = Money(Decimal("0.1"), "EUR").plus(Money(Decimal("0.2"), "EUR"))
    assert total == Money(Decimal("0.3"), "EUR")


def test_money_of_two_currencies_is_not_added() -> None:
    with pytest.raises(ValueError, match="cannot add CHF to EUR"):
        Money(Decimal(1), "EUR").plus(Money(Decimal(1), "CHF"))


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (HeadraceError("It failed."), "It failed."),
        (BadRequest("It is wrong.", param="messages[0]"), "messages[0]: It is wrong."),
        (BadRequest("It is wrong.", param="model", mend="Mend it."), "model: It is wrong. Mend it."),
        (ConfigurationFaults("Two faults.", ["a", "b"]), "Two faults."),
    ],
)
def test_an_error_reads_as_place_sentence_and_mend(error: HeadraceError, text: str) -> None:
    assert str(error) == text


def test_an_error_has_the_code_of_its_class_or_its_own() -> None:
    assert BadRequest("x").code == "request.invalid"
    assert BadRequest("x", code="request.too_odd").code == "request.too_odd"
    assert Overloaded("x", retry_after=3, mend="Wait.").retry_after == 3
    assert ConfigurationFaults("x", ["a", "b"]).faults == ("a", "b")


@pytest.mark.parametrize(
    ("mend", "reason"), [("", "It is encrypted."), ("Save it without a password.", "It is encrypted. Save it without a password.")]
)
def test_why_a_document_was_not_read_is_told_with_what_to_do(mend: str, reason: str) -> None:
    assert ConversionFailed("It is encrypted.", mend=mend).reason == reason


def test_the_tree_of_errors_is_the_one_that_is_drawn() -> None:
    drawn = str(errors.__doc__)
    for each in tree(HeadraceError):
        assert each.__name__ in drawn
        assert "." in each.default_code


@pytest.mark.parametrize("kind", [each for each in tree(HeadraceError) if each is not ConfigurationFaults])
def test_every_error_is_a_refusal_or_a_failure(kind: type[HeadraceError]) -> None:
    refusing = ("BadRequest", "UnsupportedParameter", "PromptTooLong", "BodyTooLarge", "Unauthenticated", "Forbidden", "Refused")
    refusing += ("NotFound", "Overloaded")
    assert outcome_of(kind("x")) == ("refused" if kind.__name__ in refusing else "failed")


def test_the_facts_of_an_error_are_records_facts() -> None:
    error = PromptTooLong("x", facts={"prompt_tokens": 9, "context_tokens": None, "exact": True, "share": 0.5, "names": ("a", "b")})
    assert error_facts(error) == {"prompt_tokens": 9, "context_tokens": None, "exact": True, "share": "0.5", "names": ["a", "b"]}
    assert error_facts(HeadraceError("x", facts={"findings": (FOUND,)})) == {"findings": finding_facts([FOUND])}


def test_a_finding_says_what_and_where_and_never_the_text() -> None:
    assert finding_facts([FOUND]) == [
        {"guard": "pii", "version": "3", "kind": "email", "origin": "prompt", "part": 1, "start": 4, "end": 20, "action": "mask"}
    ]


def test_a_port_is_small() -> None:
    """Beyond ten promises nobody keeps them all."""
    found = [each for each in vars(ports).values() if inspect.isclass(each) and issubclass(each, Protocol) and each is not Protocol]
    assert len(found) > 15
    for port in found:
        promises = [name for name in vars(port) if not name.startswith("_")]
        assert 1 <= len(promises) <= 6, port.__name__
        assert port.__doc__


@pytest.mark.parametrize(
    ("heading", "text", "words"),
    [
        ("Travel > Hotels", "They are booked by the desk.", "Travel > Hotels\n\nThey are booked by the desk."),
        ("Travel > Hotels", "Hotels are booked by the desk.", "Travel\n\nHotels are booked by the desk."),
        ("Hotels", "Hotels are booked.", "Hotels are booked."),
        ("", "Hotels are booked.", "Hotels are booked."),
    ],
)
def test_a_passage_is_searched_with_the_headings_that_it_does_not_repeat(heading: str, text: str, words: str) -> None:
    assert StoredPassage("p", "s/d", "s", "v", 0, len(text), text, "line 1", heading, "s").words == words
