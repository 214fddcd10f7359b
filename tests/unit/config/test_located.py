"""YAML with places."""

from __future__ import annotations

import pytest

from headrace.config.located import DEEPEST, MOST_NODES, read, scalar


def problems(text: str) -> list[tuple[int, int, str]]:
    return [(each.line, each.column, each.message) for each in read(text).problems]


def test_every_value_knows_its_place() -> None:
    root = read("a: 1\nb:\n  - x\n  - c: 'y z'\n").root
    assert root is not None
    assert root.plain() == {"a": 1, "b": ["x", {"c": "y z"}]}
    inner = root.member("b")
    assert inner is not None and inner.items is not None
    value = inner.items[1].member("c")
    word = inner.items[1].word("c")
    assert value is not None and word is not None
    assert (value.line, value.column, word.line, word.column) == (4, 8, 4, 5)
    assert "a: 1\nb:\n  - x\n  - c: 'y z'\n"[value.start : value.end] == "'y z'"
    assert root.member("nothing") is None


def test_a_list_of_one_word_maps_is_looked_up_like_a_map() -> None:
    root = read("[secrets: refuse, pii: mask]").root
    assert root is not None
    found = root.word("pii")
    assert found is not None and found.column == 19


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("True", True),
        ("false", False),
        ("no", "no"),
        ("on", "on"),
        ("12", 12),
        ("-3", -3),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        ("9" * 40, "9" * 40),
        ("1e999", "1e999"),
        (".inf", ".inf"),
        ("2020-01-01", "2020-01-01"),
        ("12:30", "12:30"),
    ],
)
def test_plain_scalars_read_as_in_the_core_schema(text: str, value: object) -> None:
    assert scalar(text) == value


def test_quoted_and_tagged_scalars_are_text() -> None:
    root = read("a: '1'\nb: !!str 2\nc: ! 3\nd: |\n  4\n").root
    assert root is not None and root.plain() == {"a": "1", "b": "2", "c": "3", "d": "4\n"}


def test_words_that_are_not_text_become_it() -> None:
    root = read("1: a\ntrue: b\n: c\n").root
    assert root is not None and root.plain() == {"1": "a", "true": "b", "null": "c"}


def test_anchors_repeat_a_value() -> None:
    root = read("a: &x [1, 2]\nb: *x\nc: &y text\nd: *y\n").root
    assert root is not None and root.plain() == {"a": [1, 2], "b": [1, 2], "c": "text", "d": "text"}


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: 1\na: 2\n", 2, 1, '"a" is written twice'),
        ("a: *nowhere\n", 1, 4, 'nothing before this is called "&nowhere"'),
        ("a: &x [*x]\n", 1, 8, "stands inside the value that it repeats"),
        ("a: !python/object:os.system x\n", 1, 4, "the tag !python/object:os.system is not read here"),
        ("a: !thing [x]\n", 1, 4, "the tag !thing is not read here"),
        ("a: 1\n--- \nb: 2\n", 2, 1, "a second document begins here"),
        ("? [a]\n: 1\n", 1, 3, "a list or map stands where a word should"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", 3, 3, "the merge key << is not read here"),
        ('a: "\\0"\n', 1, 4, "a character that no text may hold"),
        ('a: "\\ud800"\n', 1, 4, "a character that no text may hold"),
        ("[" * (DEEPEST + 1), 1, DEEPEST + 1, "levels of lists and maps"),
        ("a: [1, 2\nb: 3\n", 2, 2, "this is not YAML"),
        ("a: b: c\n", 1, 5, "mapping values are not allowed"),
        ("a:\n\t- b\n", 2, 1, "this is not YAML"),
        ("a: 'open\n", 2, 1, "this is not YAML"),
        ('a: "\\U99999999"\n', 1, 1, "this is not YAML"),
        ("ok: 1\nbad: \x07\n", 2, 6, "this is not YAML"),
        ("%YAML 9.9\n---\na: 1\n", 1, 1, ""),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, line: int, column: int, words: str) -> None:
    found = problems(text)
    assert not words or (found and found[0][:2] == (line, column) and words in found[0][2]), found
    assert all(each.mend for each in read(text).problems)


def test_a_fault_does_not_hide_the_next() -> None:
    assert len(problems("a: 1\na: 2\nb: !x y\nc: 1\nc: 2\n")) == 3


def test_aliases_cannot_grow_without_bound() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
    found = problems(bomb)
    assert len(found) == 1
    assert f"more than {MOST_NODES:,} values" in found[0][2]


def test_nothing_is_nothing() -> None:
    for text in ("", "# only a remark\n"):
        assert read(text).root is None
    empty = read("---\n").root
    assert empty is not None and empty.plain() is None
