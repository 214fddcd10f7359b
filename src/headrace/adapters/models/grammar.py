"""JSON Schemas that the embedded engine keeps to, and those that it would only seem to.

llama.cpp turns a schema into a grammar and passes over, in silence, what a grammar of its kind cannot say (``multipleOf``, ``not``, most
patterns…). An answer would look right and not be. So a schema is read here first, and refused by name and place when any keyword in it
would not be kept. What is left is kept always: tests draw answers at random from the engine and validate them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn, TypeAlias, cast

from headrace.core.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

Schema: TypeAlias = "Mapping[str, object]"

MOST_REPETITIONS = 2000
"""llama.cpp takes no grammar that repeats a part more often."""
NEVER_KEPT = (
    "not", "if", "then", "else", "patternProperties", "propertyNames", "dependentRequired", "dependentSchemas", "dependencies",
    "contains", "minContains", "maxContains", "multipleOf", "unevaluatedProperties", "unevaluatedItems", "additionalItems",
    "$dynamicRef", "$recursiveRef", "$anchor", "$dynamicAnchor",
)  # fmt: skip
"""Keywords of JSON Schema that demand something and would be passed over."""
_NOTHING = {"uniqueItems": False, "minProperties": 0, "maxProperties": None}
"""More of them, and the value at which they demand nothing."""
_LONGEST_CHAIN = 16
"""References to references."""
_STRING = ("minLength", "maxLength", "pattern")
_RANGE = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_OBJECT = ("properties", "required", "additionalProperties")
_ARRAY = ("items", "prefixItems", "minItems", "maxItems")
_DEMANDS = frozenset({"type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", *_STRING, *_RANGE, *_OBJECT, *_ARRAY})
_SHAPED = frozenset({"date", "time", "date-time", "uuid", "uuid1", "uuid2", "uuid3", "uuid4", "uuid5"})
"""Formats that the engine writes; any other is an annotation, as the standard has it."""
_TYPES: Mapping[str, Callable[[object], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list),
}
_PLAIN = r"[A-Za-z0-9 _,:;/@#%&=<>!~'\u00a1-\ud7ff-]"
_ESCAPED = r"\\[.+*?()\[\]{}|^$/-]"
_CLASS = rf"\[(?:{_PLAIN}|[.+*?()$])+\]"
_TIMES = r"(?:[*+?]|\{[0-9]{1,4}(?:,(?:[0-9]{1,4})?)?\})?"
_PATTERN = re.compile(rf"\^(?:(?:{_PLAIN}|{_ESCAPED}|{_CLASS}|\)){_TIMES}|\((?:\?:)?|\|)*\$")
"""Patterns that a grammar can say inside a JSON string: anchored, without escapes such as \\d, ``.``, negated classes, quotes."""


def require_kept(schema: Schema) -> None:
    """Raises BadRequest (``request.unsupported_schema``), with the place, for what would not be kept."""
    _Reading(schema).read(schema, "#")


class _Reading:
    def __init__(self, root: Schema) -> None:
        self._root = root

    def read(self, schema: object, place: str) -> None:
        if not isinstance(schema, Mapping):
            _refuse(place, "a schema that is no object", "Write {} for anything.")
        form: Schema = schema  # pyright: ignore[reportUnknownVariableType]
        for keyword in form:
            if keyword in NEVER_KEPT or (keyword in _NOTHING and form[keyword] != _NOTHING[keyword]):
                _refuse(f"{place}/{keyword}", f'"{keyword}"', "Leave it out, and check the answer for it.")
        self._definitions(form, place)
        for keyword, alone in (("$ref", ()), ("const", ("type",)), ("enum", ("type",)), ("anyOf", ()), ("oneOf", ()), ("allOf", ())):
            if keyword in form:
                self._alone(form, keyword, alone, place)
                return
        self._typed(form, place)

    def _definitions(self, form: Schema, place: str) -> None:
        for keyword in ("$defs", "definitions"):
            held = form.get(keyword, {})
            for name, each in _object(held, f"{place}/{keyword}").items():
                self.read(each, f"{place}/{keyword}/{_escaped(name)}")

    def _alone(self, form: Schema, keyword: str, beside: Collection[str], place: str) -> None:
        """A keyword that decides by itself: what stands beside it would be passed over."""
        for other in form:
            if other in _DEMANDS and other != keyword and other not in beside:
                _refuse(f"{place}/{other}", f'"{other}" beside "{keyword}"', f'Write it into what "{keyword}" names.')
        value = form[keyword]
        if keyword == "$ref":
            self._ref(value, f"{place}/$ref")
        elif keyword in {"const", "enum"}:
            self._values([value] if keyword == "const" else value, form.get("type"), f"{place}/{keyword}")
        else:
            self._alternatives(value, keyword, f"{place}/{keyword}")

    def _ref(self, value: object, place: str) -> None:
        if not isinstance(value, str) or not (value == "#" or value.startswith("#/")):
            _refuse(place, "a reference to another document", "Put the schema under $defs and refer to it there.")
        if self._target(value) is None:
            _refuse(place, "a reference to nothing", "Refer to a schema under $defs.")
        if "$ref" in self._resolved({"$ref": value}):
            _refuse(place, "a reference that leads to itself", "Let it lead to a schema.")

    def _target(self, reference: str) -> Schema | None:
        """What a reference names, when it is there and an object."""
        target = self._root
        for part in reference.split("/")[1:]:
            found = target.get(part.replace("~1", "/").replace("~0", "~"))
            if not isinstance(found, Mapping):
                return None
            target = cast("Schema", found)
        return target

    def _values(self, values: object, kind: object, place: str) -> None:
        if not isinstance(values, list) or not values:
            _refuse(place, "no value at all", "Name at least one.")
        kinds = _kinds(kind, place)
        for value in cast("list[object]", values):
            if kinds and not any(_TYPES[each](value) for each in kinds):
                _refuse(place, "a value that is not of the type", "Make type and values agree.")

    def _alternatives(self, value: object, keyword: str, place: str) -> None:
        if not isinstance(value, list) or not value:
            _refuse(place, "no alternative", "Name at least one.")
        listed = cast("list[object]", value)
        if keyword == "allOf" and len(listed) > 1:
            _refuse(place, "several schemas at one time", "Write them as one.")
        for n, each in enumerate(listed):
            self.read(each, f"{place}/{n}")
        if keyword == "oneOf" and not _apart([self._resolved(_object(each, place)) for each in listed]):
            _refuse(place, "alternatives that one value could both satisfy", 'Write "anyOf", or give each a "const" of its own.')

    def _resolved(self, form: Schema) -> Schema:
        """Where a reference leads; still one when it leads nowhere."""
        for _ in range(_LONGEST_CHAIN):
            target = self._target(str(form["$ref"])) if "$ref" in form else None
            if target is None:
                break
            form = target
        return form

    def _typed(self, form: Schema, place: str) -> None:
        kinds = _kinds(form.get("type"), f"{place}/type")
        if not kinds:
            kinds = frozenset(kind for kind, words in (("object", _OBJECT), ("array", _ARRAY)) if any(word in form for word in words))
        for words, kind in ((_STRING, "string"), (_RANGE, "integer"), (_OBJECT, "object"), (_ARRAY, "array")):
            for word in words:
                if word in form and kind not in kinds:
                    _refuse(f"{place}/{word}", f'"{word}" without the type {kind}', f'Write "type": "{kind}" beside it.')
        if "number" in kinds and (found := next((word for word in _RANGE if word in form), None)):
            _refuse(f"{place}/{found}", f'"{found}" of a number', 'Write "type": "integer", or leave it out.')
        _text(form, place)
        _range(form, place)
        self._fields(form, place)
        self._items(form, place)

    def _fields(self, form: Schema, place: str) -> None:
        fields = _object(form.get("properties", {}), f"{place}/properties")
        for name, each in fields.items():
            self.read(each, f"{place}/properties/{_escaped(name)}")
        required = form.get("required", [])
        if not isinstance(required, list) or any(each not in fields for each in map(str, cast("list[object]", required))):
            _refuse(f"{place}/required", "a required name that properties do not have", "Describe it under properties.")
        others = form.get("additionalProperties")
        if not (others is None or isinstance(others, bool)):
            self.read(others, f"{place}/additionalProperties")

    def _items(self, form: Schema, place: str) -> None:
        least, most = _bounds(form, "minItems", "maxItems", place)
        if "prefixItems" in form:
            listed = form["prefixItems"]
            if not isinstance(listed, list) or "items" in form:
                _refuse(f"{place}/prefixItems", '"prefixItems" with "items"', "Leave items out: there are as many as prefixItems has.")
            for n, each in enumerate(cast("list[object]", listed)):
                self.read(each, f"{place}/prefixItems/{n}")
            if not least <= len(cast("list[object]", listed)) <= most:
                _refuse(f"{place}/prefixItems", "another number of items", "There are as many as prefixItems has.")
        elif "items" in form:
            self.read(form["items"], f"{place}/items")


def _kinds(value: object, place: str) -> frozenset[str]:
    listed = cast("list[object]", value) if isinstance(value, list) else [] if value is None else [value]
    for each in listed:
        if not isinstance(each, str) or each not in _TYPES:
            _refuse(place, "a type that JSON does not have", f"Write one of {', '.join(_TYPES)}.")
    return frozenset(str(each) for each in listed)


def _text(form: Schema, place: str) -> None:
    _bounds(form, "minLength", "maxLength", place)
    pattern = form.get("pattern")
    shaped = form.get("format") in _SHAPED
    beside = [word for word in ("minLength", "maxLength") if word in form]
    if (shaped or pattern is not None) and beside:
        _refuse(f"{place}/{beside[0]}", f'"{beside[0]}" beside a pattern or format', "Leave one of them out.")
    if pattern is None:
        return
    if shaped:
        _refuse(f"{place}/format", '"format" beside "pattern"', "Leave one of them out.")
    if not isinstance(pattern, str) or not _PATTERN.fullmatch(pattern) or not _compiles(pattern):
        _refuse(
            f"{place}/pattern",
            "this pattern",
            r"Begin with ^, end with $, write [0-9] for \d and [A-Za-z0-9_] for \w; no dot, no negated class, no quotation mark.",
        )
    if any(int(each) > MOST_REPETITIONS for each in re.findall(r"(?<=[{,])[0-9]+", pattern)):
        _refuse(f"{place}/pattern", f"more than {MOST_REPETITIONS} repetitions", "Ask for fewer.")


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _range(form: Schema, place: str) -> None:
    """The bounds of an integer: whole, and with a number between them."""
    for word in _RANGE:
        if word in form and not _TYPES["integer"](form[word]):
            _refuse(f"{place}/{word}", f'"{word}" that is not a whole number', "Write a whole number.")
    lower = [cast("int", form["minimum"])] if "minimum" in form else []
    lower += [cast("int", form["exclusiveMinimum"]) + 1] if "exclusiveMinimum" in form else []
    upper = [cast("int", form["maximum"])] if "maximum" in form else []
    upper += [cast("int", form["exclusiveMaximum"]) - 1] if "exclusiveMaximum" in form else []
    if lower and upper and max(lower) > min(upper):
        _refuse(place, "bounds that no number satisfies", "Let the least be at most the most.")
    for both in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if all(word in form for word in both):
            _refuse(f"{place}/{both[1]}", f'"{both[1]}" beside "{both[0]}"', "Leave one of them out.")


def _bounds(form: Schema, least: str, most: str, place: str) -> tuple[int, int]:
    for word in (least, most):
        value = form.get(word, 0)
        if not _TYPES["integer"](value) or not 0 <= cast("int", value) <= MOST_REPETITIONS:
            _refuse(f"{place}/{word}", f'"{word}" beyond 0 to {MOST_REPETITIONS}', "Ask for fewer.")
    low, high = cast("int", form.get(least, 0)), cast("int", form.get(most, MOST_REPETITIONS))
    if low > high:
        _refuse(place, f'"{least}" above "{most}"', "Let the least be at most the most.")
    return low, high


def _apart(forms: list[Schema]) -> bool:
    """No value satisfies two of them: each has another type, or another constant under a name that all of them require."""
    kinds = [_kinds(form.get("type"), "") for form in forms]
    if all(kinds) and all(one.isdisjoint(other) for n, one in enumerate(kinds) for other in kinds[:n]):
        return not any({"integer", "number"} <= one | other for n, one in enumerate(kinds) for other in kinds[:n])
    if not all("required" in form for form in forms):
        return False
    names = frozenset[str].intersection(*(frozenset(cast("list[str]", form["required"])) for form in forms))
    return any(_told_apart([_constants(form, name) for form in forms]) for name in names)


def _constants(form: Schema, name: str) -> list[object]:
    field = cast("Mapping[str, Schema]", form["properties"])[name]
    return [field["const"]] if "const" in field else list(cast("list[object]", field.get("enum", [])))


def _told_apart(values: list[list[object]]) -> bool:
    every = [repr(each) for some in values for each in some]
    return all(values) and len(set(every)) == len(every)


def _object(value: object, place: str) -> Schema:
    if not isinstance(value, Mapping):
        _refuse(place, "what is no object", "Write a name and a schema for each.")
    return value  # pyright: ignore[reportUnknownVariableType]


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _refuse(place: str, what: str, mend: str) -> NoReturn:
    message = f"The model cannot follow this JSON Schema: it would not keep to {what} at {place}."
    raise BadRequest(message, code="request.unsupported_schema", param="response_format", mend=mend)
