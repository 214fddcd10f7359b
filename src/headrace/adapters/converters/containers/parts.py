"""What an archive or a mail holds, as files of their own: in archives within it, too, with names that lead nowhere."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from headrace.adapters.converters import formats
from headrace.adapters.converters.worker import Request
from headrace.core.containers import is_archive, is_container
from headrace.core.conversion import TOO_SLOW
from headrace.core.errors import ConversionFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headrace.adapters.converters.child import Child
    from headrace.adapters.converters.containers.archives import Held
    from headrace.adapters.converters.layout import Text

    ToText: TypeAlias = Callable[[str, bytes, float | None], Text]

DEEPEST = 3
"""Containers within a file, one in the other: a mail in an archive in an archive."""
_TOO_DEEP = f"It is attached {DEEPEST} mails and archives deep. Save it by itself."
MOST_FILES = 10_000
"""Files in all of them together."""
_CONTAINERS = itertools.count(1)
"""Numbers for containers, each given once."""
_TOOLS = frozenset({"__MACOSX", "__pycache__", "node_modules", "CVS"})
_LONGEST_NAME = 500


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file within a file. Port Part."""

    path: str
    content: bytes
    reason: str
    to_text: ToText
    within: float | None

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of its content."""
        return hashlib.sha256(self.content).hexdigest()

    def convert(self) -> Text:
        """Its text. Raises ConversionFailed."""
        if self.reason:
            raise ConversionFailed(self.reason)
        return self.to_text(self.path.rpartition("/")[2], self.content, self.within)


class Parts:
    """Opens one file, and what is in it. `within`: seconds for each step of it; None for as many as a file may take."""

    def __init__(self, child: Child, to_text: ToText, within: float | None) -> None:
        self._child = child
        self._to_text = to_text
        self._within = within
        self._taken: set[str] = set()
        self._numbers: dict[str, int] = {}
        """The last number that was given to files of one path."""

    def of(self, name: str, content: bytes) -> Iterator[FilePart]:
        """Every file in a container. Raises ConversionFailed when the container itself is broken or holds too much."""
        yield from self._below("", name, content, 1)

    def _below(self, prefix: str, name: str, content: bytes, depth: int) -> Iterator[FilePart]:
        for held in self._held(name, content):
            named = _named(held.path)
            if named is None:
                continue
            path = self._free(prefix + named)
            if len(self._taken) > MOST_FILES:
                raise ConversionFailed(f"It holds more than {MOST_FILES:,} files.", code="ingest.too_large", mend="Unpack it.")
            if depth > DEEPEST:
                yield FilePart(path, b"", _TOO_DEEP, self._to_text, self._within)
            else:
                yield from self._one(path, held, depth)

    def _one(self, path: str, held: Held, depth: int) -> Iterator[FilePart]:
        """A file and what it holds; an archive only when it cannot be opened."""
        reason = held.reason or _unnameable(held.path)
        name = path.rpartition("/")[2]
        if not reason and is_archive(name) and depth >= DEEPEST:
            reason = f"It lies {DEEPEST} archives deep. Unpack it."
        if reason or not is_archive(name):
            yield FilePart(path, held.content, reason, self._to_text, self._within)
        if reason or not is_container(name):
            return
        try:
            yield from self._below(f"{path}/", name, held.content, depth + 1)
        except ConversionFailed as error:
            if error.code == TOO_SLOW or len(self._taken) > MOST_FILES:
                raise
            if is_archive(name):  # what a mail that cannot be opened is, its own text has said
                yield FilePart(path, held.content, error.reason, self._to_text, self._within)

    def _held(self, name: str, content: bytes) -> Iterator[Held]:
        """Asked for in batches, so that no side holds all of them at once."""
        first, sent = 0, content
        media_type = formats.media_type(name)
        container = next(_CONTAINERS)
        while True:
            reply = self._child.convert(Request(media_type, sent, first, container), self._within)
            if reply.lost:  # the child was replaced meanwhile
                sent = content
                continue
            sent = b""
            if reply.reason:
                raise ConversionFailed(reply.reason, code=reply.code or None, mend=reply.mend)
            yield from reply.held
            first += len(reply.held)
            if not reply.more:
                return

    def _free(self, path: str) -> str:
        """The path, with a number where a file before it has the same."""
        stem, dot, ending = path.rpartition(".")
        free, number = path, self._numbers.get(path, 1)
        while free in self._taken:
            number += 1
            self._numbers[path] = number
            free = f"{stem} ({number}).{ending}" if dot else f"{path} ({number})"
        self._taken.add(free)
        return free


def _named(path: str) -> str | None:
    """What a file in an archive is called: a path without steps; None of what is hidden or a tool's."""
    steps = [" ".join(step.split()) for step in path.replace("\\", "/").split("/")]
    steps = [step for step in steps if step not in {"", "."}] or ["unnamed"]
    if any((step.startswith(".") and step != "..") or step in _TOOLS for step in steps):
        return None
    return "/".join("__" if step == ".." else step for step in steps)[:_LONGEST_NAME]


def _unnameable(path: str) -> str:
    if ".." in path.replace("\\", "/").split("/"):
        return "Its name leads out of the archive. Pack it anew."
    return "Its name is too long. Pack it under a shorter one." if len(path) > _LONGEST_NAME else ""
