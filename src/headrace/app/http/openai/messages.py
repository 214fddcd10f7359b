"""The messages of a chat request: text only, each in its place, nothing dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.app.http.exchange.body import as_array, as_object, shown
from headrace.core.errors import BadRequest, UnsupportedParameter
from headrace.core.text import Origin, RawText, RawTurn, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

ROLES: Final[Mapping[str, Role]] = {"system": Role.SYSTEM, "developer": Role.SYSTEM, "user": Role.USER, "assistant": Role.ASSISTANT}
_NOTHING: Final[Mapping[str, object]] = {"enum": [None, list[object](), dict[str, object]()]}
SCHEMA: Final[Mapping[str, object]] = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["role", "content"],
        "properties": {
            "role": {"enum": ["system", "developer", "user", "assistant"]},
            "content": {
                "oneOf": [
                    {"type": "string"},
                    {
                        "type": "array",
                        "minItems": 1,
                        "items": {
                            "type": "object",
                            "required": ["type", "text"],
                            "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
                            "additionalProperties": _NOTHING,
                        },
                    },
                ]
            },
        },
        "additionalProperties": _NOTHING,
    },
}
"""What :func:`turns_of` takes, as JSON Schema; a test holds the two to each other."""
_FIELDS = frozenset({"role", "content"})
_PART = frozenset({"type", "text"})
_EMPTY: tuple[object, ...] = (None, [], {})
"""What the SDK writes for fields of an earlier answer that are not there."""
_SEND_MESSAGES = 'Send [{"role": "user", "content": "…"}].'
_SEND_PART = 'Send {"type": "text", "text": "…"}.'


def turns_of(messages: object) -> tuple[RawTurn, ...]:
    """The turns of the conversation. Raises BadRequest or UnsupportedParameter with the place (``messages[1].content``)."""
    if messages is None:
        raise BadRequest('"messages" is missing.', code="request.missing", param="messages", mend=_SEND_MESSAGES)
    listed = as_array(messages)
    if not listed:
        raise BadRequest("messages is a list of at least one message.", param="messages", mend=_SEND_MESSAGES)
    return tuple(_turn(each, n) for n, each in enumerate(listed))


def _turn(message: object, n: int) -> RawTurn:
    place = f"messages[{n}]"
    fields = as_object(message)
    if fields is None:
        words = "A message is an object with a role and content."
        raise BadRequest(words, param=place, mend='Send {"role": "user", "content": "…"}.')
    role = fields.get("role")
    if not isinstance(role, str) or role not in ROLES:
        words = f"The role is none of {', '.join(ROLES)}."
        raise BadRequest(words, param=f"{place}.role", mend="Results of tools and functions are not taken here.")
    for name, value in fields.items():
        if name not in _FIELDS and value not in _EMPTY:
            words = "This part of a message is not supported, and it is refused rather than dropped."
            raise UnsupportedParameter(words, param=f"{place}.{shown(name)}", mend="Leave it out.")
    return RawTurn(ROLES[role], RawText(_content(fields.get("content"), f"{place}.content"), Origin.PROMPT, n))


def _content(content: object, place: str) -> str:
    if isinstance(content, str):
        return content
    parts = as_array(content)
    if not parts:
        words = f"{_said(content)} stands here, but text is wanted."
        raise BadRequest(words, param=place, mend='Send a string, or a list of {"type": "text", "text": "…"}.')
    return "\n".join(_part(each, f"{place}[{n}]") for n, each in enumerate(parts))


def _part(part: object, place: str) -> str:
    fields = as_object(part)
    kind = fields.get("type") if fields is not None else None
    if fields is None or not isinstance(kind, str):
        raise BadRequest("A part of content is an object with a type.", param=place, mend=_SEND_PART)
    if kind != "text":
        words = "Only text parts are taken; no deployment here reads images, sound or files."
        raise UnsupportedParameter(words, param=f"{place}.type", mend=_SEND_PART)
    text = fields.get("text")
    if not isinstance(text, str):
        raise BadRequest(f"{_said(text)} stands here, but text is wanted.", param=f"{place}.text", mend="Send a string.")
    extra = next((name for name, value in fields.items() if name not in _PART and value not in _EMPTY), None)
    if extra is not None:
        words = "This part of a text part is not supported, and it is refused rather than dropped."
        raise UnsupportedParameter(words, param=f"{place}.{shown(extra)}", mend="Leave it out.")
    return text


def _said(value: object) -> str:
    """What kind of thing stands where text should: never the thing itself."""
    kinds: tuple[tuple[type, str], ...] = (
        (bool, "True or false"),
        (int, "A number"),
        (float, "A number"),
        (str, "A text"),
        (list, "An empty list"),
        (dict, "An object"),
    )
    return next((word for kind, word in kinds if isinstance(value, kind)), "Nothing")
