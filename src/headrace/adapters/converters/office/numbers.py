"""Numbers as a spreadsheet shows them: by the number format of their cell (ECMA-376, part 1, 18.8.31). Runs in the conversion child.

Marks are English (``1,234.50``), whatever the sheet's reader has set. What a format says beyond digits, literals, per cent and signs
(fractions, powers of ten, conditions) is not followed: None, and the number is written as it is.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import Final, NamedTuple

BUILT_IN: Final = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%",
    37: "#,##0;(#,##0)", 38: "#,##0;(#,##0)", 39: "#,##0.00;(#,##0.00)", 40: "#,##0.00;(#,##0.00)", 41: "#,##0", 43: "#,##0.00",
}  # fmt: skip
"""Formats that no file spells out, by their ids; not those whose currency depends on where a sheet is opened."""
LONGEST: Final = 255
"""Characters of a format that is followed."""
_CONTEXT: Final = Context(prec=60)
"""Digits of the longest number that is followed."""
_TOKEN: Final = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|\[\$(?P<currency>[^\]-]*)[^\]]*\]|\[(?P<bracket>[^\]]*)\]|[_*](?P<space>.)'
    r"|(?P<digits>[#0?][#0?,]*(?:\.[#0?]*)?,*|\.[#0?]+,*)|(?P<percent>%)|(?P<plain>[-+()$€£¥ :'!&~{}<>=^]|[^\x00-\x7f])",
    re.DOTALL,
)
_COLOUR: Final = re.compile(r"(?:black|blue|cyan|green|magenta|red|white|yellow|colou?r ?\d+)", re.IGNORECASE)


class _Section(NamedTuple):
    """What stands before the digits and behind them, and the digits' own form (None: there are none)."""

    before: str
    form: _Form | None
    behind: str


class _Form(NamedTuple):
    """How digits are written: the power of ten by which they are multiplied, digits before the point at least, decimals at least, the
    unit that is rounded to, and the way in which Python writes that."""

    power: int
    whole: int
    decimals: int
    unit: Decimal
    written: str


def shown(value: float, code: str) -> str | None:
    """A number as a cell of this format shows it; None when the format says nothing that is followed."""
    sections = _sections(code)
    if not sections:
        return None
    n = 1 if value < 0 and len(sections) > 1 else 2 if value == 0 and len(sections) > 2 else 0  # noqa: PLR2004  positive; negative; zero
    section = sections[n]
    if section is None:
        return None
    digits = ""
    if section.form is not None:
        try:
            digits = _digits(abs(Decimal(repr(value))), section.form)
        except InvalidOperation:
            return None
    minus = "-" if value < 0 and n == 0 and digits.strip("0.,") else ""
    text = f"{minus}{section.before}{digits}{section.behind}"
    return " ".join(text.split()) if section.before or section.behind else text


@lru_cache(maxsize=512)
def _sections(code: str) -> tuple[_Section | None, ...]:
    """The sections of a format, as far as they are followed; none of one that is too long."""
    found: list[_Section | None] = []
    start = at = 0
    while at <= len(code) <= LONGEST:
        if at == len(code) or code[at] == ";":
            found.append(_section(code[start:at]))
            start = at = at + 1
            continue
        token = _TOKEN.match(code, at)
        if token and (token["bracket"] or "").startswith(("<", ">", "=")):
            return ()  # which section is meant goes by its condition, of every one of them
        at = token.end() if token else at + 1
    return tuple(found)


def _section(code: str) -> _Section | None:
    texts, digits, percents, at = ["", ""], "", 0, 0
    while at < len(code):
        token = _TOKEN.match(code, at)
        if token is None:
            return None  # General, a date, a fraction, a power of ten
        at = token.end()
        kind, said = str(token.lastgroup), token[str(token.lastgroup)]
        if kind == "digits":
            if digits:
                return None
            digits = said
        elif kind == "bracket":
            if not _COLOUR.fullmatch(said):
                return None
        else:
            percents += kind == "percent"
            texts[bool(digits)] += " " if kind == "space" else said
    return _Section(texts[0], _form(digits, percents) if digits else None, texts[1])


def _form(digits: str, percents: int) -> _Form:
    """The form of ``#,##0.0#``."""
    whole, _, part = digits.rstrip(",").partition(".")
    thousands = len(digits) - len(digits.rstrip(",")) + len(whole) - len(whole.rstrip(","))
    written = ",f" if "," in whole.rstrip(",") else "f"
    return _Form(2 * percents - 3 * thousands, whole.count("0"), part.count("0"), Decimal(1).scaleb(-len(part)), written)


def _digits(value: Decimal, form: _Form) -> str:
    """The digits of a number. Raises InvalidOperation when there are too many."""
    scaled = value.scaleb(form.power) if form.power else value
    text = format(scaled.quantize(form.unit, ROUND_HALF_UP, _CONTEXT), form.written)
    before, point, after = text.partition(".")
    while len(after) > form.decimals and after.endswith("0"):
        after = after[:-1]
    if before == "0" or form.whole > 1:
        before = before.lstrip("0").rjust(form.whole, "0")
    return f"{before}{point}{after}" if after else before
