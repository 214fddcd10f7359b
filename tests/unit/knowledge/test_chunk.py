"""Where passages begin and end, and what their headings are."""

from __future__ import annotations

from headrace.core.measure import tokens
from headrace.knowledge.passages.chunk import BOUND, TARGET, chunk

MARKDOWN = """---
title: "Travel"
owner: ana
---

# Travel

Intro words.

## Hotels

### In `Bern`

Book early. [Ask us](https://example.org/ask).

### In Basel ###

| city | price |
|------|-------|
| Basel | 100 |

Trains
------

```sh
# not a heading
run
```
"""


def test_sections_carry_their_headings_from_the_outermost() -> None:
    headings = [(each.heading, each.text.split("\n")[0]) for each in chunk(MARKDOWN, "text/markdown")]
    assert headings == [
        ("Travel", "# Travel"),
        ("Travel > Hotels > In Bern", "## Hotels"),
        ("Travel > Hotels > In Basel", "### In Basel ###"),
        ("Travel > Trains", "Trains"),
    ]


def test_front_matter_gives_the_title_and_is_no_passage() -> None:
    chunks = chunk("---\ntitle: Travel\n---\nWords.\n", "text/markdown")
    assert [(each.heading, each.text) for each in chunks] == [("Travel", "Words.")]


def test_a_rule_at_the_top_is_not_front_matter() -> None:
    assert [each.text for each in chunk("---\n\nWords.\n", "text/markdown")] == ["---\n\nWords."]


def test_code_is_never_read_as_headings_and_stays_whole() -> None:
    chunks = chunk(MARKDOWN, "text/markdown")
    assert chunks[-1].text.endswith("```sh\n# not a heading\nrun\n```")


def test_plain_text_has_no_headings() -> None:
    chunks = chunk("# one\n\n# two\n", "text/plain")
    assert [(each.heading, each.text) for each in chunks] == [("", "# one\n\n# two")]


def test_long_prose_is_cut_between_sentences() -> None:
    sentence = "The committee of the region met again on Tuesday, e.g. in the town hall of Dr. Meier, to speak of fees. "
    chunks = chunk(sentence * 40, "text/plain")
    assert len(chunks) > 2
    assert all(each.text.startswith("The committee") and each.text.endswith("fees.") for each in chunks)
    assert all(TARGET // 2 < tokens(each.text) <= BOUND for each in chunks[:-1])


def test_a_long_table_is_cut_between_rows() -> None:
    row = "| some city | a price that is high | words and words |\n"
    chunks = chunk(row * 60, "text/markdown")
    assert len(chunks) > 2
    assert all(each.text.startswith("|") and each.text.endswith("|") for each in chunks)


def test_a_list_without_sentences_is_cut_between_items() -> None:
    chunks = chunk("".join(f"- item number {number} of the long list without an end\n" for number in range(100)), "text/markdown")
    assert len(chunks) > 2
    assert all(each.text.startswith("- item") for each in chunks)


def test_a_word_without_an_end_is_cut_all_the_same() -> None:
    assert all(len(each.text) <= BOUND * 4 for each in chunk("x" * 5000, "text/plain"))


def test_nothing_gives_no_passages() -> None:
    assert chunk(" \n\t\n", "text/plain") == chunk("", "text/markdown") == []


def test_an_open_fence_runs_to_the_end() -> None:
    assert [each.text for each in chunk("```\na\n\n# b\n", "text/markdown")] == ["```\na\n\n# b"]


def test_digits_and_syllables_count_for_more() -> None:
    assert tokens("12345678") == 4
    assert tokens("한국어") == 6
    assert tokens("internationalisation of it") == 7
