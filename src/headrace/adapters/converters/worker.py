"""The body of the conversion child: ``python -I -m headrace.adapters.converters.worker``. It reads hostile files, so it has nothing.

Before the first file it gives up, for good: opening files and sockets (no free descriptor: so no network either), writing files, core
dumps, and memory beyond its limit. It gets bytes on standard input, gives text on standard output, and dies with its parent.

A frame is a 4-byte big-endian length and that many bytes of MessagePack: a :class:`Request`, and a :class:`Reply` to it.
"""

from __future__ import annotations

import ctypes
import errno
import io
import os
import resource
import signal
import struct
import sys
import zipfile
import zlib
from typing import TYPE_CHECKING, BinaryIO

import kreuzberg
import msgspec

from headrace.adapters.converters import charsets, clean
from headrace.adapters.converters.containers import msg
from headrace.adapters.converters.containers.archives import BROKEN, Held, held, ready
from headrace.adapters.converters.containers.mail import attached, message
from headrace.adapters.converters.containers.unpacking import Opened, Unpacking
from headrace.adapters.converters.decode import decode_html
from headrace.adapters.converters.formats import CSV, DOCX, EML, HTML, MSG, PDF, PPTX, SEPARATED, SHEETS
from headrace.adapters.converters.layout import Layout
from headrace.adapters.converters.office.docx import with_characters, without_references
from headrace.adapters.converters.office.sheets import separated, workbook
from headrace.adapters.converters.office.slides import presentation
from headrace.core.errors import ConversionFailed
from headrace.core.values import Place  # noqa: TC001  msgspec reads it

if TYPE_CHECKING:
    from collections.abc import Iterator

LENGTH = struct.Struct(">I")
CONVERT = -1
_OPENED = Opened()
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_SMALLEST_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj "
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\ntrailer<</Root 1 0 R>>"
)

_REASONS = (
    ("password", "It is encrypted: a password is needed.", "Save it without one."),
    ("encrypt", "It is encrypted.", "Save it without a password."),
    ("zip", "It is broken: its parts cannot be unpacked.", "Save or pack it anew."),
    ("unsupported", "Its format is not supported.", "Save it as PDF."),
    ("limit", "It unpacks to more than is allowed.", "Divide it into several files."),
    ("memory", "It needs more memory than is allowed.", "Divide it into several files."),
)


class Request(msgspec.Struct, array_like=True, frozen=True):
    """One file. `first` is CONVERT, or the number (from 0) of the file in it from which on to unpack it: its content is sent with the first
    batch, and `container` names it for those that follow."""

    media_type: str
    content: bytes
    first: int = CONVERT
    container: int = 0


class Reply(msgspec.Struct, array_like=True, frozen=True):
    """Its text and places, or the files in it and whether there are more, or the reason (with mend and code) why there is neither. `lost`:
    the container is not open here, and must be sent once more."""

    reason: str = ""
    text: str = ""
    places: list[Place] = []
    held: list[Held] = []
    more: bool = False
    mend: str = ""
    code: str = ""
    lost: bool = False


def main() -> None:
    """Convert what comes until standard input ends. The only argument is the memory limit in bytes."""
    requests = sys.stdin.buffer
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not stand among the replies
    _convert(Request(PDF, _SMALLEST_PDF))  # loads what is loaded late, while files can still be opened
    _convert(Request(HTML, b"<p>ready</p>"))
    _convert(Request(DOCX, _smallest_archive()))
    _convert(Request(CSV, b"a,b\n1,2\n"))
    ready()
    charsets.keep()
    _give_up(int(sys.argv[1]))
    decoder = msgspec.msgpack.Decoder(Request)
    _send(replies, Reply())
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
        return _done(request)
    except ConversionFailed as error:
        return Reply(reason=error.message, mend=error.mend or "", code=error.code or "")
    except kreuzberg.KreuzbergError as error:
        return _failure(str(error))
    except MemoryError:
        return _failure("memory")
    except (zipfile.BadZipFile, zlib.error) as error:
        return _failure(f"zip: {error}")
    except (*BROKEN, RuntimeError, LookupError, TypeError, AttributeError) as error:  # Python's parsers, of what nobody would write
        if isinstance(error, OSError) and error.errno == errno.EMFILE:
            raise  # something wants a file that was not loaded in time: a defect, and no broken document
        return _failure(str(error))


def _done(request: Request) -> Reply:
    if request.first != CONVERT:
        return _unpacked(request)
    layout = _laid_out(request)
    return Reply(text=layout.text, places=layout.places)


def _laid_out(request: Request) -> Layout:
    kind, content = request.media_type, request.content
    if kind in SHEETS:
        return workbook(content)
    if kind in SEPARATED:
        return separated(content, kind)
    if kind == PPTX:
        return presentation(content)
    if kind == EML:
        return message(content, _html)
    if kind == MSG and not msg.only_rich_text(content):
        return message(msg.as_eml(content), _html)
    layout = Layout()
    if kind == PDF:
        for number, text in enumerate(_pages(content), start=1):
            layout.add(clean.page(text), f"page {number}")
    elif kind == HTML:
        layout.plain(_html(decode_html(content)))
    elif kind == DOCX:
        layout.plain(clean.markdown(with_characters(_markdown(without_references(content), DOCX))))
    else:
        layout.plain(clean.markdown(_markdown(content, kind)))
    return layout


def _html(page: str) -> str:
    return clean.markdown(_markdown(clean.body_of(page).encode("utf-8", errors="replace"), HTML))


def _markdown(content: bytes, media_type: str) -> str:
    return kreuzberg.extract_bytes_sync(content, media_type, config=_config(media_type)).content


def _pages(content: bytes) -> list[str]:
    result = kreuzberg.extract_bytes_sync(content, PDF, config=_config(PDF))
    return [page["content"] for page in result.pages or ()] or [result.content]


def _unpacked(request: Request) -> Reply:
    """The files in an archive or a mail from the one asked for on, as many as fit."""
    unpacking = _OPENED.take(request.container, request.first)
    if unpacking is None:
        if not request.content and request.first:
            return Reply(lost=True)
        unpacking = Unpacking(_files(request))
        unpacking.skip(request.first)
    taken = unpacking.batch()
    if unpacking.more:
        _OPENED.keep(request.container, unpacking)
    return Reply(held=taken, more=unpacking.more)


def _files(request: Request) -> Iterator[Held]:
    if request.media_type == EML:
        return attached(request.content)
    if request.media_type == MSG:
        return msg.attached(request.content)
    return held(request.content, request.media_type)


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


def _failure(message: str) -> Reply:
    """The converter's words may quote the file, so they are not passed on: only what they are about."""
    lowered = message.lower()
    found = ((reason, mend) for word, reason, mend in _REASONS if word in lowered)
    reason, mend = next(found, ("It is broken: it cannot be parsed.", "Open it, and save it anew."))
    return Reply(reason=reason, mend=mend)


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
