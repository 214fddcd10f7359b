"""The masks of one request: tokens that stand for values, and the way back for those who may see through them."""

from __future__ import annotations

import re
from json.encoder import encode_basestring as encode
from typing import TYPE_CHECKING

from headrace.core.text import Origin

if TYPE_CHECKING:
    from collections.abc import Callable

_TOKEN = re.compile(r"\[[A-Z][A-Z0-9_]{1,30}_[0-9]{1,6}\]")
_BEGUN = re.compile(r"\[(?:[A-Z][A-Z0-9_]{0,37})?")
"""What a token under way looks like, up to its last character but one."""


class MaskTable:
    """Port Masks. The same value of the same kind gets the same token; numbers run in order of first sight, so the same conversation
    gets the same tokens again.

    A token is undone only where nothing but the mask can have put it: one that stands in a raw text is never given out afterwards, and
    if it has been given out before, it is never undone from then on. So nobody's words, and no document's, can name somebody's mask.
    """

    def __init__(self) -> None:
        self._tokens: dict[tuple[str, str], str] = {}
        self._values: dict[str, str] = {}
        self._unseen: set[str] = set()
        """Tokens whose value neither prompt nor passages hold: the model made it up, or it comes from elsewhere."""
        self._taken: set[str] = set()
        """Tokens that stand in raw text."""
        self._counts: dict[str, int] = {}

    def reserve(self, text: str) -> None:
        """Let nothing that looks like a token in this raw text ever be undone. All texts that are known go first."""
        if "[" in text:
            self._taken.update(_TOKEN.findall(text))

    def mask(self, kind: str, value: str, origin: Origin) -> str:
        """The token for a value, seen in a text of this origin."""
        token = self._tokens.get((kind, value))
        if token is None:
            token = self._next(kind)
            self._tokens[kind, value] = token
            self._values[token] = value
            if origin is Origin.OUTPUT:
                self._unseen.add(token)
        elif origin is not Origin.OUTPUT:
            self._unseen.discard(token)
        return token

    def unmask(self, text: str, *, json: bool = False) -> tuple[str, int]:
        """The text with the tokens of prompt and passages undone, and how many were. Values first seen in output stay masked.

        `json`: the text is JSON, and values are written as they stand in its strings.
        """
        if not self._values or "[" not in text:
            return text, 0
        undone = 0

        def value(match: re.Match[str]) -> str:
            nonlocal undone
            token = match[0]
            found = self._values.get(token)
            if found is None or token in self._unseen or token in self._taken:
                return token
            undone += 1
            return encode(found)[1:-1] if json else found

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
        text = self._held + text
        cut = text.rfind("[")
        if cut < 0 or _BEGUN.fullmatch(text, cut) is None:
            cut = len(text)
        self._held = text[cut:]
        return self._undo(text[:cut])

    def finish(self) -> str:
        """The rest."""
        ready, self._held = self._held, ""
        return self._undo(ready)

    def _undo(self, text: str) -> str:
        clear, count = self._unmask(text)
        self.undone += count
        return clear
