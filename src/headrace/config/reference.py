"""The reference of the workspace's files, made from their forms: what is documented is what is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, cast

import msgspec

from headrace.config.schemas import FORMS, schema

Json: TypeAlias = "Mapping[str, object]"

FILES = {
    "headrace": "headrace.yaml",
    "people": "people.yaml",
    "service": "services/NAME.yaml",
    "deployment": "deployments/NAME.yaml",
    "source": "sources/NAME.yaml",
    "model": "models/NAME.yaml",
}
"""Where each form is written."""

_INTRODUCTION = """# Configuration

Every word that a workspace's files may hold. Made from the forms themselves; `headrace show --schemas` writes the same as JSON Schemas,
and `headrace check` finds what does not keep to them. A *name* has lower-case letters, digits, dot, dash and underscore, begins with a
letter or digit, and has at most 63 characters. `# yaml-language-server: $schema=…` in a file's first line lets editors complete it.
"""
_REST = """## policies/NAME.cedar

Who may do what, in [Cedar](https://www.cedarpolicy.com). A policy's id in records is the file's name and its `@id`:
`base/members-may-ask`. What no policy permits is denied.

## prompts/NAME.md

System prompts, as plain text. Only those that a service names belong to a revision.
"""


def markdown() -> str:
    """The whole page."""
    return "\n".join([_INTRODUCTION, *(_file(name) for name in FORMS), _REST])


def _file(name: str) -> str:
    whole = schema(name)
    parts = [f"## {FILES[name]}", "", _sentence(whole, FILES[name]), "", *_table(whole, whole)]
    for inner in _inner(whole, whole):
        form = _map(_map(whole.get("$defs")).get(inner))
        parts += [f"### {_title(inner)}", "", _sentence(form, ""), "", *_table(form, whole)]
    return "\n".join(parts)


def _sentence(form: Json, file: str) -> str:
    """The form's own description, without the file's name that it begins with."""
    text = str(form.get("description", "")).replace("``", "`").removeprefix(f"`{file}`: ")
    return text[:1].upper() + text[1:]


def _inner(form: Json, whole: Json) -> list[str]:
    """The forms within a form, in the order in which a reader meets them."""
    found: list[str] = []
    for word in _map(form.get("properties")).values():
        for name in _references(word):
            if name not in found:
                found.append(name)
                found += [each for each in _inner(_map(_map(whole.get("$defs")).get(name)), whole) if each not in found]
    return found


def _references(value: object) -> list[str]:
    if isinstance(value, Mapping):
        held = _map(cast("object", value))
        own = [str(held["$ref"]).rsplit("/", 1)[-1]] if "$ref" in held else []
        return own + [name for each in held.values() for name in _references(each)]
    return [name for each in _list(value) for name in _references(each)]


def _table(form: Json, whole: Json) -> list[str]:
    required = set(_list(form.get("required")))
    lines = ["| word | value | default | meaning |", "|---|---|---|---|"]
    for word, held in _map(form.get("properties")).items():
        value = _map(held)
        default = "required" if word in required else _default(value)
        lines.append(f"| `{word}` | {_kind(value, whole)} | {default} | {_cell(_meaning(value, whole))} |")
    return [*lines, ""]


def _meaning(value: Json, whole: Json) -> str:
    """The word's description; a word that only points to a form has the form's."""
    meant = _map(_map(whole.get("$defs")).get(str(value.get("$ref", "")).rsplit("/", 1)[-1]))
    return str(value.get("description") or meant.get("description", ""))


def _default(value: Json) -> str:
    default = value.get("default")
    if default is None or isinstance(default, Mapping):
        return ""
    return (
        f"`{default}`"
        if isinstance(default, str) and default
        else ""
        if default in ("", [])
        else f"`{msgspec.json.encode(default).decode()}`"
    )


def _kind(value: Json, whole: Json) -> str:
    if "$ref" in value:
        return _reference(str(value["$ref"]))
    if "allOf" in value:
        return " ".join(_kind(_map(each), whole) for each in _list(value["allOf"]))
    if "anyOf" in value:
        kinds = [_kind(_map(each), whole) for each in _list(value["anyOf"]) if _map(each).get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in value:
        return " \\| ".join(f"`{each}`" for each in _list(value["enum"]))
    if "const" in value:
        return f"`{value['const']}`"
    return _plain_kind(value, whole)


def _plain_kind(value: Json, whole: Json) -> str:
    kind = value.get("type")
    if kind == "array":
        return f"list of {_kind(_map(value.get('items')), whole)}"
    if kind == "object":
        return f"map of word to {_kind(_map(value.get('additionalProperties')), whole)}"
    if value.get("examples"):
        return f"{str(value.get('title', 'text')).lower()}, like `{_list(value['examples'])[0]}`"
    if str(value.get("pattern", "")).startswith("^[a-z0-9]["):
        return "name"
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true` or `false`"}
    return words.get(str(kind), str(kind)) + _range(value)


def _range(value: Json) -> str:
    least, most = value.get("minimum"), value.get("maximum")
    if least is not None and most is not None:
        return f", {least} to {most}"
    return f", at least {least}" if least is not None else ""


def _reference(reference: str) -> str:
    name = reference.rsplit("/", 1)[-1]
    return f"[{_title(name)}](#{_title(name).replace(' ', '-')})"


def _title(name: str) -> str:
    """``ServiceGuards`` as ``service guards``."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _map(value: object) -> Json:
    return cast("Json", value) if isinstance(value, Mapping) else {}


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []
