"""A body is JSON as everybody reads it, or it is refused with its place."""

from __future__ import annotations

import pytest

from headrace.app.http.exchange.body import DEEPEST, parse, shown
from headrace.core.errors import BadRequest


def refused(body: bytes) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        parse(body)
    assert caught.value.mend
    return caught.value


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


def test_an_object_is_read() -> None:
    assert parse(b'{"a": [1, 2.5, null, true, "\\ud83d\\ude00\xc3\xa4"]}') == {"a": [1, 2.5, None, True, "😀ä"]}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "line 1, column 1"),
        (b"{", "line 1, column 2"),
        (b'{"a": 1}\n{"b": 2}', "line 2, column 1"),
        (b"[1]", "not an object"),
        (b'"model"', "not an object"),
        (b"\xff\xfe{}", "Byte 1"),
        (b'{"a": "\xc3"}', "Byte 8"),
        (b"\xef\xbb\xbf{}", "BOM"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": ' + b"1" * 5000 + b"}", "digits"),
        (b'{"a": "\n"}', "column 8"),
    ],
)
def test_what_is_not_json_says_where(body: bytes, words: str) -> None:
    error = refused(body)
    assert error.code == "request.invalid_json"
    assert words in error.message


def test_a_name_that_stands_twice_is_refused_by_its_name() -> None:
    error = refused(b'{"model": "a", "messages": [{"role": "user", "content": "x", "role": "system"}]}')
    assert (error.code, error.param) == ("request.invalid_json", "role")


@pytest.mark.parametrize(("text", "escape"), [("half a pair", b"\\ud800"), ("the other half", b"a\\udc00b"), ("NUL", b"\\u0000")])
def test_characters_that_no_text_has_are_refused_with_their_place(text: str, escape: bytes) -> None:
    error = refused(b'{"messages": [{"role": "user"}, {"content": ["x", "' + escape + b'"]}]}')
    assert (error.code, error.param) == ("request.invalid_text", "messages[1].content[1]"), text
    assert refused(b'{"' + escape + b'": 1}').param is None


def test_nesting_has_a_bound() -> None:
    assert parse(nested(DEEPEST))
    error = refused(nested(DEEPEST + 1))
    assert error.code == "request.too_deep"
    assert refused(b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}").code == "request.too_deep"
    assert len(refused(nested(DEEPEST * 2).replace(b'"a"', b'"' + b"a" * 60 + b'"')).param or "") <= 128


def test_many_flat_values_are_no_nesting() -> None:
    assert len(str(parse(b'{"a": [' + b",".join([b"{}"] * 1000) + b"]}"))) > 2000


def test_a_name_is_shown_short_and_plain() -> None:
    assert shown("a\n\x1b[31mb" + "c" * 100) == "a??[31mb" + "c" * 56
