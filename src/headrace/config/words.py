"""What pydantic says about a form, in words and at the place in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from headrace.config.faults import Fault, did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pydantic_core import ErrorDetails

    from headrace.config.located import Node

_SHAPES = {
    "mapping": "words with values",
    "list": "a list",
    "text": "text",
    "yes": "true or false",
    "whole": "a whole number",
    "number": "a number",
}
_WANTED = {
    "string_type": "text",
    "int_type": "whole",
    "float_type": "number",
    "bool_type": "yes",
    "tuple_type": "list",
    "list_type": "list",
    "dict_type": "mapping",
    "model_type": "mapping",
    "model_attributes_type": "mapping",
}


def faults_of(error: ValidationError, path: str, root: Node, form: type[BaseModel]) -> list[Fault]:
    """Every fault that the form found in a file, each at the value (or the word) that is meant."""
    details = error.errors(include_url=False)
    return [_fault(detail, path, root, form) for detail in details if not _follows(detail, details)]


def _follows(detail: ErrorDetails, details: Sequence[ErrorDetails]) -> bool:
    """Whether a list is only too short because what stands in it is wrong."""
    loc = detail["loc"]
    return detail["type"] == "too_short" and any(other["loc"][: len(loc)] == loc for other in details if other is not detail)


def at(root: Node, loc: Sequence[int | str]) -> tuple[Node, int]:
    """The node that `loc` leads to, as far as it leads, and how many of its steps were taken."""
    node = root
    for taken, step in enumerate(loc):
        found = node.items[step] if isinstance(step, int) and node.items is not None and step < len(node.items) else None
        if found is None and not isinstance(step, int):
            found = node.member(step)
        if found is None:
            return node, taken
        node = found
    return node, len(loc)


def _fault(detail: ErrorDetails, path: str, root: Node, form: type[BaseModel]) -> Fault:
    loc, kind = detail["loc"], detail["type"]
    node, _ = at(root, loc)
    if kind == "extra_forbidden":
        parent, _ = at(root, loc[:-1])
        node = parent.word(str(loc[-1])) or node
        return Fault(path, node.line, node.column, *_unknown_word(str(loc[-1]), _form_at(form, loc[:-1])))
    if kind == "missing":
        word = str(loc[-1])
        node = (at(root, loc[:-2])[0].word(str(loc[-2])) if len(loc) > 1 else None) or node
        return Fault(path, node.line, node.column, f'"{word}" is missing{_within(loc)}', _describe(_form_at(form, loc[:-1]), word))
    message, mend = _sentence(kind, detail.get("ctx") or {}, detail["input"], detail["msg"])
    return Fault(path, node.line, node.column, f"{_subject(loc)}{message}", mend)


def _unknown_word(word: str, form: type[BaseModel] | None) -> tuple[str, str]:
    known = [field.alias or name for name, field in form.model_fields.items()] if form is not None else []
    alike = did_you_mean(word, known)
    mend = f'Did you mean "{alike}"?' if alike else f"Known here: {listed(known, most=20)}."
    return f'unknown word "{word}"', mend


def _form_at(form: type[BaseModel], loc: Sequence[int | str]) -> type[BaseModel] | None:
    """The form of the map that `loc` leads to."""
    current: type[BaseModel] | None = form
    for step in loc:
        if isinstance(step, int) or current is None:
            continue
        field = next((field for name, field in current.model_fields.items() if (field.alias or name) == step), None)
        current = _form_in(field.annotation) if field is not None else None
    return current


def _form_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401  an annotation may be anything
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for found in map(_form_in, get_args(annotation)) if found is not None), None)


def _describe(form: type[BaseModel] | None, word: str) -> str:
    if form is None:
        return ""
    field = next((field for name, field in form.model_fields.items() if (field.alias or name) == word), None)
    return f"{word}: {field.description}" if field is not None and field.description else ""


def _within(loc: Sequence[int | str]) -> str:
    words = [step for step in loc[:-1] if not isinstance(step, int)]
    return f' under "{words[-1]}"' if words else ""


def _subject(loc: Sequence[int | str]) -> str:
    words = [step for step in loc if not isinstance(step, int) and step != "[key]"]
    return f'"{words[-1]}": ' if words else ""


def _sentence(kind: str, context: Mapping[str, Any], given: object, fallback: str) -> tuple[str, str]:
    if kind in _WANTED:
        wanted = _SHAPES[_WANTED[kind]]
        return f"{_given(given)} stands here, but {wanted} is wanted", _shape_mend(_WANTED[kind], given)
    special = _SENTENCES.get(kind)
    return special(context, given) if special is not None else (fallback, "")


def _given(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"the number {value}" if isinstance(value, (int, float)) else f'the text "{_short(str(value))}"'


def _short(text: str, most: int = 60) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def _shape_mend(wanted: str, given: object) -> str:
    if wanted == "text" and isinstance(given, (bool, int, float)):
        return f'Quote it: "{str(given).lower() if isinstance(given, bool) else given}".'
    if wanted == "list" and isinstance(given, str):
        return f"Write it as a list: [{_short(given)}]."
    if wanted in {"whole", "number"} and isinstance(given, str):
        return "Write the number without quotes."
    return ""


def _choice(context: Mapping[str, Any], given: object) -> tuple[str, str]:
    expected = str(context.get("expected", "")).replace("'", "").replace(" or ", ", ")
    alike = did_you_mean(str(given), expected.split(", "))
    return f'"{_short(str(given))}" is none of: {expected}', f'Did you mean "{alike}"?' if alike else ""


def _pattern(context: Mapping[str, Any], given: object) -> tuple[str, str]:
    pattern = str(context.get("pattern", ""))
    shown = f'"{_short(str(given))}"'
    if pattern.startswith("^[a-z0-9]["):
        return (
            f"{shown} is not a name",
            "A name has lower-case letters, digits, dot, dash and underscore, begins with a letter or digit, at most 63.",
        )
    if pattern.startswith("^(env:"):
        return (
            "this does not say where the secret is",
            "Write env:NAME or file:/path. A file of the workspace never holds the secret itself.",
        )
    if pattern.startswith("^env:"):
        return "this does not name an environment variable", "Write env:NAME. A file never holds the key itself."
    meant = {
        "^https?://": "an address that begins with http:// or https://",
        "^[A-Z]{3}$": "a currency of three capital letters, like EUR",
        "^[0-9a-f]{64}$": "a SHA-256 in 64 hexadecimal digits",
        "^(pypi:|file:|https:)": "a source: pypi:PROJECT==VERSION#path, file:/path or https://…",
    }.get(pattern, f"of the form {pattern}")
    return f"{shown} is not {meant}", ""


def _plain_value_error(context: Mapping[str, Any], given: object) -> tuple[str, str]:
    del given
    message, _, mend = str(context.get("error", "")).partition("; ")
    return message, f"{mend[:1].upper()}{mend[1:]}." if mend else ""


_SENTENCES: Mapping[str, Callable[[Mapping[str, Any], object], tuple[str, str]]] = {
    "literal_error": _choice,
    "enum": _choice,
    "string_pattern_mismatch": _pattern,
    "value_error": _plain_value_error,
    "too_short": lambda context, _: (f"at least {context.get('min_length')} must stand here", ""),
    "string_too_short": lambda _context, _: ("nothing stands here", "Write at least one character."),
    "greater_than_equal": lambda context, given: (f"{given} is too small: at least {context.get('ge')}", ""),
    "less_than_equal": lambda context, given: (f"{given} is too large: at most {context.get('le')}", ""),
}
