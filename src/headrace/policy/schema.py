"""The published Cedar schema: the one that every policy and every question is checked against."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE: Final = "schema.cedarschema"
PUBLISHED: Final = "policies.cedarschema"
"""Its name among the published schemas."""

_ENTITY = re.compile(r"^entity (?P<name>\w+)(?: in \[[^\]]*\])?(?: \{(?P<attributes>[^}]*)\})?;", re.MULTILINE)
_ACTION = re.compile(
    r"^action (?P<name>\w+) appliesTo \{ principal: \[[^\]]*\], resource: \[(?P<resources>[^\]]*)\]"
    r"(?:, context: \{(?P<attributes>[^}]*)\})? \};",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Words:
    """What there is to name, for a message about what is not there."""

    attributes: Mapping[str, tuple[str, ...]]
    """By entity type."""
    contexts: Mapping[str, tuple[str, ...]]
    """Names in the context, by action."""
    resources: Mapping[str, tuple[str, ...]]
    """Entity types that an action is done to."""


def text() -> str:
    """The schema as it is published."""
    return files("headrace.policy").joinpath(FILE).read_text(encoding="utf-8")


@cache
def spoken() -> Words:
    """The names in the schema."""
    entities = {each["name"]: _names(each["attributes"]) for each in _ENTITY.finditer(text())}
    actions = list(_ACTION.finditer(text()))
    return Words(
        attributes=entities,
        contexts={each["name"]: _names(each["attributes"]) for each in actions},
        resources={each["name"]: tuple(each["resources"].split(", ")) for each in actions},
    )


def publish(folder: Path) -> Path:
    """Write the schema into a folder that is there; the same content is left alone. Gives its path."""
    path, content = folder / PUBLISHED, text()
    if not path.exists() or path.read_text(encoding="utf-8") != content:
        path.write_text(content, encoding="utf-8")
    return path


def _names(attributes: str | None) -> tuple[str, ...]:
    return tuple(part.split(":")[0].strip().removesuffix("?") for part in attributes.split(",")) if attributes else ()
