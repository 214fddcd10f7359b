"""IBANs: the country's length, and the check digits (mod 97)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.guardrails.pii.checksums import iban
from headrace.guardrails.regex import occurrences, regex
from headrace.guardrails.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

_LENGTHS: Final = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FK FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}
"""SWIFT's IBAN registry."""
_GROUP = 4


class Ibans:
    """Together, or in groups of four between spaces or hyphens; small letters only together. Port Recogniser."""

    kinds = ("iban",)
    signs = (r"(?i)\b[A-Z]{2}[0-9]{2}[ -]?[0-9A-Z]{4}",)

    def __init__(self) -> None:
        self._head = regex(r"(?i)\b[A-Z]{2}[0-9]{2}[ -]?[0-9A-Z]{4}")
        self._forms = {
            length: regex(rf"(?:(?i:[0-9A-Z]{{{length}}})|{_grouped(length, ' ')}|{_grouped(length, '-')})\b")
            for length in set(_LENGTHS.values())
        }

    def find(self, data: bytes) -> Iterator[Span]:
        """Its matches."""
        for head in occurrences(self._head, data):
            length = _LENGTHS.get(head.group()[:2].decode().upper())
            found = self._forms[length].match(data, head.start()) if length else None
            if found is not None and iban(found.group().decode().replace(" ", "").replace("-", "").upper()):
                yield Span("iban", found.start(), found.end())


def _grouped(length: int, separator: str) -> str:
    full, rest = divmod(length, _GROUP)
    groups = separator.join(["[0-9A-Z]{4}"] * full)
    return groups + (f"{separator}[0-9A-Z]{{{rest}}}" if rest else "")
