"""JSON Schemas that the embedded engine keeps to, and those that are refused, with the place. Each guards against one thing."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def field(schema: Any, **rest: Any) -> Schema:
    """An object whose one field is of this schema."""
    return {"type": "object", "properties": {"a": schema}, "required": ["a"], "additionalProperties": False, **rest}


def with_x(schema: object, x: object) -> Schema:
    """The same, beside a definition x."""
    return field(schema, **{"$defs": {"x": x}})


DIGIT: Schema = {"type": "integer", "minimum": 0, "maximum": 9}
DOG: Schema = {"type": "object", "properties": {"k": {"const": "dog"}, "barks": {"type": "boolean"}}, "required": ["k", "barks"]}
CAT: Schema = {"type": "object", "properties": {"k": {"const": "cat"}}, "required": ["k"], "additionalProperties": False}

KEPT: dict[str, Schema] = {
    "object": field({"type": "boolean"}),
    "optional fields": {
        "type": "object", "properties": {"a": {"type": "null"}, "b": DIGIT}, "required": ["b"], "additionalProperties": False,
    },
    "open object": {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]},
    "values of a schema": {"type": "object", "additionalProperties": DIGIT},
    "object without its type": {"properties": {"a": {"type": "boolean"}}, "required": ["a"]},
    "array without its type": {"items": DIGIT, "maxItems": 3},
    "odd names": {
        "type": "object", "properties": {'a b"c\\': {"type": "boolean"}, "ü": {"type": "null"}}, "required": ['a b"c\\', "ü"],
        "additionalProperties": False,
    },
    "array": field({"type": "array", "items": DIGIT, "minItems": 2, "maxItems": 3}),
    "unique: false": field({"type": "array", "items": DIGIT, "maxItems": 2, "uniqueItems": False}),
    "tuple": field({"type": "array", "prefixItems": [DIGIT, {"type": "boolean"}], "minItems": 2, "maxItems": 2}),
    "array at the root": {"type": "array", "items": {"type": "boolean"}, "maxItems": 3},
    "string at the root": {"type": "string", "maxLength": 5},
    "lengths": field({"type": "string", "minLength": 5, "maxLength": 8}),
    "date": field({"type": "string", "format": "date"}),
    "time": field({"type": "string", "format": "date-time"}),
    "uuid": field({"type": "string", "format": "uuid"}),
    "a format that is an annotation": field({"type": "string", "format": "email", "maxLength": 9}),
    "pattern": field({"type": "string", "pattern": "^[A-Z]{2}[0-9]{3,5}$"}),
    "pattern with alternatives": field({"type": "string", "pattern": "^(?:ab|cd)+x?$"}),
    "pattern with marks": field({"type": "string", "pattern": r"^a\.b\-c/\(x\)\[\]\{\}\|\^\$\+\*\?!$"}),
    "pattern with a class of marks": field({"type": "string", "pattern": "^[a-f0-9.+*?()$]{4}(-[A-F]{2,3})*$"}),
    "pattern beyond ASCII": field({"type": "string", "pattern": "^[à-ü]{3}$"}),
    "integers": field({"type": "integer", "minimum": -20, "maximum": 117}),
    "integers between": field({"type": "integer", "exclusiveMinimum": -3, "exclusiveMaximum": 4}),
    "number": field({"type": "number"}),
    "several types": field({"type": ["string", "null"], "minLength": 2, "maxLength": 4}),
    "object or nothing": {"type": ["object", "null"], "properties": {"a": {"type": "boolean"}}, "required": ["a"]},
    "enum": field({"enum": ["x", 1, None, True, {"k": [1]}]}),
    "enum of a type": field({"type": "string", "enum": ["x", "y"]}),
    "const": field({"const": 'fix"ed'}),
    "any of": field({"anyOf": [DIGIT, {"type": "string", "maxLength": 3}, {"type": "null"}]}),
    "one of types": field({"oneOf": [DIGIT, {"type": "string", "maxLength": 3}]}),
    "one of constants": field({"oneOf": [{"$ref": "#/$defs/dog"}, {"$ref": "#/$defs/cat"}]}, **{"$defs": {"dog": DOG, "cat": CAT}}),
    "one of enums": field(
        {"oneOf": [{"properties": {"k": {"enum": [n, n + 1]}}, "required": ["k"], "additionalProperties": False} for n in (1, 3)]}
    ),
    "all of one": with_x({"allOf": [{"$ref": "#/$defs/x"}]}, CAT),
    "reference": with_x({"$ref": "#/$defs/x", "description": "d", "title": "t", "default": 3}, DIGIT),
    "reference to a reference": field({"$ref": "#/definitions/y"}, definitions={"x": DIGIT, "y": {"$ref": "#/definitions/x"}}),
    "recursion": {
        "$ref": "#/$defs/n",
        "$defs": {"n": {"type": "object", "properties": {"c": {"type": "array", "items": {"$ref": "#/$defs/n"}, "maxItems": 1}}}},
    },
    "annotations": field({"type": "boolean", "title": "t", "description": "d", "examples": [True], "x-ours": 1, "$comment": "c"}),
    "anything": field({}),
}  # fmt: skip

REFUSED: dict[str, tuple[Schema, str]] = {
    "not": ({"not": {"type": "string"}}, "#/not"),
    "multiple of": (field({"type": "integer", "multipleOf": 7}), "#/properties/a/multipleOf"),
    "contains": (field({"type": "array", "contains": {"const": 7}}), "#/properties/a/contains"),
    "unique": (field({"type": "array", "uniqueItems": True}), "#/properties/a/uniqueItems"),
    "few properties": ({"type": "object", "maxProperties": 1}, "#/maxProperties"),
    "pattern of names": ({"type": "object", "patternProperties": {"^x": DIGIT}}, "#/patternProperties"),
    "condition": (field(DIGIT, **{"if": {}}), "#/if"),
    "in a definition": (field(DIGIT, definitions={"a/b": {"not": {}}}), "#/definitions/a~1b/not"),
    "in an alternative": (field({"anyOf": [DIGIT, {"not": {}}]}), "#/properties/a/anyOf/1/not"),
    "in an item": (field({"type": "array", "items": {"not": {}}}), "#/properties/a/items/not"),
    "in a tuple": (field({"type": "array", "prefixItems": [{"not": {}}]}), "#/properties/a/prefixItems/0/not"),
    "in a value": ({"type": "object", "additionalProperties": {"not": {}}}, "#/additionalProperties/not"),
    "true": ({"properties": {"a": True}}, "#/properties/a"),
    "false": ({"properties": {"a": False}}, "#/properties/a"),
    "an odd type": (field({"type": "strange"}), "#/properties/a/type"),
    "an odd type in a list": (field({"type": [["string"]]}), "#/properties/a/type"),
    "definitions that are none": (field(DIGIT, **{"$defs": [1]}), "#/$defs"),
    "properties that are none": ({"type": "object", "properties": ["a"]}, "#/properties"),
    "digits": (field({"type": "string", "pattern": r"^\d{3}$"}), "#/properties/a/pattern"),
    "a dot": (field({"type": "string", "pattern": "^.{2}$"}), "#/properties/a/pattern"),
    "a negated class": (field({"type": "string", "pattern": "^[^0-9]$"}), "#/properties/a/pattern"),
    "a quotation mark": (field({"type": "string", "pattern": '^"$'}), "#/properties/a/pattern"),
    "no anchors": (field({"type": "string", "pattern": "abc"}), "#/properties/a/pattern"),
    "an open group": (field({"type": "string", "pattern": "^(ab$"}), "#/properties/a/pattern"),
    "a pattern that is none": (field({"type": "string", "pattern": 7}), "#/properties/a/pattern"),
    "too often": (field({"type": "string", "pattern": "^a{2001}$"}), "#/properties/a/pattern"),
    "pattern and length": (field({"type": "string", "pattern": "^a$", "maxLength": 3}), "#/properties/a/maxLength"),
    "format and length": (field({"type": "string", "format": "date", "minLength": 3}), "#/properties/a/minLength"),
    "pattern and format": (field({"type": "string", "pattern": "^a$", "format": "date"}), "#/properties/a/format"),
    "length without its type": (field({"minLength": 3}), "#/properties/a/minLength"),
    "range of a number": (field({"type": "number", "minimum": 5}), "#/properties/a/minimum"),
    "range of both": (field({"type": ["number", "integer"], "maximum": 5}), "#/properties/a/maximum"),
    "half a bound": (field({"type": "integer", "minimum": 0.5}), "#/properties/a/minimum"),
    "bounds the wrong way": (field({"type": "integer", "minimum": 5, "maximum": 1}), "#/properties/a"),
    "nothing between": (field({"type": "integer", "exclusiveMinimum": 5, "exclusiveMaximum": 6}), "#/properties/a"),
    "two lower bounds": (field({"type": "integer", "minimum": 5, "exclusiveMinimum": 6}), "#/properties/a/exclusiveMinimum"),
    "too long": (field({"type": "string", "maxLength": 2001}), "#/properties/a/maxLength"),
    "a length that is none": (field({"type": "string", "minLength": True}), "#/properties/a/minLength"),
    "lengths the wrong way": (field({"type": "string", "minLength": 3, "maxLength": 2}), "#/properties/a"),
    "required and unknown": ({"type": "object", "properties": {"a": DIGIT}, "required": ["a", "z"]}, "#/required"),
    "required that is none": ({"type": "object", "required": "a"}, "#/required"),
    "tuple and items": (field({"type": "array", "prefixItems": [DIGIT], "items": False}), "#/properties/a/prefixItems"),
    "a tuple of another length": (field({"type": "array", "prefixItems": [DIGIT], "minItems": 2}), "#/properties/a/prefixItems"),
    "a tuple that is none": (field({"type": "array", "prefixItems": DIGIT}), "#/properties/a/prefixItems"),
    "no values": (field({"enum": []}), "#/properties/a/enum"),
    "a value of another type": (field({"type": "string", "enum": [1]}), "#/properties/a/enum"),
    "a constant of another type": (field({"type": "integer", "const": True}), "#/properties/a/const"),
    "beside a reference": (with_x({"$ref": "#/$defs/x", "maximum": 3}, DIGIT), "#/properties/a/maximum"),
    "beside any of": ({"type": "object", "anyOf": [{"required": ["b"]}]}, "#/type"),
    "beside an enum": (field({"enum": ["a"], "minLength": 3}), "#/properties/a/minLength"),
    "a reference abroad": (field({"$ref": "https://example.org/x.json"}), "#/properties/a/$ref"),
    "a reference to nothing": (field({"$ref": "#/$defs/none"}), "#/properties/a/$ref"),
    "a reference to itself": ({"$ref": "#"}, "#/$ref"),
    "references in a ring": (
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, "#/$defs/a/$ref",
    ),
    "several at one time": (field({"allOf": [DOG, CAT]}), "#/properties/a/allOf"),
    "no alternatives": (field({"anyOf": []}), "#/properties/a/anyOf"),
    "alternatives that are none": (field({"anyOf": {}}), "#/properties/a/anyOf"),
    "alternatives that overlap": (field({"oneOf": [DIGIT, {"type": "number"}]}), "#/properties/a/oneOf"),
    "alternatives of one type": (field({"oneOf": [CAT, CAT]}), "#/properties/a/oneOf"),
    "alternatives told by nothing": (field({"oneOf": [CAT, {"type": "object"}]}), "#/properties/a/oneOf"),
    "alternatives without a constant": (
        field({"oneOf": [CAT, {"type": "object", "properties": {"k": {"type": "string"}}, "required": ["k"]}]}), "#/properties/a/oneOf",
    ),
}  # fmt: skip
