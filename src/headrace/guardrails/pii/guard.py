"""The guard ``pii``: personal data that has a pattern."""

from __future__ import annotations

from headrace.guardrails import patterns, regex
from headrace.guardrails.patterns import PatternGuard
from headrace.guardrails.pii import card, checksums, email, iban, ip, numbers, phone
from headrace.guardrails.pii.email import Emails
from headrace.guardrails.pii.iban import Ibans
from headrace.guardrails.pii.ip import Addresses4, Addresses6
from headrace.guardrails.pii.numbers import NUMBERS, Numbers
from headrace.guardrails.pii.phone import Phones


def pii() -> PatternGuard:
    """A new guard: addresses, numbers and identifiers, by their forms and check digits."""
    recognisers = (Emails(), Phones(), Ibans(), Addresses4(), Addresses6(), *map(Numbers, NUMBERS))
    return PatternGuard("pii", recognisers, (patterns, regex, card, checksums, email, iban, ip, numbers, phone))
