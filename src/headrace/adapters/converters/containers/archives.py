"""What archives and mailboxes hold, one file after the other and never on a disk. Runs in the conversion child.

Bounded against bombs: files, bytes of one, bytes of all, and how much more that is than the archive. Names lead nowhere: they only name.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING

import msgspec

from headrace.adapters.converters.formats import MBOX, TAR, ZIP
from headrace.core.errors import ConversionFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_FILES = 10_000
LARGEST_FILE = 64 * 1024 * 1024
"""Bytes of one file, unpacked."""
MOST_BYTES = 1024 * 1024 * 1024
"""Bytes of all files, unpacked."""
MOST_RATIO = 250
"""How many times its own size an archive may unpack to, beyond FREE."""
FREE = 32 * 1024 * 1024
"""Bytes that any archive may unpack to."""
BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError, ValueError)
"""What the unpackers raise of a broken archive."""
_MAIL = re.compile(rb"^From [^\n]*\d{4}[^\n]*\n", re.MULTILINE)
_ENCRYPTED = 0x1
_PIECE = 1 << 20


class Held(msgspec.Struct, array_like=True, frozen=True):
    """A file within a file: its content, or the reason why it cannot be had."""

    path: str
    content: bytes = b""
    reason: str = ""


def ready() -> None:
    """Load what is loaded late, while files can still be opened."""
    for pack in (gzip.compress, bz2.compress, lzma.compress):
        list(held(pack(tarfile.TarInfo("ready").tobuf() + bytes(2 * tarfile.BLOCKSIZE)), TAR))


def held(content: bytes, media_type: str) -> Iterator[Held]:
    """Every file in an archive, in its order, as it is named there. Raises ConversionFailed beyond a limit, and BROKEN."""
    unpacked = _FORMATS[media_type](content)
    most = min(MOST_BYTES, max(FREE, MOST_RATIO * len(content)))
    total = 0
    for count, each in enumerate(unpacked, start=1):
        total += len(each.content)
        if count > MOST_FILES:
            raise _too_much(f"It holds more than {MOST_FILES:,} files.")
        if total > most:
            raise _too_much(f"It unpacks to more than {most >> 20:,} MiB.")
        yield each


def _too_much(reason: str) -> ConversionFailed:
    return ConversionFailed(reason, code="ingest.too_large", mend="Unpack it, or divide it into smaller archives.")


def _zip(content: bytes) -> Iterator[Held]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            if entry.is_dir():
                continue
            if entry.flag_bits & _ENCRYPTED:
                yield Held(entry.filename, reason="It is encrypted: a password is needed. Pack it without one.")
            elif stat.S_ISLNK(entry.external_attr >> 16):
                yield Held(entry.filename, reason="It is a link, and links are not followed.")
            else:
                yield _zipped(archive, entry)


def _zipped(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Held:
    try:
        with archive.open(entry) as file:
            return _whole(entry.filename, file.read(LARGEST_FILE + 1))
    except NotImplementedError:
        return Held(entry.filename, reason="It is packed in a way that is not read. Pack it anew.")
    except BROKEN:  # of one file; the next may be whole
        return Held(entry.filename, reason="It is broken: it cannot be unpacked. Pack it anew.")


def _whole(path: str, content: bytes) -> Held:
    if len(content) > LARGEST_FILE:
        return Held(path, reason=f"It is larger than {LARGEST_FILE >> 20} MiB. Divide it.")
    return Held(path, content)


def _tar(content: bytes) -> Iterator[Held]:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:*") as archive:
        for entry in archive:
            if entry.isdir():
                continue
            if not entry.isreg():
                yield Held(entry.name, reason="It is a link or a device, and neither is read.")
            elif entry.size > LARGEST_FILE:
                yield Held(entry.name, reason=f"It is larger than {LARGEST_FILE >> 20} MiB. Divide it.")
            elif (file := archive.extractfile(entry)) is not None:
                yield Held(entry.name, file.read())


def _mbox(content: bytes) -> Iterator[Held]:
    """Mails between lines that begin with ``From ``."""
    starts = [found.span() for found in _MAIL.finditer(content)]
    for number, (_, begin) in enumerate(starts, start=1):
        end = starts[number][0] if number < len(starts) else len(content)
        yield Held(f"{number}.eml", content[begin:end])


_FORMATS = {ZIP: _zip, TAR: _tar, MBOX: _mbox}
