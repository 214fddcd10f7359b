"""The log, for whoever wants to check it from outside: C2SP tlog-tiles under ``/log``, read-only, and the proof that it only ever grew.

Hashes say nothing of what was asked; how many they are, every receipt says too. So checkpoint and tiles of hashes are for any valid key,
and for everybody where the workspace says so. Entries are records of every tenant: see :meth:`headrace.app.http.ports.log.Log.entries`.
"""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING, Final

from headrace.app.http.exchange.look import Found
from headrace.app.http.exchange.wire import encode, header
from headrace.core.errors import NotFound
from headrace.evidence.log.tiles import ENTRIES, read_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.app.http.exchange.look import Endpoint, Look
    from headrace.evidence.log.tiles import Tile

TEXT: Final = b"text/plain; charset=utf-8"
BYTES: Final = b"application/octet-stream"
FOR_EVER: Final = b"max-age=31536000, immutable"
"""A tile never changes: not a partial one either, whose width stands in its name."""
COMPRESSION: Final = 6
_SIZE = re.compile(r"0|[1-9][0-9]{0,15}")


async def checkpoint(look: Look) -> Found:
    """The latest signed checkpoint (C2SP tlog-checkpoint). For any valid key; for everybody where `public tiles` says so."""
    await _reader(look)
    note = await look.gateway.log.checkpoint()
    if note is None:
        raise _nothing()
    return Found(note.encode(), media=TEXT, headers=((b"cache-control", b"no-cache"),))


async def tile(look: Look) -> Found:
    """A tile of hashes, or with ``entries/`` in place of its level a bundle of records (C2SP tlog-tiles). Raises NotFound, alike for what
    is not there and what is not for this key."""
    wanted = read_path(f"tile/{look.name}")
    if wanted is not None and wanted.level is None:
        return await _entries(look, wanted)
    await _reader(look)
    found = await look.gateway.log.hashes(wanted) if wanted is not None else None
    if found is None:
        raise _nothing()
    return Found(found, media=BYTES, headers=((b"cache-control", _kept(b"public" if look.gateway.log.public else b"private")),))


async def growth(look: Look) -> Found:
    """The latest checkpoint, and the proof (RFC 9162) that the tree of so many records is its beginning: what `headrace verify --since`
    reads."""
    await _reader(look)
    size = look.name if _SIZE.fullmatch(look.name) else None
    found = await look.gateway.log.growth(int(size)) if size is not None else None
    if found is None:
        message = "The log has not so many records."
        raise NotFound(
            message, code="ledger.no_such_size", param="size", mend="Give the size that stands in your checkpoint's second line."
        )
    return Found(encode(found))


LOG_ENDPOINTS: Final[Mapping[str, Endpoint]] = {
    "/log/checkpoint": checkpoint,
    "/log/tile/{name:path}": tile,
    "/v1/headrace/log/since/{name}": growth,
}
"""Every path of the log."""


async def _reader(look: Look) -> None:
    """Raises Unauthenticated unless anybody may read, or a valid key is shown."""
    if not look.gateway.log.public:
        await look.principal()


async def _entries(look: Look, wanted: Tile) -> Found:
    principal = await look.principal()
    found = await look.gateway.log.entries(principal, wanted)
    if found is None:
        raise _nothing()
    headers = [(b"cache-control", _kept(b"private")), (b"vary", b"accept-encoding")]
    if not _takes_gzip(header(look.scope, b"accept-encoding")):
        return Found(found, media=BYTES, headers=tuple(headers))
    headers.append((b"content-encoding", b"gzip"))
    return Found(gzip.compress(found, COMPRESSION, mtime=0), media=BYTES, headers=tuple(headers))


def _takes_gzip(accepted: str) -> bool:
    """Whether ``Accept-Encoding`` names gzip, and not with a quality of nothing."""
    for each in accepted.lower().split(","):
        coding, _, quality = each.partition(";")
        if coding.strip() in {"gzip", "*"}:
            return not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", quality)
    return False


def _kept(by: bytes) -> bytes:
    return by + b", " + FOR_EVER


def _nothing() -> NotFound:
    message = "There is no such part of the log that you may read."
    mend = (
        f"Begin with /log/checkpoint: its second line says how many records there are. tile/{ENTRIES} is for those who may audit the log."
    )
    return NotFound(message, code="ledger.no_such_tile", mend=mend)
