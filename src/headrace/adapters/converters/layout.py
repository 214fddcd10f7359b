"""A text put together from the places of a document, with the characters that each takes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from headrace.core.errors import ConversionFailed
from headrace.core.values import Place, PlaceKind

LONGEST_TEXT = 32 * 1024 * 1024
"""Characters of a document."""
BETWEEN = "\n\n"
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ufeff]")
_HALVES = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Text:
    """A converted document. Port Converted."""

    text: str
    media_type: str
    places: tuple[Place, ...] = ()


class Layout:
    """Grows place by place."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._length = 0
        self.places: list[Place] = []

    @property
    def text(self) -> str:
        """All of it."""
        return BETWEEN.join(self._texts)

    def add(
        self,
        text: str,
        name: str,
        kind: PlaceKind = PlaceKind.WHOLE,
        *,
        row: int = 0,
        column: int = 0,
        context: str = "",
        heading: str = "",
    ) -> None:
        """Add a place, unless it is blank; `context` stands before it and belongs to it. Raises ConversionFailed when the whole becomes
        too long."""
        text, context = storable(text), storable(context)
        if not text.strip():
            return
        start = self._length + (len(BETWEEN) if self._texts else 0)
        self._texts.append(context + text)
        self._length = start + len(context) + len(text)
        if self._length > LONGEST_TEXT:
            raise too_long()
        self.places.append(Place(start, self._length, name, kind, row, column, start + len(context), heading))

    def plain(self, text: str) -> None:
        """Add text without a place of its own. Raises ConversionFailed when the whole becomes too long."""
        self._texts.append(storable(text))
        self._length += len(text)
        if self._length > LONGEST_TEXT:
            raise too_long()


def storable(text: str) -> str:
    """A text without characters that only steer a machine, or are none."""
    return _HALVES.sub("\ufffd", _CONTROLS.sub("", text))


def too_long() -> ConversionFailed:
    """What is raised of a text that is too long."""
    return ConversionFailed(
        f"Its text is longer than {LONGEST_TEXT >> 20} million characters.", code="ingest.too_large", mend="Divide it into several files."
    )
