"""Messages: text in its place, and nothing dropped."""

from __future__ import annotations

import pytest

from headrace.app.http.openai.messages import turns_of
from headrace.core.errors import BadRequest, UnsupportedParameter
from headrace.core.text import Origin, Role


def refused(messages: object) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        turns_of(messages)
    assert caught.value.mend
    return caught.value


def test_turns_keep_role_text_and_place() -> None:
    turns = turns_of(
        [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "assistant", "content": "c", "tool_calls": [], "refusal": None, "annotations": []},
            {"role": "user", "content": ""},
        ]
    )
    assert [(turn.role, turn.text.text, turn.text.part) for turn in turns] == [
        (Role.SYSTEM, "Be brief.", 0),
        (Role.USER, "a\nb", 1),
        (Role.ASSISTANT, "c", 2),
        (Role.USER, "", 3),
    ]
    assert {turn.text.origin for turn in turns} == {Origin.PROMPT}


@pytest.mark.parametrize(
    ("messages", "param", "words"),
    [
        (None, "messages", "is missing"),
        ([], "messages", "at least one"),
        ("hello", "messages", "a list"),
        ({"role": "user"}, "messages", "a list"),
        ([5], "messages[0]", "object"),
        ([{"content": "x"}], "messages[0].role", "none of"),
        ([{"role": "tool", "content": "x"}], "messages[0].role", "none of"),
        ([{"role": ["user"], "content": "x"}], "messages[0].role", "none of"),
        ([{"role": "user"}], "messages[0].content", "Nothing stands here"),
        ([{"role": "user", "content": None}], "messages[0].content", "Nothing stands here"),
        ([{"role": "user", "content": True}], "messages[0].content", "True or false stands here"),
        ([{"role": "user", "content": 5}], "messages[0].content", "A number stands here"),
        ([{"role": "user", "content": 5.5}], "messages[0].content", "A number stands here"),
        ([{"role": "user", "content": {}}], "messages[0].content", "An object stands here"),
        ([{"role": "user", "content": []}], "messages[0].content", "An empty list stands here"),
        ([{"role": "user", "content": ["x"]}], "messages[0].content[0]", "with a type"),
        ([{"role": "user", "content": [{"text": "x"}]}], "messages[0].content[0]", "with a type"),
        ([{"role": "user", "content": [{"type": "text"}]}], "messages[0].content[0].text", "Nothing stands here"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(messages: object, param: str, words: str) -> None:
    error = refused(messages)
    assert error.param == param
    assert words in error.message
    assert type(error) is BadRequest


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "user", "content": "x", "name": "ana"}, "messages[0].name"),
        ({"role": "assistant", "content": "x", "tool_calls": [{"id": "1"}]}, "messages[0].tool_calls"),
        ({"role": "user", "content": "x", "a\nb": 1}, "messages[0].a?b"),
        ({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}, "messages[0].content[0].type"),
        ({"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {"a": 1}}]}, "messages[0].content[0].cache_control"),
    ],
)
def test_what_is_not_served_is_refused_rather_than_dropped(message: object, param: str) -> None:
    error = refused([message])
    assert error.param == param
    assert isinstance(error, UnsupportedParameter)


def test_an_error_never_repeats_content() -> None:
    error = refused([{"role": "user", "content": {"secret": "SECRET-CONTENT"}}])
    assert "SECRET" not in str(error)
    assert "SECRET" not in str(refused([{"role": "SECRET-CONTENT", "content": "x"}]))
