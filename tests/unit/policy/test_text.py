"""A policy file as words with places."""

from __future__ import annotations

import cedarpy
import pytest

from headrace.policy.text import DEEPEST, LONGEST, annotations_of, place, references, statements, too_much, words

TEXT = """// "a comment; with ("
@id("one")
@note
permit (principal in Group::"default/a;b", action == A::Action::"ask", resource) // ;
  when { "\\"; //" == "é" };
forbid(principal,action,resource)
"""


def test_a_text_is_cut_where_cedar_cuts_it() -> None:
    found = statements(TEXT)
    assert [each.text[:6] for each in found] == ['@id("o', "forbid"]
    assert found[0].text.endswith("};")
    assert found[1].text == "forbid(principal,action,resource)"
    assert [place(TEXT, each.start) for each in found] == [(2, 1), (6, 1)]
    assert len(cedarpy.PolicySet.from_str(f"{TEXT};")) == 2
    assert [len(cedarpy.PolicySet.from_str(each.text.removesuffix(";") + ";")) for each in found] == [1, 1]


def test_nothing_and_comments_are_no_statements() -> None:
    assert statements("") == statements(" \n// permit (principal, action, resource);\r// x") == []


def test_entities_that_are_named() -> None:
    first, second = statements(TEXT)
    assert [(each.type, each.id) for each in references(first)] == [("Group", "default/a;b"), ("A::Action", "ask")]
    assert [place(TEXT, each.word.start) for each in references(first)] == [(4, 29), (4, 65)]
    assert list(references(second)) == []
    assert [each.type for each in references(statements('::"x" 1::"x" B::C::D::"x"')[0])] == ["B::C::D"]


def test_annotations() -> None:
    first, second = statements(TEXT)
    assert {name: (value, place(TEXT, word.start)) for name, (value, word) in annotations_of(first).items()} == {
        "id": ("one", (2, 2)),
        "note": ("", (3, 2)),
    }
    assert annotations_of(second) == {}
    assert annotations_of(statements("@")[0]) == {}
    assert annotations_of(statements('@id("a") @id("b") permit')[0])["id"][0] == "a"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r'"a\"b"', 'a"b'),
        (r'"\n\r\t\0\\"', "\n\r\t\0\\"),
        (r'"\x41\u{42}\u{1F600}"', "AB\U0001f600"),
        (r'"\u{110000}"', r"\u{110000}"),
        (r'"\q"', "q"),
    ],
)
def test_what_a_string_says(written: str, meant: str) -> None:
    (word,) = words(written)
    assert (word.kind, word.value) == ("string", meant)


def test_white_space_is_what_cedar_takes_for_it() -> None:
    for code in range(0x3100):
        text = f"permit{chr(code)}(principal, action, resource);"
        try:
            cedarpy.PolicySet.from_str(text)
        except ValueError:
            continue
        assert words(text)[1].text == "(", hex(code)


def test_a_string_ends_with_its_line() -> None:
    assert [word.kind for word in words('"a\n"b"')] == ["other", "name", "string"]


def test_the_beginning_of_a_statement() -> None:
    statement = statements("permit ( principal , action")[0]
    assert [statement.upto(count) for count in range(4)] == ["", "permit", "permit (", "permit ( principal"]


def test_what_is_too_much_for_cedar() -> None:
    deep = "permit (principal, action, resource) when { " + "(" * DEEPEST + "true" + ")" * DEEPEST + " };"
    word = too_much(statements(deep)[0])
    assert word is not None
    assert word.text == "("
    assert too_much(statements(deep.replace("((", "(").replace("))", ")"))[0]) is None
    long = statements(" ".join(["a"] * (LONGEST + 1)))[0]
    word = too_much(long)
    assert word is not None
    assert word is long.words[LONGEST]
