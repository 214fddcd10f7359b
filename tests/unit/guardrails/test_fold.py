"""What a guard reads instead of the text as it stands."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headrace.core.text import Action
from headrace.guardrails.catalogue import guards
from headrace.guardrails.fold import fold
from headrace.guardrails.spans import look

ODD = "\u200b\u00ad\uff10\uff20\u2013\u00a0\U000e0041é日🙂a1 "


def test_plain_text_is_read_as_it_is() -> None:
    for text in ("", "plain", "Ünï 日本 🙂"):
        folded = fold(text)
        assert (folded.text, folded.places) == (text, None)
        assert (folded.start(2), folded.end(2), folded.at(2)) == (2, 2, 2)


def test_ways_of_writing_become_one() -> None:
    assert fold("\uff21na\u2013\uff11\u00a0\ufe6b\u2024\U000e0062").text == "Ana-1 @.b"
    every = "".join(map(chr, range(0xFF01, 0xFF5F)))
    assert fold(every).text == "".join(map(chr, range(0x21, 0x7F)))


def test_what_cannot_be_seen_is_left_out_and_places_lead_back() -> None:
    folded = fold("\u200ba\u200d\u200db\ufeff")
    assert folded.text == "ab"
    assert [(folded.start(at), folded.end(at + 1)) for at in (0, 1)] == [(1, 2), (4, 5)]
    assert folded.start(2) == 6
    assert [folded.at(place) for place in range(7)] == [0, 0, 1, 1, 1, 2, 2]


@given(st.text(ODD) | st.text(), st.text(ODD) | st.text())
def test_the_fold_of_two_pieces_is_the_two_folded_pieces(first: str, second: str) -> None:
    whole, one, other = fold(first + second), fold(first), fold(second)
    assert whole.text == one.text + other.text
    assert [whole.start(at) for at in range(len(whole.text))] == [
        *(one.start(at) for at in range(len(one.text))),
        *(len(first) + other.start(at) for at in range(len(other.text))),
    ]


def test_disguised_data_is_found_where_it_stands() -> None:
    rules = tuple((guard, Action.MASK) for guard in guards().values())
    for text in ("\uff41na\uff20example.org", "ana@exa\u00admple.org", "a\u200bna@example.org", "\u202eana@example.org"):
        (found,) = look(fold(f"é {text}!"), rules).found
        assert f"é {text}!"[found.span.start : found.span.end] == text.removeprefix("\u202e")
