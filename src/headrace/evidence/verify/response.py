"""An answer as it came over the API: its text or vectors, the salts that open the record's commitments, and the receipt it came with."""

from __future__ import annotations

import base64
import struct
from typing import TYPE_CHECKING, cast

from headrace.evidence.verify.notes import Unreadable
from headrace.evidence.verify.parts import integer, string, thing, things

if TYPE_CHECKING:
    from collections.abc import Mapping

CHAT = "chat.completion"
VECTORS = "list"


def is_response(parts: Mapping[str, object]) -> bool:
    """Whether it is an answer, and no bundle."""
    return "headrace" in parts and "record" not in parts


def request_of(response: Mapping[str, object]) -> str:
    """Whose proof it needs. Raises Unreadable."""
    return string(thing(response, "headrace"), "request")


def with_response(parts: Mapping[str, object], response: Mapping[str, object]) -> Mapping[str, object]:
    """A bundle's parts, with text and salts from the answer. Raises Unreadable when the answer is of no form that is known, or the bundle
    has a text or salts of its own."""
    if "text" in parts or "salts" in parts:
        msg = "a text or salts stand beside an answer that has its own"
        raise Unreadable(msg)
    text = _text_of(response)
    return {**parts, **({} if text is None else {"text": text}), "salts": thing(receipt_of(response), "salts")}


def receipt_of(response: Mapping[str, object]) -> Mapping[str, object]:
    """The receipt that the answer came with. Raises Unreadable."""
    return thing(thing(response, "headrace"), "receipt")


def _text_of(response: Mapping[str, object]) -> str | None:
    """What the record commits to: an answer's text, or vectors as base64 of their float32 in little-endian order, one a line; None for an
    answer of another kind, whose record commits to no more than its prompt."""
    kind = response.get("object")
    if kind == CHAT:
        (choice,) = _objects(response, "choices", 1)
        return string(thing(choice, "message"), "content")
    if kind == VECTORS:
        rows = _objects(response, "data", None)
        if [integer(each, "index") for each in rows] != list(range(len(rows))):
            msg = "the vectors are not in the order of their texts"
            raise Unreadable(msg)
        return "\n".join(_row(each) for each in rows)
    return None


def _objects(parts: Mapping[str, object], name: str, count: int | None) -> list[Mapping[str, object]]:
    found = things(parts, name)
    if not all(isinstance(each, dict) for each in found) or count not in {None, len(found)}:
        msg = f"{name} is not what an answer has there"
        raise Unreadable(msg)
    return [cast("dict[str, object]", each) for each in found]


def _row(data: Mapping[str, object]) -> str:
    if isinstance(data.get("embedding"), str):
        return string(data, "embedding")
    numbers = things(data, "embedding")
    try:
        return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
    except (struct.error, OverflowError) as error:
        msg = "an embedding is not of numbers"
        raise Unreadable(msg) from error
