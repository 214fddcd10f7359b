"""The masks of one request: tokens that stand for values, and the way back for those who may see through them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headrace.core.text import Origin

if TYPE_CHECKING:
    from collections.abc import Callable

_TOKEN = re.compile(r"\[[A-Z][A-Z0-9_]{1,30}_[0-9]{1,6}\]")
LONGEST_TOKEN = 40
"""Characters: what a stream must hold back for a token that may be under way."""


class MaskTable:
    """Port Masks. The same value of the same kind gets the same token; numbers run in order of first sight, so the same conversation
    gets the same tokens again.

    `taken` are tokens that stand in the raw text already: they are never given out, so nobody's text can name a mask and have it undone.
    """

    def __init__(self) -> None:
        self._tokens: dict[tuple[str, str], str] = {}
        self._values: dict[str, str] = {}
        self._hidden: set[str] = set()
        self._counts: dict[str, int] = {}
        self._taken: set[str] = set()

    def reserve(self, text: str) -> None:
        """Keep the tokens that stand in this raw text from being given out."""
        if "[" in text:
            self._taken.update(_TOKEN.findall(text))

    def mask(self, kind: str, value: str, origin: Origin) -> str:
        """The token for a value, first seen in a text of this origin."""
        token = self._tokens.get((kind, value))
        if token is None:
            token = self._next(kind)
            self._tokens[kind, value] = token
            self._values[token] = value
            if origin is Origin.OUTPUT:
                self._hidden.add(token)
        elif origin is not Origin.OUTPUT:
            self._hidden.discard(token)
        return token

    def unmask(self, text: str) -> tuple[str, int]:
        """The text with the tokens of prompt and passages undone, and how many were."""
        if not self._values or "[" not in text:
            return text, 0
        undone = 0

        def value(match: re.Match[str]) -> str:
            nonlocal undone
            token = match[0]
            if token not in self._values or token in self._hidden:
                return token
            undone += 1
            return self._values[token]

        return _TOKEN.sub(value, text), undone

    def _next(self, kind: str) -> str:
        name = re.sub(r"[^A-Z0-9]+", "_", kind.upper()).strip("_")[:30]
        while True:
            number = self._counts[name] = self._counts.get(name, 0) + 1
            token = f"[{name}_{number}]"
            if token not in self._taken:
                return token


class Unmasking:
    """Undoes masks in a stream, holding back only what may be the beginning of a token."""

    def __init__(self, unmask: Callable[[str], tuple[str, int]]) -> None:
        self._unmask = unmask
        self._held = ""
        self.undone = 0

    def push(self, text: str) -> str:
        """More text; what may go on."""
        self._held += text
        cut = self._held.rfind("[")
        if cut < 0 or "]" in self._held[cut:] or len(self._held) - cut > LONGEST_TOKEN:
            cut = len(self._held)
        ready, self._held = self._held[:cut], self._held[cut:]
        return self._undo(ready)

    def finish(self) -> str:
        """The rest."""
        ready, self._held = self._held, ""
        return self._undo(ready)

    def _undo(self, text: str) -> str:
        clear, count = self._unmask(text)
        self.undone += count
        return clear
