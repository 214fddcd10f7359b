"""Private key blocks and JSON Web Tokens: long, and known by how they begin."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING, cast

from headrace.guardrails.regex import occurrences, regex
from headrace.guardrails.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

_BREAK = r"[ \t\r\n]{0,8}(?:\\[rn]){0,4}"
"""A line break, also as JSON writes it."""


class KeyBlocks:
    """Private keys between ``-----BEGIN …PRIVATE KEY…-----`` and the end line; where that is missing, to the end of the text.

    A begin line with nothing of a key behind it is no match: texts about keys hold those. Port Recogniser.
    """

    kinds = ("private_key",)
    signs = ("-----BEGIN [A-Z0-9 ]{0,24}PRIVATE KEY",)

    def __init__(self) -> None:
        body = rf"{_BREAK}(?:[A-Za-z0-9+/]{{16}}|(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset):)"
        self._head = regex(rf"-----BEGIN [A-Z0-9 ]{{0,24}}PRIVATE KEY(?: BLOCK)?-----{body}")
        self._end = regex(r"-----END [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----")

    def find(self, data: bytes) -> Iterator[Span]:
        """Its matches."""
        runs_to = 0
        for found in occurrences(self._head, data):
            if found.end() > runs_to:
                end = self._end.search(data, found.end())
                runs_to = len(data) if end is None else end.end()
            yield Span("private_key", found.start(), runs_to)


class JsonWebTokens:
    """``header.payload.signature``, the header being JSON that names an algorithm; without a signature too. Port Recogniser."""

    kinds = ("json_web_token",)
    signs = (r"\.eyJ",)

    def __init__(self) -> None:
        self._head = regex(r"\b(ey[A-Za-z0-9_-]{14,200})\.eyJ[A-Za-z0-9_-]{8}")
        self._rest = regex(r"(?:[A-Za-z0-9_-]|\.[A-Za-z0-9_-])*")

    def find(self, data: bytes) -> Iterator[Span]:
        """Its matches."""
        runs_from, runs_to = 0, 0
        for found in occurrences(self._head, data):
            if not _names_an_algorithm(found.group(1)):
                continue
            if not runs_from <= found.end() <= runs_to:
                rest = self._rest.match(data, found.end())
                runs_from, runs_to = found.end(), found.end() if rest is None else rest.end()
            yield Span("json_web_token", found.start(), runs_to)


def _names_an_algorithm(header: bytes) -> bool:
    try:
        read: object = json.loads(urlsafe_b64decode(header + b"=" * (-len(header) % 4)))
    except ValueError:
        return False
    return isinstance(read, dict) and bool({"alg", "enc", "typ"} & cast("dict[str, object]", read).keys())
