"""The converter of files: text formats are decoded here, all others go through a child with limits. Port Converter."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from headrace.adapters.converters import formats
from headrace.adapters.converters.child import Child, Limits
from headrace.adapters.converters.containers.parts import Parts
from headrace.adapters.converters.decode import decode
from headrace.adapters.converters.layout import LONGEST_TEXT, Text, too_long
from headrace.adapters.converters.worker import Request
from headrace.core.containers import is_container
from headrace.core.errors import ConversionFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headrace.adapters.converters.containers.parts import FilePart

VERSION = "3"
"""Raised when the same file could give another text: everything is then converted anew."""


class FileConverter:
    """Files by the ending of their name. Use it from one thread that lives as long as it (see :class:`Child`)."""

    def __init__(self, limits: Limits | None = None, *, largest: int = 64 * 1024 * 1024) -> None:
        self.child = Child(limits or Limits())
        self._largest = largest

    @property
    def identity(self) -> str:
        """Changes whenever the same file could give another text."""
        return f"files:{VERSION}"

    def convert(self, path: Path, within: float | None = None) -> Text:
        """The text of a file. Raises ConversionFailed with a reason that a person understands."""
        formats.media_type(path.name)  # before it is read
        return self.text(path.name, _content(path, self._largest), within)

    def parts(self, path: Path, within: float | None = None) -> Iterator[FilePart]:
        """What an archive or a mail holds, one after the other. Raises ConversionFailed, also after some have come."""
        if is_container(path.name):
            yield from Parts(self.child, self.text, within).of(path.name, _content(path, self._largest))

    def text(self, name: str, content: bytes, within: float | None = None) -> Text:
        """The text of a file of this name and content. Raises ConversionFailed."""
        media_type = formats.media_type(name)
        if not content.strip():
            raise ConversionFailed("It is empty.", code="ingest.empty")
        formats.check(content, media_type)
        converted = self._converted(content, media_type, within)
        if not converted.text.strip():
            mend = "It may be a scan: pictures of text are not read. Recognise its text first." if media_type == formats.PDF else ""
            raise ConversionFailed("It holds no text.", code="ingest.empty", mend=mend)
        if len(converted.text) > LONGEST_TEXT:
            raise too_long()
        return converted

    def close(self) -> None:
        """End the child. Idempotent."""
        self.child.close()

    def _converted(self, content: bytes, media_type: str, within: float | None) -> Text:
        if media_type in {formats.MARKDOWN, formats.PLAIN}:
            return Text(decode(content), media_type)
        reply = self.child.convert(Request(media_type, content), within)
        if reply.reason:
            raise ConversionFailed(reply.reason, code=reply.code or None, mend=reply.mend)
        return Text(reply.text, media_type, tuple(reply.places))


def _content(path: Path, largest: int) -> bytes:
    """The bytes of a regular file, not of what a link or a pipe of its name would give."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        msg = f"It cannot be opened: {error.strerror}."
        raise ConversionFailed(msg) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        msg = "It is not a regular file."
        raise ConversionFailed(msg)
    with os.fdopen(descriptor, "rb") as file:
        try:
            content = file.read(largest + 1)
        except OSError as error:
            msg = f"It cannot be read: {error.strerror}."
            raise ConversionFailed(msg) from error
    if len(content) > largest:
        msg = f"It is larger than {largest >> 20} MiB."
        raise ConversionFailed(msg, code="ingest.too_large")
    return content
