"""Reading JSON whose form is known but not typed: what is missing reads as empty, never as an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, cast

Json: TypeAlias = Mapping[str, object]


def map_of(value: object) -> Json:
    """The object, or an empty one."""
    return cast("Json", value) if isinstance(value, Mapping) else {}


def list_of(value: object) -> list[object]:
    """The array, or an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []


def maps_of(value: object) -> list[Json]:
    """The objects of an array; whatever else stands in it is passed over."""
    return [cast("Json", each) for each in list_of(value) if isinstance(each, Mapping)]


def names_of(value: object) -> str:
    """An array of names, in words."""
    return ", ".join(str(each) for each in list_of(value))


def facts_of(response: Json) -> Json:
    """The ``headrace`` object of an answer."""
    return map_of(response.get("headrace"))


def text_of(response: Json) -> str:
    """The text of an answer."""
    choices = maps_of(response.get("choices"))
    return str(map_of(choices[0].get("message")).get("content")) if choices else ""
