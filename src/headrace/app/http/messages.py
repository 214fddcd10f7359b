"""The messages of a chat request: text only, each in its place, nothing dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.core.errors import BadRequest, UnsupportedParameter
from headrace.core.text import Origin, RawText, RawTurn, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

ROLES: Final[Mapping[str, Role]] = {"system": Role.SYSTEM, "developer": Role.SYSTEM, "user": Role.USER, "assistant": Role.ASSISTANT}
_FIELDS = frozenset({"role", "content"})
_EMPTY: tuple[object, ...] = (None, [], {})
"""What the SDK writes for fields of an earlier answer that are not there."""


def turns_of(messages: object) -> tuple[RawTurn, ...]:
    """The turns of the conversation. Raises BadRequest or UnsupportedParameter with the place (``messages[1].content``)."""
    if not isinstance(messages, list) or not messages:
        missing = messages is None
        message = '"messages" is missing.' if missing else "messages is a list of at least one message."
        raise BadRequest(
            message, code="request.missing" if missing else None, param="messages", mend='Send [{"role": "user", "content": "…"}].'
        )
    return tuple(_turn(each, n) for n, each in enumerate(messages))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _turn(message: object, n: int) -> RawTurn:
    place = f"messages[{n}]"
    if not isinstance(message, dict):
        words = "A message is an object with a role and content."
        raise BadRequest(words, param=place, mend='Send {"role": "user", "content": "…"}.')
    role = message.get("role")  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    if not isinstance(role, str) or role not in ROLES:
        words = f"The role is none of {', '.join(ROLES)}."
        raise BadRequest(words, param=f"{place}.role", mend="Results of tools and functions are not taken here.")
    for name, value in message.items():  # pyright: ignore[reportUnknownVariableType]
        if name not in _FIELDS and value not in _EMPTY:
            words = "This part of a message is not supported, and it is refused rather than dropped."
            raise UnsupportedParameter(words, param=f"{place}.{_shown(name)}", mend="Leave it out.")  # pyright: ignore[reportUnknownArgumentType]
    return RawTurn(ROLES[role], RawText(_content(message.get("content"), f"{place}.content"), Origin.PROMPT, n))  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]


def _content(content: object, place: str) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not content:
        words = f"{_said(content)} stands here, but text is wanted."
        raise BadRequest(words, param=place, mend='Send a string, or a list of {"type": "text", "text": "…"}.')
    return "\n".join(_part(each, f"{place}[{n}]") for n, each in enumerate(content))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _part(part: object, place: str) -> str:
    kind = part.get("type") if isinstance(part, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    if not isinstance(part, dict) or not isinstance(kind, str):
        words = "A part of content is an object with a type."
        raise BadRequest(words, param=place, mend='Send {"type": "text", "text": "…"}.')
    if kind != "text":
        words = "Only text parts are taken; no deployment here reads images, sound or files."
        raise UnsupportedParameter(words, param=f"{place}.type", mend='Send {"type": "text", "text": "…"}.')
    text = part.get("text")  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    if not isinstance(text, str):
        words = f"{_said(text)} stands here, but text is wanted."  # pyright: ignore[reportUnknownArgumentType]
        raise BadRequest(words, param=f"{place}.text", mend="Send a string.")
    extra = next((str(name) for name, value in part.items() if name not in {"type", "text"} and value not in _EMPTY), None)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if extra is not None:
        words = "This part of a text part is not supported, and it is refused rather than dropped."
        raise UnsupportedParameter(words, param=f"{place}.{_shown(extra)}", mend="Leave it out.")
    return text


def _said(value: object) -> str:
    """What kind of thing stands where text should: never the thing itself."""
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "true or false"),
        ((int, float), "a number"),
        (str, "a text"),
        (list, "an empty list"),
        (dict, "an object"),
    )
    return (
        next((word for kind, word in kinds if isinstance(value, kind)), "nothing")[:1].upper()
        + next((word for kind, word in kinds if isinstance(value, kind)), "nothing")[1:]
    )


def _shown(name: object) -> str:
    return "".join(each if each.isprintable() else "?" for each in str(name)[:64])
