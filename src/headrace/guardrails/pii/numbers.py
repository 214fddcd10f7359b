"""Numbers of a fixed form, mostly with a check digit: one row each.

Where the form is weak (nine plain digits), the row asks for a word before the number that says what it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headrace.guardrails.pii import checksums
from headrace.guardrails.pii.card import card
from headrace.guardrails.regex import occurrences, regex
from headrace.guardrails.spans import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CONTEXT = 48
"""Bytes before a number in which its name is looked for."""
_LEFT = r"(?:^|[^0-9A-Za-z_.,/+$ -]|(?:^|[^0-9]) )"
"""Not in a longer word or number, and not the continuation of a row of numbers."""
_LONGER = re.compile(rb"[0-9A-Za-z_]|[.,/:-][0-9]|-[A-Za-z]")
_SEPARATORS = str.maketrans("", "", " .-/")


@dataclass(frozen=True, slots=True)
class Number:
    """One row. `sign` is tried on every text. `check` gets the characters without separators, upper case."""

    kind: str
    sign: str
    form: str
    check: Callable[[str], bool]
    named: str = ""
    """A pattern for its name, which must stand before it. Empty: the form says enough."""


class Numbers:
    """Recognises one row. Port Recogniser."""

    def __init__(self, number: Number) -> None:
        self.kinds = (number.kind,)
        self.signs = (number.sign,)
        self._check = number.check
        self._form = regex(f"{_LEFT}({number.form})")
        self._named = re.compile(number.named.encode(), re.IGNORECASE) if number.named else None

    def find(self, data: bytes) -> Iterator[Span]:
        """Its matches."""
        for found in occurrences(self._form, data):
            start, end = found.span(1)
            if _LONGER.match(data, end):
                continue
            if self._named is not None and self._named.search(data, max(0, start - _CONTEXT), start) is None:
                continue
            if self._check(found.group(1).decode().translate(_SEPARATORS).upper()):
                yield Span(self.kinds[0], start, end)


def _nino(text: str) -> bool:
    """No check digit: prefixes that are never given out."""
    return text[:2] not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}


NUMBERS: Final = (
    Number("payment_card", "[1-6][0-9]{6}", "[1-6][0-9]{11,18}", card),
    Number("payment_card", "[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}", "[1-6][0-9]{3}(?:(?: [0-9]{4}){3}|(?:-[0-9]{4}){3})(?:[ -][0-9]{3})?", card),
    Number("payment_card", "3[0-9]{3}[ -][0-9]{6}[ -]", "3[0-9]{3}[ -][0-9]{6}[ -][0-9]{4,5}", card),
    Number("us_ssn", "[0-9]{3}-[0-9]{2}-[0-9]", "[0-9]{3}-[0-9]{2}-[0-9]{4}", checksums.american_ssn),
    Number("us_ssn", r"(?i)\bSSN|social security", "[0-9]{3} ?[0-9]{2} ?[0-9]{4}", checksums.american_ssn, r"\bssn\b|social.security"),
    Number("ch_ahv", r"756[. ]?[0-9]{4}", r"756(?:\.[0-9]{4}\.[0-9]{4}\.| ?[0-9]{4} ?[0-9]{4} ?)[0-9]{2}", checksums.ean13),
    Number(
        "de_tax_id",
        r"(?i)steuer|idnr|tax|tin\b",
        "[1-9][0-9] ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}",
        checksums.german_tax_id,
        r"steuer|id-?nr|\btax|\btin\b",
    ),
    Number(
        "nl_bsn",
        r"(?i)\bbsn|burgerservice|sofi",
        r"[0-9]{3}[. ]?[0-9]{3}[. ]?[0-9]{2,3}",
        checksums.dutch_bsn,
        r"\bbsn\b|burgerservice|sofi",
    ),
    Number("pl_pesel", r"(?i)pesel", "[0-9]{11}", checksums.polish_pesel, "pesel"),
    Number(
        "be_national_number",
        r"[0-9]\.[0-9]{2}[ -][0-9]{3}\.",
        r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}[ -][0-9]{3}\.[0-9]{2}",
        checksums.belgian_number,
    ),
    Number("br_cpf", r"[0-9]\.[0-9]{3}-[0-9]{2}", r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", checksums.brazilian_cpf),
    Number(
        "fr_nir",
        "[12] ?[0-9]{2} ?[0-9]{2} ?[0-9]",
        "[12] ?[0-9]{2} ?[0-9]{2} ?(?:[0-9]{2}|2[AB]) ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}",
        checksums.french_nir,
    ),
    Number("es_dni", "[0-9]{7}-?[A-Z]", "(?:[0-9]{8}|[XYZ]-?[0-9]{7})-?[A-HJ-NP-TV-Z]", checksums.spanish_dni),
    Number(
        "it_codice_fiscale",
        "(?i)[A-Z]{6}[0-9L-NP-V]{2}[A-EHLMPRST]",
        "(?i:[A-Z]{6}[0-9L-NP-V]{2}[A-EHLMPRST][0-9L-NP-V]{2}[A-Z][0-9L-NP-V]{3}[A-Z])",
        checksums.italian_cf,
    ),
    Number(
        "uk_nino",
        "[A-Z]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]",
        "[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]",
        _nino,
    ),
)
