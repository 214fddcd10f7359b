"""Recognises credentials that have a form of their own (:mod:`headrace.guardrails.secrets.issuers`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.guardrails.regex import occurrences, regex
from headrace.guardrails.secrets.likeness import made_by_a_machine
from headrace.guardrails.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Token:
    """A form: `begins` is tried on every text, so it is short and telling; with `follows` it decides, so both are bounded.

    `goes_on` are the characters that belong to it when it is longer. `bits` is the least entropy a character of what follows: a
    machine made it; 0 where the form says enough. `sign` is tried instead of `begins` where that is not telling. `named`: it begins
    with its name, and only what follows is secret.
    """

    kind: str
    begins: str
    follows: str
    goes_on: str = "[A-Za-z0-9_-]"
    bits: float = 2.8
    sign: str = ""
    named: bool = False


class Tokens:
    """Recognises one form. Port Recogniser."""

    def __init__(self, token: Token) -> None:
        self.kinds = (token.kind,)
        self.signs = (token.sign or token.begins,)
        self._secret = 1 if token.named else 0
        self._bits = token.bits
        self._head = regex(f"(?:{token.begins})({token.follows})")
        self._rest = regex(f"{token.goes_on}*")

    def find(self, data: bytes) -> Iterator[Span]:
        """Its matches."""
        runs_from, runs_to = 0, 0
        for found in occurrences(self._head, data):
            if self._bits and not made_by_a_machine(found.group(1).decode(), self._bits):
                continue
            if not runs_from <= found.end() <= runs_to:
                rest = self._rest.match(data, found.end())
                runs_from, runs_to = found.end(), found.end() if rest is None else rest.end()
            yield Span(self.kinds[0], found.start(self._secret), runs_to)
