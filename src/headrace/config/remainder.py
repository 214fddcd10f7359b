"""What is left of a form that has faults: enough to look up what the rest of it refers to, so that one fault does not hide another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.config.located import Plain

_ROUNDS = 3
"""Rounds of taking wrong words away: what was wrong inside may leave its holder wrong."""


def remainder(data: Plain, form: type[BaseModel], error: ValidationError) -> BaseModel | None:
    """The form without the words that are wrong, so that what the others refer to can still be looked up; None when too little is left."""
    left = data
    found = error
    for _ in range(_ROUNDS):
        for detail in found.errors(include_url=False, include_input=False, include_context=False):
            loc = detail["loc"][:-1] if detail["type"] == "missing" else detail["loc"]
            left = _without(left, loc)
        try:
            return form.model_validate(left, by_alias=True, by_name=False)
        except ValidationError as again:
            found = again
    return None


def _without(data: Plain, loc: Sequence[int | str]) -> Plain:
    """The data without the innermost word on the way to `loc`. Lists stay whole or go whole, so that places in them keep their meaning."""
    words = [depth for depth, step in enumerate(loc) if not isinstance(step, int)]
    for depth in reversed(words):
        holder = _reach(data, loc[:depth])
        if isinstance(holder, dict) and loc[depth] in holder:
            return _replaced(data, loc[:depth], {word: value for word, value in holder.items() if word != loc[depth]})
    return data


def _reach(data: Plain, loc: Sequence[int | str]) -> Plain:
    for step in loc:
        if isinstance(data, list):
            data = data[step] if isinstance(step, int) and step < len(data) else None
        else:
            data = data.get(step) if isinstance(data, dict) and isinstance(step, str) else None
    return data


def _replaced(data: Plain, loc: Sequence[int | str], value: Plain) -> Plain:
    if not loc:
        return value
    step, rest = loc[0], loc[1:]
    if isinstance(step, int) and isinstance(data, list):
        return [_replaced(each, rest, value) if number == step else each for number, each in enumerate(data)]
    if not isinstance(step, int) and isinstance(data, dict):
        return {word: _replaced(each, rest, value) if word == step else each for word, each in data.items()}
    return data
