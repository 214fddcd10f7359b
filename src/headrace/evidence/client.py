"""The ledger as other processes see it. Port Ledger."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, cast

import msgspec

from headrace.core.errors import HeadraceError, Unavailable
from headrace.core.values import Receipt
from headrace.evidence.bounds import bounded
from headrace.evidence.listing import Listing
from headrace.evidence.messages import Append, Appended
from headrace.ipc.client import Client

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from headrace.core.values import Facts
    from headrace.evidence.listing import Wanted
    from headrace.evidence.messages import Found

PATIENCE = 10.0
"""Seconds to wait for a ledger that is slow or being restarted: an append may be sent again, the same bytes get the same receipt."""
PAUSE = 0.05
MOST_OWED = 2000
"""Ends that wait for a ledger that is away: about 2 KB each."""
PAYS_WITHIN = 2.0
"""Seconds that closing waits for what is owed."""

_log = logging.getLogger(__name__)
_appended = msgspec.msgpack.Decoder(Appended)
_bundle = msgspec.msgpack.Decoder(dict[str, object] | None)
_found = msgspec.msgpack.Decoder(list[dict[str, object]])
_listing = msgspec.msgpack.Decoder(Listing)
_encoder = msgspec.msgpack.Encoder()


class LedgerClient:
    """Asks the ledger process that listens on `socket`."""

    def __init__(self, socket: Path) -> None:
        self._client = Client(socket, "ledger")
        self._owed: deque[Facts] = deque()
        self._paying: asyncio.Task[None] | None = None

    async def append(self, record: Facts) -> Receipt:
        """Commit one record. Raises Unavailable when the ledger cannot write or does not come back in time."""
        asked = Append(str(record["request"]), str(record["kind"]), str(record.get("instance", "")), bounded(record))
        found = _appended.decode(await self._patiently("append", _encoder.encode(asked)))
        return Receipt(found.log, found.sequence, found.leaf, found.time_us, found.signature)

    def owe(self, record: Facts) -> None:
        """Commit this end as soon as the ledger is back. Beyond MOST_OWED it is named in the log instead, and what was opened stays open
        until this gateway's end."""
        if len(self._owed) >= MOST_OWED:
            _log.error("the end of %s cannot be kept for the ledger: %d wait already", record["request"], MOST_OWED)
            return
        self._owed.append(record)
        if self._paying is None or self._paying.done():
            self._paying = asyncio.create_task(self._pay())

    async def proof(self, request: str) -> Mapping[str, object] | None:
        """The proof bundle of a request's closing record, or None."""
        return _bundle.decode(await self._patiently("proof", _encoder.encode(request)))

    async def find(self, request: str) -> list[Found]:
        """The records of a request (or an act) with their receipts, in order."""
        return cast("list[Found]", _found.decode(await self._patiently("find", _encoder.encode(request))))

    async def requests(self, wanted: Wanted) -> Listing:
        """A page of requests, newest first. Raises Unavailable."""
        return _listing.decode(await self._patiently("requests", _encoder.encode(wanted)))

    async def checkpoint(self) -> str | None:
        """The latest signed checkpoint (a C2SP note); None while the log is empty."""
        return msgspec.msgpack.decode(await self._patiently("checkpoint", _encoder.encode(None)), type=str | None)

    async def interrupt(self, living: Sequence[str]) -> int:
        """Close as interrupted what instances that are not among the living left open; how many there were.

        A gateway calls it when it starts, before it serves, with its own instance (and those it knows to live).
        """
        return msgspec.msgpack.decode(await self._patiently("interrupt", _encoder.encode(list(living))), type=int)

    async def rotate(self, request: str, by: str) -> Receipt:
        """Change the log's key, under this act's id: asked again with the same, it is changed once. Raises Unavailable."""
        found = _appended.decode(await self._patiently("rotate", _encoder.encode((request, by))))
        return Receipt(found.log, found.sequence, found.leaf, found.time_us, found.signature)

    async def ready(self) -> int:
        """The log's size. Raises Unavailable at once when the process is not there."""
        return msgspec.msgpack.decode(await self._client.call("ready", _encoder.encode(None), within=PATIENCE), type=int)

    async def close(self) -> None:
        """Hang up, after a last attempt to pay what is owed. Idempotent."""
        if self._paying is not None:
            await asyncio.wait({self._paying}, timeout=PAYS_WITHIN)
            self._paying.cancel()
            for record in self._owed:
                _log.error("the end of %s was not recorded: the ledger did not come back", record["request"])
            self._owed.clear()
        await self._client.close()

    async def _pay(self) -> None:
        while self._owed:
            record = self._owed[0]
            try:
                await self.append(record)
            except Unavailable:
                await asyncio.sleep(PAUSE)
                continue
            except HeadraceError as error:
                # The answer's own record came through after all, say: then that is its end.
                _log.warning("the end of %s was not taken: %s", record["request"], error.message)
            self._owed.popleft()

    async def _patiently(self, method: str, payload: bytes) -> bytes:
        """Ask until there is an answer; only a ledger that is not there is asked again, and never beyond PATIENCE."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while True:
            try:
                return await self._client.call(method, payload, within=max(PAUSE, deadline - loop.time()))
            except Unavailable as gone:
                if gone.code != "internal.ledger_unavailable" or loop.time() > deadline:
                    raise
            await asyncio.sleep(PAUSE)
