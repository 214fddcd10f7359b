"""What of a text can be quoted by itself, and what a quote of it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.knowledge.documents.places import Places
from headrace.knowledge.passages.blocks import Kind
from headrace.knowledge.passages.chunk import chunk
from headrace.knowledge.passages.plain import plain
from headrace.knowledge.passages.sentences import LONGEST, LONGEST_PAIR, sentences, units
from tests.support.growth import PROPORTIONAL, growth

if TYPE_CHECKING:
    from collections.abc import Callable


def split(text: str) -> list[str]:
    return [text[start:end].strip() for start, end in sentences(text, 0, len(text))]


def shown(text: str) -> dict[str, str]:
    """What is shown of each unit that can be quoted."""
    return {text[unit.start : unit.end]: text[unit.shown_start : unit.shown_end] for unit in units(text) if unit.quotable}


@pytest.mark.parametrize(
    "text",
    [
        "See Dr. Meier, e.g. on Monday.",
        "It holds approx. 3.5 litres.",
        "J. Smith wrote it.",
        "The company Yahoo! was there.",
        "Version 2.0 etc. is meant.",
        "Das gilt z.B. für Züge.",
    ],
)
def test_a_point_within_a_sentence_ends_none(text: str) -> None:
    assert split(text) == [text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ('He said "no." Then he left.', ['He said "no."', "Then he left."]),
        ("**Bold.** Plain.", ["**Bold.**", "Plain."]),
        ("你好。世界！再见", ["你好。", "世界！", "再见"]),
        ("Wait… Then go.", ["Wait…", "Then go."]),
        ("no end", ["no end"]),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert split(text) == expected


def test_the_number_of_an_item_ends_no_sentence() -> None:
    assert split("Do this.\n2. Do that.") == ["Do this.", "2. Do that."]


def test_headings_are_context_and_never_quoted() -> None:
    text = "# Travel\n\nBook early.\n"
    assert [(unit.kind, unit.quotable) for unit in units(text)] == [(Kind.HEADING, False), (Kind.TEXT, True)]


def test_items_stand_without_their_marks_and_with_the_lines_that_continue_them() -> None:
    text = "- [ ] first item\n  goes on\n* **second** item. With two sentences.\n10) third item\n• fourth item\n"
    assert list(shown(text)) == ["first item\n  goes on", "**second** item.", "With two sentences.", "third item", "fourth item"]
    assert all(unit.item for unit in units(text))


def test_quoted_text_stands_without_its_mark() -> None:
    assert list(shown("> Wise words.\n> More of them.\n")) == ["Wise words.", "> More of them."]
    assert list(shown("> - an item\n> - another\n")) == ["an item", "another"]


def test_what_says_nothing_is_not_quotable() -> None:
    assert shown("<br>\n\n---\n\n![](x.png)\n\nNo.\n\n[](https://example.org/a-long-address)\n\n{% include nav %}\n") == {}


def test_an_introduction_is_shown_with_its_list_and_an_item_alone() -> None:
    text = "Bring these:\n\n- a passport\n- two photos\n\nThen wait.\n"
    assert shown(text)["Bring these:"] == "Bring these:\n\n- a passport\n- two photos"
    assert shown(text)["two photos"] == "two photos"


def test_an_item_introduces_only_what_is_below_it() -> None:
    text = "- Bring these:\n  - a passport\n  - two photos\n- Come early\n"
    assert shown(text)["Bring these:"] == "Bring these:\n  - a passport\n  - two photos"
    assert shown("- For whom:\n- Come early\n")["For whom:"] == "For whom:"


def test_a_list_that_does_not_fit_is_shown_as_far_as_it_does() -> None:
    text = "Bring these:\n" + "".join(f"- thing number {number} of the very long list\n" for number in range(60))
    whole = shown(text)["Bring these:"]
    assert LONGEST - 50 < len(whole) <= LONGEST
    assert whole.endswith("of the very long list")


def test_code_is_shown_with_what_introduces_it() -> None:
    text = "To go back:\n\n```\nheadrace rollback\n```\n\n```\nheadrace show\n```\n"
    code = "```\nheadrace rollback\n```"
    assert shown(text)["To go back:"] == shown(text)[code] == f"To go back:\n\n{code}"
    assert shown(text)["```\nheadrace show\n```"] == "```\nheadrace show\n```"


def test_code_that_is_too_long_for_its_introduction_is_shown_alone() -> None:
    code = "```\n" + "run it again\n" * 90 + "```"
    assert shown(f"To go back:\n\n{code}\n") == {"To go back:": "To go back:", code: code}


def test_a_question_is_shown_with_its_answer() -> None:
    text = "**Who pays?**\nThe company does. Ask for a card.\n\nWho books?\n\nYou do yourself.\n"
    assert shown(text)["**Who pays?**"] == "**Who pays?**\nThe company does. Ask for a card."
    assert shown(text)["Who books?"] == "Who books?\n\nYou do yourself."


def test_an_answer_is_shown_only_as_far_as_it_fits() -> None:
    text = "Who pays?\n\n" + "The company pays for all of this, as it should. " * 20
    whole = shown(text)["Who pays?"]
    assert LONGEST_PAIR - 60 < len(whole) <= LONGEST_PAIR


def test_a_sentence_with_a_colon_is_shown_with_the_next() -> None:
    assert shown("Note this: Doors close. Lights go out.\n") == {
        "Note this: Doors close.": "Note this: Doors close.",
        "Lights go out.": "Lights go out.",
    }
    assert shown("Note this:\n\nDoors close. Lights go out.\n")["Note this:"] == "Note this:\n\nDoors close."


def test_nothing_follows_the_last_introduction() -> None:
    assert shown("As follows:\n") == {"As follows:": "As follows:"}
    assert shown("As follows:\n\n# Next\n")["As follows:"] == "As follows:"


def test_a_sentence_that_leans_on_the_one_before_is_shown_with_it() -> None:
    text = "Tokens last a day. They are renewed at night.\n\nThis is a new paragraph.\n"
    assert shown(text)["They are renewed at night."] == "Tokens last a day. They are renewed at night."
    assert shown(text)["This is a new paragraph."] == "This is a new paragraph."
    assert shown("- Tokens last a day.\n- They are renewed.\n")["They are renewed."] == "They are renewed."
    assert shown("It's here. Theirs are there.\n")["Theirs are there."] == "Theirs are there."


def test_two_sentences_that_are_long_are_shown_apart() -> None:
    second = "It was " + "very, " * 60 + "good."
    assert shown("The " + "very " * 60 + f"long one. {second}\n")[second] == second


def test_a_small_table_is_shown_whole_and_its_head_is_not_quoted() -> None:
    table = "| city | price |\n|------|-------|\n| Basel | 100 |\n| Bern | 90 |"
    assert shown(f"{table}\n") == {"| Basel | 100 |": table, "| Bern | 90 |": table}


def test_of_a_large_table_a_row_is_shown() -> None:
    text = "| city | price |\n|---|---|\n" + "".join(f"| City number {number} | {number} francs |\n" for number in range(30))
    assert shown(text)["| City number 7 | 7 francs |"] == "| City number 7 | 7 francs |"


def test_a_table_follows_its_introduction() -> None:
    text = "Prices:\n\n| a long city | b |\n|---|---|\n| Basel | 100 |\n"
    assert shown(text)["Prices:"] == text.strip()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('See [the page](https://example.org/a_(b)?c=d "A title").', "See  the page ."),
        ("At https://example.org/very/long?x=1 now.", "At now."),
        ("**Bold**, `code` and _soft_ snake_case.", "Bold , code and soft snake_case."),
        ("a <b>bold</b> <!-- hidden\n -->word < 5", "a bold word < 5"),
        ('Go to {% page "/x/" %} for {{ name }}!', "Go to for !"),
        ("## A heading", "A heading"),
        ("> said", "said"),
        ("![alt](x.png)", "alt"),
        ("| a | b |", "a b"),
        ("arr[0] and f(x) stay (mostly)", "arr 0 and f(x) stay (mostly)"),
    ],
)
def test_plain_text_keeps_the_words(text: str, expected: str) -> None:
    assert plain(text).split() == expected.split()
    assert len(plain(text)) == len(text)


def test_a_line_in_bold_is_shown_with_what_follows() -> None:
    text = "**If you are new**\n\nGo to the desk. Ask for a card.\n\n**Note.** Doors close.\n"
    assert shown(text)["**If you are new**"] == "**If you are new**\n\nGo to the desk. Ask for a card."
    assert shown(text)["**Note.**"] == "**Note.**"


def test_tags_around_a_sentence_are_not_shown() -> None:
    text = '<tr>\n <td class="key">The desk opens at <b>eight</b>.</td> <!-- x -->\n</tr>\n'
    assert list(shown(text)) == ["The desk opens at <b>eight</b>."]
    assert list(shown("<b>Bold</b> words stay.\n")) == ["<b>Bold</b> words stay."]
    assert list(shown("Type <enter>\n")) == ["Type <enter>"]


MANY = 4_000
HOSTILE: dict[str, Callable[[int], str]] = {
    "points": lambda n: "x" + "!" * n + "y",
    "blanks": lambda n: "a" + " " * n + "b",
    "a heading with blanks": lambda n: "# a" + " " * n + "x",
    "a heading with number signs": lambda n: "# a" + " #" * n + "x",
    "a heading with brackets": lambda n: "# " + "[a" * n,
    "a heading with links": lambda n: "# " + "[a](" * n,
    "a rule that is none": lambda n: "|" + " " * n + "-" + " " * n + "x\n|--|",
    "a table": lambda n: "| a |\n" + "|-" * n + "x",
    "comments": lambda n: "<!-- " * n,
    "tags": lambda n: "x " + "<p> " * n,
    "links": lambda n: "[](" * n + "](" * n,
    "colons": lambda n: ": " * n,
    "marks": lambda n: "> - 1. * " * n + "**" + "_ " * n,
}


def cut(text: str) -> None:
    units(text)
    chunk(text, "text/markdown")
    assert Places(text, "text/html", ()).at(len(text), len(text))


@pytest.mark.parametrize("of", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_takes_time_in_proportion_to_its_length(of: Callable[[int], str]) -> None:
    assert growth(cut, of, MANY) < PROPORTIONAL
