"""The parameters of a request: each is honoured or refused by its name, and a wrong value is answered with its place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from headrace.app.http.exchange.body import shown
from headrace.config.faults import did_you_mean
from headrace.core.errors import BadRequest, UnsupportedParameter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.app.http.exchange.body import Json

S = TypeVar("S", bound=msgspec.Struct)
_NO_NAMES: Final[Mapping[str, str]] = {}


def account(
    fields: Json, honoured: Mapping[str, str], neutral: Mapping[str, tuple[object, ...]], meant: Mapping[str, str] = _NO_NAMES
) -> None:
    """Every parameter is one that is honoured, or asks for nothing (`neutral` says with which values); otherwise it is refused by its
    name, and told what it is called here: `meant` says so of other names for the same, and else one that is spelled alike."""
    for name, value in fields.items():
        if name in honoured:
            continue
        if name in neutral:
            if value is None or any(value == each and type(value) is type(each) for each in neutral[name]):
                continue
            message = f'"{name}" is not supported here, and it is refused rather than dropped.'
            raise UnsupportedParameter(message, param=name, mend="Leave it out.")
        alike = meant.get(name.lower()) or did_you_mean(name, honoured)
        message = "This parameter is not known."
        mend = f'Did you mean "{alike}"?' if alike else "Leave it out."
        raise UnsupportedParameter(message, code="request.unknown_parameter", param=shown(name), mend=mend)


def convert(fields: Json, kind: type[S], honoured: Mapping[str, str]) -> S:
    """The fields that the struct has. Raises BadRequest with the place of the first that does not fit."""
    try:
        return msgspec.convert({name: value for name, value in fields.items() if name in kind.__struct_fields__}, kind)
    except msgspec.ValidationError as error:
        raise _wrong(str(error), honoured) from None


def only(fields: Json, known: set[str], place: str) -> None:
    """Raises UnsupportedParameter for a field of an object that is not honoured there."""
    for name, value in fields.items():
        if name not in known and value is not None:
            message = "This is not honoured here, and it is refused rather than dropped."
            raise UnsupportedParameter(message, param=f"{place}.{shown(name)}", mend="Leave it out.")


_PLACED = re.compile(r"(?P<what>.*?)(?: - at `(?:key in )?\$\.?(?P<place>.*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>\w+)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)
_OTHER_KIND = re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<got>\w+)`")
_BOUND = re.compile(r"Expected `(?P<kind>\w+)`(?P<length> of length)? (?P<sense><=|>=|>|<) (?P<bound>[-\d.]+)")
_KINDS: Final[Mapping[str, str]] = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_SENSES: Final[Mapping[str, str]] = {"<=": "at most", ">=": "at least", ">": "more than", "<": "less than"}
_PARTS: Final[Mapping[str, str]] = {"str": "characters", "array": "items", "object": "names"}


def _wrong(words: str, honoured: Mapping[str, str]) -> BadRequest:
    """Msgspec's word about the first thing that does not fit, as an error with its place, in the words of the other errors."""
    placed = _PLACED.fullmatch(words)
    what, place = (placed["what"], placed["place"] or "") if placed else (words, "")
    if missing := _MISSING.fullmatch(what):
        name = missing["name"]
        return BadRequest(f'"{name}" is missing.', code="request.missing", param=name, mend=honoured.get(name, "Send it."))
    if unknown := _UNKNOWN.fullmatch(what):
        place = f"{place}.{shown(unknown['name'])}"
        return UnsupportedParameter("This parameter is not known.", code="request.unknown_parameter", param=place, mend="Leave it out.")
    mend = honoured.get(re.split(r"[.\[]", place)[0], "See the API reference.")
    return BadRequest(_in_words(what), param=place.replace("[...]", "[]"), mend=mend)


def _in_words(what: str) -> str:
    if other := _OTHER_KIND.fullmatch(what):
        wanted = " or ".join(_KINDS.get(kind, kind) for kind in other["wanted"].split(" | ") if kind != "null")
        got = _KINDS.get(other["got"], other["got"])
        return f"{got[:1].upper()}{got[1:]} stands here, but {wanted} is wanted."
    if bound := _BOUND.fullmatch(what):
        kind, amount = _KINDS.get(bound["kind"], bound["kind"]), f"{_SENSES[bound['sense']]} {bound['bound'].removesuffix('.0')}"
        unit = f" {_PARTS.get(bound['kind'], '')}" if bound["length"] else ""
        return f"{kind[:1].upper()}{kind[1:]} of {amount}{unit} is wanted."
    return f"{what.replace('`', '')}."
