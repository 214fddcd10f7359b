"""The ledger as other processes see it. Port Ledger."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import msgspec

from headrace.core.errors import Unavailable
from headrace.core.values import Receipt
from headrace.evidence.messages import Append, Appended
from headrace.evidence.records import canonical
from headrace.ipc.client import Client

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from headrace.core.values import Facts
    from headrace.evidence.messages import Found

PATIENCE = 10.0
"""Seconds to wait for a ledger that is slow or being restarted: an append may be sent again, the same bytes get the same receipt."""
PAUSE = 0.05

_appended = msgspec.msgpack.Decoder(Appended)
_bundle = msgspec.msgpack.Decoder(dict[str, object] | None)
_found = msgspec.msgpack.Decoder(list[dict[str, object]])
_encoder = msgspec.msgpack.Encoder()


class LedgerClient:
    """Asks the ledger process that listens on `socket`."""

    def __init__(self, socket: Path) -> None:
        self._client = Client(socket, "ledger")

    async def append(self, record: Facts) -> Receipt:
        """Commit one record. Raises Unavailable when the ledger cannot write or does not come back in time."""
        asked = Append(str(record["request"]), str(record["kind"]), str(record.get("instance", "")), canonical(record))
        found = _appended.decode(await self._patiently("append", _encoder.encode(asked)))
        return Receipt(found.log, found.sequence, found.leaf, found.time_us, found.signature)

    async def proof(self, request: str) -> Mapping[str, object] | None:
        """The proof bundle of a request's closing record, or None."""
        return _bundle.decode(await self._patiently("proof", _encoder.encode(request)))

    async def find(self, request: str) -> list[Found]:
        """The records of a request (or an act) with their receipts, in order."""
        return cast("list[Found]", _found.decode(await self._patiently("find", _encoder.encode(request))))

    async def checkpoint(self) -> str | None:
        """The latest signed checkpoint (a C2SP note); None while the log is empty."""
        return msgspec.msgpack.decode(await self._patiently("checkpoint", _encoder.encode(None)), type=str | None)

    async def interrupt(self, living: Sequence[str]) -> int:
        """Close as interrupted what instances that are not among the living left open; how many there were.

        A gateway calls it when it starts, before it serves, with its own instance (and those it knows to live).
        """
        return msgspec.msgpack.decode(await self._patiently("interrupt", _encoder.encode(list(living))), type=int)

    async def ready(self) -> int:
        """The log's size. Raises Unavailable at once when the process is not there."""
        return msgspec.msgpack.decode(await self._client.call("ready", _encoder.encode(None), within=PATIENCE), type=int)

    async def close(self) -> None:
        """Hang up. Idempotent."""
        await self._client.close()

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
