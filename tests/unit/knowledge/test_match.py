"""The numbers of a match, on words whose likeness is 1 when they are the same and about 0 when not."""

from __future__ import annotations

import pytest

from headrace.knowledge.quoting.match import Matches, match
from headrace.knowledge.quoting.quote import Quoter
from headrace.knowledge.quoting.reading import Readings
from tests.support.quoting import WordEmbedder, passage

ABOUT = 0.45
"""Different words are no further apart than this in the embedder of the tests."""


def matches(question: str, *texts: str) -> Matches:
    found = Quoter(WordEmbedder()).matches(question, [passage(text) for text in texts])
    assert found is not None
    return found


def test_a_sentence_that_holds_the_words_is_near_and_so_is_its_passage() -> None:
    found = matches("red door key", "Bring the red door key. Nothing else matters.", "Other things entirely.")
    assert (found.words[0], found.passage[0], found.passage[1]) == pytest.approx((1, 1, 1), abs=1e-3)
    assert max(found.words[1], found.words[2], found.passage[2]) < ABOUT


def test_neighbours_add_what_the_sentence_lacks_on_either_side_and_never_across_passages() -> None:
    found = matches("red door key", "Bring the red thing. Stop there now. Close the door. Take some key.", "Wait for it.")
    red, stop, door, key, wait = found.neighbours
    lacking = [matches("red door key", text).rare[0] for text in ("Stop there now.", "Wait for it.")]
    assert max(lacking) < ABOUT
    assert stop > 0.3
    assert 0.1 < key < stop
    assert 0.1 < door < stop
    assert red < 0.1
    assert wait == 0


def test_words_that_every_sentence_holds_count_for_less() -> None:
    found = matches("alpha beta", "alpha one two.", "alpha three four.", "alpha five beta.", "alpha seven eight.", "beta nine ten.")
    assert found.words[0] == pytest.approx(found.words[4], abs=0.25)
    assert found.rare[4] > found.rare[0] + 0.1


def test_function_words_do_not_count_as_content() -> None:
    found = matches("what is the gate", "what is the other thing here.", "One gate stands open.")
    assert found.rare_content[1] == pytest.approx(1, abs=1e-3)
    assert found.rare_content[0] < ABOUT
    assert found.words[0] > found.words[1]


def test_a_question_of_function_words_alone_is_compared_all_the_same() -> None:
    found = matches("what is it", "what is it then.", "Some words.")
    assert found.rare_content[0] == pytest.approx(found.rare[0])


def test_there_is_nothing_to_compare_without_words_or_units() -> None:
    asked, readings = Readings(WordEmbedder(), 1 << 20).of(" ", [passage("Some words.")])
    assert match(" ", asked, [("Some words.", readings[0])]) is None
    asked, readings = Readings(WordEmbedder(), 1 << 20).of("words", [passage("# Words")])
    assert match("words", asked, [("# Words", readings[0])]) is None
