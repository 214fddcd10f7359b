"""The body of the conversion child: ``python -I -m headrace.adapters.converters.worker``. It reads hostile files, so it has nothing.

Before the first file it gives up, for good: opening files and sockets (no free descriptor: so no network either), writing files, core
dumps, and memory beyond its limit. It gets bytes on standard input, gives text on standard output, and dies with its parent.

A frame is a 4-byte big-endian length and that many bytes: the request is a MessagePack ``[media type, content]``, the reply
``[reason, text, pages]``.
"""

from __future__ import annotations

import codecs
import ctypes
import io
import os
import resource
import signal
import struct
import sys
import zipfile
import zlib
from typing import BinaryIO

import kreuzberg
import msgspec

from headrace.adapters.converters.docx import with_characters, without_references

LENGTH = struct.Struct(">I")
PDF = "application/pdf"
HTML = "text/html"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_SMALLEST_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj "
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\ntrailer<</Root 1 0 R>>"
)

_REASONS = (
    ("password", "It is encrypted: a password is needed."),
    ("encrypt", "It is encrypted."),
    ("zip", "It is broken: its parts cannot be unpacked."),
    ("unsupported", "Its format is not supported."),
    ("limit", "It unpacks to more than is allowed."),
    ("memory", "It needs more memory than is allowed."),
)


class Request(msgspec.Struct, array_like=True, frozen=True):
    """One file."""

    media_type: str
    content: bytes


class Reply(msgspec.Struct, array_like=True, frozen=True):
    """Its text (one for each page of a PDF, else one in all), or the reason why there is none."""

    reason: str
    texts: list[str]


def main() -> None:
    """Convert what comes until standard input ends. The only argument is the memory limit in bytes."""
    requests = sys.stdin.buffer
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not stand among the replies
    _convert(Request(PDF, _SMALLEST_PDF))  # loads what is loaded late, while files can still be opened
    _convert(Request(HTML, b"<p>ready</p>"))
    _convert(Request(DOCX, _smallest_archive()))
    codecs.lookup("cp437")  # names in old archives
    _give_up(int(sys.argv[1]))
    decoder = msgspec.msgpack.Decoder(Request)
    _send(replies, Reply("", []))
    while (body := _receive(requests)) is not None:
        _send(replies, _convert(decoder.decode(body)))


def _give_up(memory: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(kind, (0, 0))


def _convert(request: Request) -> Reply:
    try:
        content = without_references(request.content) if request.media_type == DOCX else request.content
        result = kreuzberg.extract_bytes_sync(content, request.media_type, config=_config(request.media_type))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        return Reply(_reason(f"zip: {error}"), [])
    except kreuzberg.KreuzbergError as error:
        return Reply(_reason(str(error)), [])
    except MemoryError:
        return Reply("It needs more memory than is allowed.", [])
    if request.media_type == PDF:
        return Reply("", [page["content"] for page in result.pages or ()] or [result.content])
    return Reply("", [with_characters(result.content) if request.media_type == DOCX else result.content])


def _smallest_archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", "<p>&amp;</p>")
    return out.getvalue()


def _config(media_type: str) -> kreuzberg.ExtractionConfig:
    return kreuzberg.ExtractionConfig(
        use_cache=False,
        enable_quality_processing=False,
        output_format="markdown",
        concurrency=kreuzberg.ConcurrencyConfig(max_threads=1),
        pages=kreuzberg.PageConfig(extract_pages=True) if media_type == PDF else None,
    )


def _reason(message: str) -> str:
    """The converter's words may quote the file, so they are not passed on: only what they are about."""
    lowered = message.lower()
    return next((reason for word, reason in _REASONS if word in lowered), "It is broken: it cannot be parsed.")


def _receive(requests: BinaryIO) -> bytes | None:
    head = requests.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    return requests.read(LENGTH.unpack(head)[0])


def _send(replies: BinaryIO, reply: Reply) -> None:
    body = msgspec.msgpack.encode(reply)
    replies.write(LENGTH.pack(len(body)) + body)
    replies.flush()


if __name__ == "__main__":
    main()
