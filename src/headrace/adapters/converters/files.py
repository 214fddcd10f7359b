"""The converter of the five formats: Markdown, plain text, HTML, PDF and DOCX. Port Converter."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.adapters.converters import clean
from headrace.adapters.converters.child import Child, Limits
from headrace.adapters.converters.decode import decode, decode_html
from headrace.adapters.converters.worker import DOCX, HTML, PDF, Request
from headrace.core.errors import ConversionFailed

if TYPE_CHECKING:
    from pathlib import Path

MARKDOWN = "text/markdown"
PLAIN = "text/plain"
MEDIA_TYPES = {
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".mdx": MARKDOWN,
    ".txt": PLAIN,
    ".text": PLAIN,
    ".rst": PLAIN,
    ".adoc": PLAIN,
    ".org": PLAIN,
    ".log": PLAIN,
    "": PLAIN,
    ".html": HTML,
    ".htm": HTML,
    ".xhtml": HTML,
    ".pdf": PDF,
    ".docx": DOCX,
}
"""What a file is taken for, by the ending of its name; a name without one (README, LICENSE) for plain text."""
VERSION = "1"
"""Raised when the same file could give another text: everything is then converted anew."""
_LONGEST_TEXT = 32 * 1024 * 1024
_PDF_WITHIN = 1024
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BETWEEN_PAGES = "\n\n"


@dataclass(frozen=True, slots=True)
class Text:
    """A converted document. Port Converted."""

    text: str
    media_type: str
    pages: tuple[tuple[int, int], ...] = ()


class FileConverter:
    """Files by the ending of their name. Text formats are decoded here; the others go through a child with limits."""

    def __init__(self, limits: Limits | None = None, *, largest: int = 64 * 1024 * 1024) -> None:
        self.child = Child(limits or Limits())
        self._largest = largest

    @property
    def identity(self) -> str:
        """Changes whenever the same file could give another text."""
        return f"files:{VERSION}"

    def convert(self, path: Path) -> Text:
        """The text of a file. Raises ConversionFailed with a reason that a person understands."""
        media_type = MEDIA_TYPES.get(path.suffix.lower())
        if media_type is None:
            msg = f"Files of the kind {path.suffix} are not read; Markdown, text, HTML, PDF and DOCX are."
            raise ConversionFailed(msg, code="ingest.unsupported")
        content = _content(path, self._largest)
        if not content.strip():
            msg = "It is empty."
            raise ConversionFailed(msg, code="ingest.empty")
        converted = self._convert(content, media_type)
        if not converted.text.strip():
            hint = " It may be a scan: pictures of text are not read." if media_type == PDF else ""
            msg = f"It holds no text.{hint}"
            raise ConversionFailed(msg, code="ingest.empty")
        if len(converted.text) > _LONGEST_TEXT:
            msg = f"Its text is longer than {_LONGEST_TEXT >> 20} million characters."
            raise ConversionFailed(msg, code="ingest.too_large")
        return converted

    def close(self) -> None:
        """End the child. Idempotent."""
        self.child.close()

    def _convert(self, content: bytes, media_type: str) -> Text:
        if media_type in (MARKDOWN, PLAIN):
            return Text(decode(content), media_type)
        if media_type == HTML:
            return Text(clean.markdown(self._asked(clean.body_of(decode_html(content)).encode(), HTML)[0]), HTML)
        if media_type == DOCX:
            _check_docx(content)
            return Text(clean.markdown(self._asked(content, DOCX)[0]), DOCX)
        if b"%PDF-" not in content[:_PDF_WITHIN]:
            msg = "It is not a PDF, whatever its name says."
            raise ConversionFailed(msg)
        return _paged([clean.page(text) for text in self._asked(content, PDF)])

    def _asked(self, content: bytes, media_type: str) -> list[str]:
        reply = self.child.convert(Request(media_type, content))
        if reply.reason:
            raise ConversionFailed(reply.reason)
        return reply.texts


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


def _check_docx(content: bytes) -> None:
    if content.startswith(_OLE):
        msg = "It is encrypted, or an old Word document (.doc) under a new name."
        raise ConversionFailed(msg)
    if not content.startswith(b"PK"):
        msg = "It is not a DOCX, whatever its name says."
        raise ConversionFailed(msg)


def _paged(texts: list[str]) -> Text:
    """Pages put together, with the character range of each."""
    pages: list[tuple[int, int]] = []
    at = 0
    for text in texts:
        pages.append((at, at + len(text)))
        at += len(text) + len(_BETWEEN_PAGES)
    return Text(_BETWEEN_PAGES.join(texts), PDF, tuple(pages))
