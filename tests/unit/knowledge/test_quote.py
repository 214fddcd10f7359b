"""Quotes over real documents with the real embedder; what does not need it, with one that knows only words."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from headrace.adapters.embedders.minilm import MiniLM
from headrace.knowledge.quoting.confidence import CALIBRATION, confidence, ordered
from headrace.knowledge.quoting.quote import THRESHOLD, Quoter
from headrace.knowledge.quoting.reading import Readings
from tests.providers.engine import embedder as weights
from tests.support.quoting import WIDTH, WordEmbedder, check, passage, passages

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from headrace.core.values import Passage
    from tests.support.quoting import WordTokens

REVISIONS = """# Change a workspace

## Look, and go back

Every change is a revision. `headrace rollback` puts the revision that was in force before in force again; with an id, any earlier one.

```console
$ headrace ask "How do I return to an earlier revision?"
```

## Travel

Employees book trains themselves. Hotels cost at most 150 euros a night, or 180 in Geneva.

| city | hotel, most |
|---|---|
| Geneva | 180 euros |

Parental leave is sixteen weeks. It can be taken within a year of birth.
"""


@pytest.fixture(scope="module")
def minilm() -> Generator[MiniLM]:
    embedder = MiniLM(weights())
    yield embedder
    embedder.close()


@pytest.fixture(scope="module")
def quoter(minilm: MiniLM) -> Quoter:
    return Quoter(minilm)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How do I return to an earlier revision?", "`headrace rollback` puts the revision"),
        ("how much may a hotel cost", "at most 150 euros"),
        ("How long is parental leave?", "sixteen weeks"),
        ("What does a hotel in Geneva cost?", "180 in Geneva"),
    ],
)
def test_the_sentence_that_answers_is_quoted(quoter: Quoter, question: str, expected: str) -> None:
    asked = passages(REVISIONS)
    quotes = quoter.quotes(question, asked, 3)
    check(quotes, asked, 3)
    assert expected in quotes[0].text
    assert quotes[0].confidence >= THRESHOLD
    assert REVISIONS[quotes[0].start : quotes[0].end] == quotes[0].text


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of France?",
        "Who won the football world cup in 2018?",
        "What is the boiling point of nitrogen?",
        "Wie hoch ist der Mount Everest?",
        "hello",
        "SELECT * FROM users; --",
        "لماذا السماء زرقاء؟",
        "?!",
    ],
)
def test_what_the_documents_do_not_speak_of_stays_below_the_threshold(quoter: Quoter, question: str) -> None:
    asked = passages(REVISIONS)
    quotes = quoter.quotes(question, asked, 3)
    check(quotes, asked, 3)
    assert all(quote.confidence < THRESHOLD for quote in quotes)


@pytest.mark.parametrize("question", ["", " \n", "\ud800", "the of and", "a" * 5000, "x " * 3000, "\x00", "🙂"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "# Only a heading",
        "```\n",
        "def f(x):\n    return x ** 2\n",
        "你好，世界。今天天气很好。",
        "مرحبا بالعالم",
        "\u2028\u200b",
        "a" * 3000,
    ],
)
def test_odd_questions_and_passages(quoter: Quoter, question: str, text: str) -> None:
    check(quoter.quotes(question, [passage(text), passage(REVISIONS)], 2), [passage(text), passage(REVISIONS)], 2)


def test_nothing_comes_of_nothing(quoter: Quoter) -> None:
    assert quoter.quotes("How long is parental leave?", [], 3) == ()
    assert quoter.quotes("How long is parental leave?", passages(REVISIONS), 0) == ()
    assert quoter.quotes("How long is parental leave?", [passage("# Leave"), passage("---")], 3) == ()


def test_a_question_that_is_repeated_in_an_example_is_no_answer() -> None:
    question = "How do I open the red door?"
    example = passage(f'Try it:\n\n```\nask "{question}"\n```\n\nAnd say "{question}" aloud to everybody in the room.')
    answer = passage("Turn the key of the red door to the left.", document="handbook/b.md")
    quoter = Quoter(WordEmbedder())
    (first, *_) = quoter.quotes(question, [example, answer], 3)
    assert first.text == answer.text
    alone = quoter.quotes(question, [example], 1)
    assert all(quote.confidence < THRESHOLD for quote in alone)


def test_a_line_that_is_the_question_brings_its_answer() -> None:
    faq = passage("**How do I open the red door?**\n\nTurn the key.\n\nWho sings?\n\nNobody does.\n")
    (quote,) = Quoter(WordEmbedder()).quotes("How do I open the red door?", [faq], 1)
    assert quote.text == "**How do I open the red door?**\n\nTurn the key."


def test_headings_count_for_what_stands_under_them() -> None:
    under = passage("Ask the desk for a form.", heading="Handbook > Parking permits")
    other = passage("Ask the desk for a lamp.", heading="Handbook > Reading rooms", document="handbook/b.md")
    quoter = Quoter(WordEmbedder())
    with_heading = quoter.quotes("parking permits form", [under, other], 1)
    without = quoter.quotes("parking permits form", [passage(under.text), passage(other.text)], 1)
    assert with_heading[0].text == without[0].text == under.text
    assert with_heading[0].confidence > without[0].confidence


def test_headings_without_an_end_are_left_out() -> None:
    embedder = WordEmbedder()
    Quoter(embedder).quotes("a question", [passage("Some words.", heading=" > ".join(f"Heading number {n}" for n in range(60)))], 1)
    assert embedder.asked == ["a question", "Some words."]


def test_the_same_words_are_quoted_once() -> None:
    copies = [passage("The desk opens at eight.", document=f"handbook/{name}.md") for name in "abc"]
    assert len(Quoter(WordEmbedder()).quotes("when does the desk open", copies, 3)) == 1


def test_a_sentence_shown_with_another_is_not_shown_twice() -> None:
    asked = [passage("Tokens last a day. They are renewed at night. Nothing else happens here.")]
    quotes = Quoter(WordEmbedder()).quotes("tokens renewed at night", asked, 3)
    check(quotes, asked, 3)
    assert [quote.text for quote in quotes] == ["Tokens last a day. They are renewed at night.", "Nothing else happens here."]
    quotes = Quoter(WordEmbedder()).quotes("tokens last a day renewed", asked, 3)
    assert [quote.text for quote in quotes][:2] == ["Tokens last a day.", "They are renewed at night."]


def test_offsets_and_lines_are_of_the_document() -> None:
    of = passage("First line.\nThe desk opens at eight.\n", start=1000, place="line 40")
    (quote,) = Quoter(WordEmbedder()).quotes("when does the desk open", [of], 1)
    assert (quote.start, quote.end, quote.place) == (1012, 1036, "line 41")


def test_a_passage_is_read_once_while_it_is_kept() -> None:
    embedder = WordEmbedder()
    quoter = Quoter(embedder)
    asked = [
        passage("The desk opens at eight."),
        passage("The desk opens at eight."),
        passage("The desk opens at eight.", heading="Desk hours"),
    ]
    quoter.quotes("when", asked, 1)
    quoter.quotes("who", asked, 1)
    assert embedder.asked == ["when", "The desk opens at eight.", "Desk hours\nThe desk opens at eight.", "who"]


def test_memory_for_readings_is_bounded_and_the_last_used_stay() -> None:
    embedder = WordEmbedder()
    one = passage("alpha beta gamma delta.")
    size = 5 * WIDTH * 2
    readings = Readings(embedder, 2 * size)
    two, three = passage("one two three four."), passage("red green blue white.")
    for some in ([one], [two], [one], [three]):
        readings.of("q", some)
    embedder.asked.clear()
    readings.of("q", [one, three])
    assert embedder.asked == ["q"]
    readings.of("q", [two])
    assert embedder.asked == ["q", "q", two.text]
    nothing = Readings(embedder, 0)
    _, (reading,) = nothing.of("q", [one])
    assert reading.units


class Meeting(WordEmbedder):
    """Lets two threads read the same passage at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self._both = threading.Barrier(2, timeout=10)

    def token_vectors(self, texts: Sequence[str]) -> list[WordTokens]:
        self._both.wait()
        return super().token_vectors(texts)


def test_two_threads_may_read_the_same_passage() -> None:
    readings = Readings(Meeting(), 1 << 20)
    asked: list[Passage] = [passage("The desk opens at eight.")]
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lambda _: readings.of("q", asked)[1][0], range(2))
    assert first.units == second.units
    assert readings._bytes == first.vectors.nbytes


def test_calibration_is_for_the_embedder_that_is_built_in(minilm: MiniLM) -> None:
    assert minilm.identity.partition(":")[0] == CALIBRATION.embedder, "made anew by: python benchmarks/calibrate.py"
    assert 0 < THRESHOLD < CALIBRATION.chance.ceiling < 1
    assert min(CALIBRATION.order.rare, CALIBRATION.order.rare_content, CALIBRATION.chance.words, CALIBRATION.chance.passage) > 0
    assert CALIBRATION.chance.fade > 0


def test_confidence_falls_from_the_first_sentence_on(quoter: Quoter) -> None:
    matches = quoter.matches("How long is parental leave?", passages(REVISIONS))
    assert matches is not None
    sure = confidence(matches, ordered(matches))
    assert len(sure) == len(matches.places) > 5
    assert all(before >= after > 0 for before, after in pairwise(sure))
