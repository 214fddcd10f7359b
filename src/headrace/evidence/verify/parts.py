"""Reading JSON that somebody else wrote: what is missing, of another type, or stands twice is unreadable, and never guessed at."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from headrace.evidence.verify.notes import Broken, Unreadable, VerifierKey, read_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class Link:
    """The outcome of one check."""

    name: str
    holds: bool
    why: str


def link(name: str, check: Callable[[], str]) -> Link:
    """Run one check; what it says when it holds, or why it does not."""
    try:
        return Link(name, holds=True, why=_plain(check()))
    except Broken as broken:
        return Link(name, holds=False, why=_plain(str(broken)))


def _plain(why: str) -> str:
    """What a file says of itself may be quoted, but steers no terminal and begins no line of the report."""
    return "".join(each if each.isprintable() else "?" for each in why)


def string(parts: Mapping[str, object], name: str) -> str:
    """A text. Raises Unreadable."""
    value = parts.get(name)
    if not isinstance(value, str):
        msg = f"{name} is not a text"
        raise Unreadable(msg)
    if not value.isascii() and re.search(r"[\ud800-\udfff]", value):
        msg = f"{name} is not Unicode: it holds half of a surrogate pair"
        raise Unreadable(msg)
    return value


def integer(parts: Mapping[str, object], name: str) -> int:
    """A whole number. Raises Unreadable."""
    value = parts.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        msg = f"{name} is not a whole number"
        raise Unreadable(msg)
    return value


def thing(parts: Mapping[str, object], name: str) -> Mapping[str, object]:
    """An object. Raises Unreadable."""
    value = parts.get(name)
    if not isinstance(value, dict):
        msg = f"{name} is not an object"
        raise Unreadable(msg)
    return cast("dict[str, object]", value)


def things(parts: Mapping[str, object], name: str) -> list[object]:
    """A list. Raises Unreadable."""
    value = parts.get(name)
    if not isinstance(value, list):
        msg = f"{name} is not a list"
        raise Unreadable(msg)
    return cast("list[object]", value)


def read_bundle(path: Path) -> Mapping[str, object]:
    """A file that holds one JSON object. Raises Unreadable, also when a name stands twice: other readers may take the other one."""
    try:
        return parsed(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        msg = f"{path} cannot be read as JSON ({why(error)})"
        raise Unreadable(msg) from error
    except Unreadable as error:
        msg = f"{path} is not a bundle"
        raise Unreadable(msg) from error


def parsed(text: str) -> Mapping[str, object]:
    """A JSON object. Raises ValueError, RecursionError; Unreadable when it is JSON and no object."""
    found = cast("object", json.loads(text, object_pairs_hook=_once))
    if not isinstance(found, dict):
        msg = "it is not an object"
        raise Unreadable(msg)
    return cast("dict[str, object]", found)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        msg = "a name stands twice in one object"
        raise ValueError(msg)
    return found


def keys_of(*given: str) -> list[VerifierKey]:
    """Keys, each given as itself or as a file that holds one or more, a line each (``#`` begins a remark). Raises Unreadable."""
    return [key for each in given for key in _keys(each)]


def key_of(given: str) -> VerifierKey:
    """The first of them. Raises Unreadable."""
    return keys_of(given)[0]


def _keys(given: str) -> list[VerifierKey]:
    if re.fullmatch(r"[^+\s]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+", given.strip()):
        return [read_key(given)]
    try:
        lines = [line.strip() for line in Path(given).read_text(encoding="utf-8").splitlines()]
        found = [read_key(line) for line in lines if line and not line.startswith("#")]
    except (OSError, ValueError) as error:
        msg = f"no key can be read from {given} ({why(error)})"
        raise Unreadable(msg) from error
    if not found:
        msg = f"no key can be read from {given} (it holds none)"
        raise Unreadable(msg)
    return found


def why(error: Exception) -> str:
    """What the system says."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
