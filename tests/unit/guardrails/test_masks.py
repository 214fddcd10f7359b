"""The masks of one request."""

from __future__ import annotations

import json

from headrace.core.text import Origin
from headrace.guardrails.masks import MaskTable, Unmasking

MAIL = "ana.muster@example.org"


def test_a_value_has_one_token_and_numbers_run_by_first_sight() -> None:
    masks = MaskTable()
    given = [masks.mask("email", value, Origin.PROMPT) for value in (MAIL, "ben@x.org", MAIL)]
    assert [*given, masks.mask("payment_card", MAIL, Origin.PROMPT)] == ["[EMAIL_1]", "[EMAIL_2]", "[EMAIL_1]", "[PAYMENT_CARD_1]"]


def test_the_same_conversation_gets_the_same_tokens_again() -> None:
    turns = [("email", MAIL), ("phone", "1"), ("email", "ben@x.org"), ("email", MAIL)]
    first, second = MaskTable(), MaskTable()
    asked = [first.mask(kind, value, Origin.PROMPT) for kind, value in turns]
    again = [second.mask(kind, value, Origin.PROMPT) for kind, value in [*turns, ("phone", "2")]]
    assert again == [*asked, "[PHONE_2]"]


def test_values_of_prompt_and_passages_come_back() -> None:
    masks = MaskTable()
    masks.mask("email", MAIL, Origin.PROMPT)
    masks.mask("phone", "123", Origin.PASSAGE)
    assert masks.unmask("[EMAIL_1] or [PHONE_1], not [PHONE_2] [EMAIL_1") == (f"{MAIL} or 123, not [PHONE_2] [EMAIL_1", 2)


def test_values_first_seen_in_output_stay_masked() -> None:
    masks = MaskTable()
    assert masks.mask("email", MAIL, Origin.OUTPUT) == "[EMAIL_1]"
    assert masks.unmask("[EMAIL_1]") == ("[EMAIL_1]", 0)
    assert masks.mask("email", MAIL, Origin.OUTPUT) == "[EMAIL_1]"
    assert masks.unmask("[EMAIL_1]") == ("[EMAIL_1]", 0)
    masks.mask("email", MAIL, Origin.PASSAGE)
    assert masks.unmask("[EMAIL_1]") == (MAIL, 1)


def test_ones_own_words_are_never_undone() -> None:
    masks = MaskTable()
    masks.reserve("What is [EMAIL_1], and [EMAIL_2]?")
    assert masks.mask("email", MAIL, Origin.PASSAGE) == "[EMAIL_3]"
    assert masks.unmask("[EMAIL_1] [EMAIL_2] [EMAIL_3]") == (f"[EMAIL_1] [EMAIL_2] {MAIL}", 1)


def test_a_token_that_a_document_holds_is_not_undone_any_more() -> None:
    masks = MaskTable()
    masks.mask("email", MAIL, Origin.PROMPT)
    masks.reserve("The form says [EMAIL_1] here.")
    assert masks.unmask("[EMAIL_1]") == ("[EMAIL_1]", 0)
    assert masks.mask("email", MAIL, Origin.PROMPT) == "[EMAIL_1]"
    assert masks.mask("email", "ben@x.org", Origin.PROMPT) == "[EMAIL_2]"


def test_in_json_a_value_is_written_as_json_writes_it() -> None:
    masks = MaskTable()
    value = 'a "b"\\\n\x01é'
    masks.mask("private_key", value, Origin.PROMPT)
    assert json.loads(masks.unmask('{"key": "[PRIVATE_KEY_1]"}', json=True)[0]) == {"key": value}
    assert masks.unmask("[PRIVATE_KEY_1]") == (value, 1)


def test_kinds_of_others_make_tokens_too() -> None:
    masks = MaskTable()
    token = masks.mask("a very-long kind of a third party's guard", "x", Origin.PROMPT)
    assert masks.unmask(token) == ("x", 1)


def test_only_what_may_be_a_token_waits() -> None:
    masks = MaskTable()
    masks.mask("email", MAIL, Origin.PROMPT)
    unmasking = Unmasking(masks.unmask)
    assert [unmasking.push(part) for part in ("see [the docs] [1", "] [EM", "AIL_", "1]! [", "", "EMAIL_1", "x [A")] == [
        "see [the docs] [1",
        "] ",
        "",
        f"{MAIL}! ",
        "",
        "",
        "[EMAIL_1x ",
    ]
    assert unmasking.push("B" * 60) == "[A" + "B" * 60
    assert unmasking.push("[EMAIL_1") == ""
    assert (unmasking.finish(), unmasking.undone) == ("[EMAIL_1", 1)
