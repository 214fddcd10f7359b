"""The port of converters: what ingestion asks of them. Its contract suite is in :mod:`headrace.testing.converter`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from headrace.core.values import Place


class Converter(Protocol):
    """A file to text, with places. Runs hostile input: implementations keep it in a child with limits."""

    @property
    def identity(self) -> str:
        """Changes whenever the same file could give another text."""
        ...

    def convert(self, path: Path, within: float | None = None) -> Converted:
        """Raises ConversionFailed with a reason that a person understands, and a mend where there is one. Its code is TOO_SLOW when it
        takes longer than `within` seconds, or than any file may take, whichever are fewer."""
        ...

    def parts(self, path: Path, within: float | None = None) -> Iterator[Part]:
        """What an archive or a mail holds, also in archives and mails within it, one after the other; nothing of other files. An archive
        within it is no part itself, unless it cannot be opened. Raises ConversionFailed, also after some have come."""
        ...


TOO_SLOW: Final = "ingest.too_slow"
"""Code of ConversionFailed when a file takes longer than it may."""


class Converted(Protocol):
    """What a converter made: the whole text, and the places in it that a person would look for."""

    @property
    def text(self) -> str:
        """The whole text."""
        ...

    @property
    def media_type(self) -> str:
        """Of the file, as the converter saw it."""
        ...

    @property
    def places(self) -> Sequence[Place]:
        """Pages, slides, tables, in order and apart; empty when lines and headings are the places."""
        ...


class Part(Protocol):
    """A file within a file."""

    @property
    def path(self) -> str:
        """POSIX, inside the container, without steps up; no two parts of one have the same."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of its content."""
        ...

    def convert(self) -> Converted:
        """As :meth:`Converter.convert`, with the same `within`."""
        ...
