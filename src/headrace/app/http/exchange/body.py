"""A request's body as JSON, read strictly: what two readers could take for two different things is refused, with its place."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias, cast

from headrace.core.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

Json: TypeAlias = "Mapping[str, object]"

DEEPEST: Final = 64
"""Levels of nesting in a body; a JSON Schema has the most."""
_LONGEST_PLACE = 128
_SURROGATE = re.compile("[\ud800-\udfff]")


def parse(body: bytes) -> Json:
    """A JSON object. Raises BadRequest for what is not UTF-8, not JSON, not an object, has a name twice, nests too deep, or holds
    numbers or characters that other readers would take for something else."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _not_json(f"Byte {error.start + 1} of the body is not UTF-8.", "Encode the body as UTF-8.") from None
    try:
        found: object = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
    except json.JSONDecodeError as error:
        raise _not_json(f"The body is not JSON: line {error.lineno}, column {error.colno}: {error.msg}.", "Send one JSON object.") from None
    except RecursionError:
        raise _too_deep("") from None
    except ValueError:
        raise _not_json("The body has a number of too many digits.", "Send numbers of at most 4,300 digits.") from None
    fields = as_object(found)
    if fields is None:
        message = "The body is JSON, but not an object."
        raise BadRequest(message, code="request.invalid_json", mend='Send {"model": …, "messages": […]}.')
    if b"\\u" in body or body.count(b"{") + body.count(b"[") > DEEPEST:
        _sound(fields, "", DEEPEST)
    return fields


def as_object(value: object) -> Json | None:
    """A parsed value when it is a JSON object."""
    return value if isinstance(value, dict) else None  # pyright: ignore[reportUnknownVariableType] - names are strings in JSON


def as_array(value: object) -> list[object] | None:
    """A parsed value when it is a JSON array."""
    return cast("list[object]", value) if isinstance(value, list) else None


def shown(name: str) -> str:
    """A name that a client chose, as it may be shown: short, and plain."""
    return "".join(each if each.isprintable() else "?" for each in name[:64])


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        message = "A name stands twice in one object of the body, so it is not certain what is meant."
        raise BadRequest(message, code="request.invalid_json", param=shown(twice), mend="Send it once.")
    return found


def _constant(word: str) -> NoReturn:
    raise _not_json(f"{word} is not a JSON number.", "Send a finite number.")


def _float(digits: str) -> float:
    found = float(digits)
    if not math.isfinite(found):
        raise _not_json("The body has a number that is too large.", "Send a number below 1.8e308.")
    return found


def _sound(value: object, place: str, left: int) -> None:
    """Raises BadRequest for a lone surrogate or a NUL in any text, and for what nests too deep."""
    if isinstance(value, str):
        if "\0" in value or (not value.isascii() and _SURROGATE.search(value)):
            message = "This text has a character that no text has (NUL, or half of a surrogate pair)."
            raise BadRequest(message, code="request.invalid_text", param=place or None, mend="Remove it.")
        return
    fields, items = as_object(value), as_array(value)
    if fields is None and items is None:
        return
    if left == 0:
        raise _too_deep(place)
    for name, each in (fields or {}).items():
        _sound(name, place, left)
        _sound(each, f"{place}.{shown(name)}" if place else shown(name), left - 1)
    for n, each in enumerate(items or []):
        _sound(each, f"{place}[{n}]", left - 1)


def _not_json(message: str, mend: str) -> BadRequest:
    return BadRequest(message, code="request.invalid_json", mend=mend)


def _too_deep(place: str) -> BadRequest:
    return BadRequest(
        f"The body nests deeper than {DEEPEST} levels.", code="request.too_deep", param=place[:_LONGEST_PLACE] or None, mend="Flatten it."
    )
