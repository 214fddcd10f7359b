"""The log as the gateway shows it: read from its database, beside the ledger process and without asking it.

A tile is one statement over a range of rows, in a thread of its own and on a connection that can only read; SQLite's write-ahead log
lets it read while the sequencer commits. So whoever walks through the log takes nothing of the sequencer's time but the disk's.
"""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar, cast

import msgspec

from headrace.core.errors import NotFound, OperationFailed, Unavailable
from headrace.evidence.log.reader import LogReader
from headrace.evidence.log.tiles import bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from headrace.core.values import Principal
    from headrace.evidence.log.tiles import Tile
    from headrace.pipeline.rooms import Rooms

LOG_NAME = "log"
"""What policies call it: ``Log::"log"``."""

T = TypeVar("T")


class ShownLog:
    """Port :class:`headrace.app.http.ports.log.Log`. `rooms` gives those that stand now."""

    def __init__(self, folder: Path, rooms: Callable[[], Rooms]) -> None:
        self._folder = folder
        self._rooms = rooms
        self._reader: LogReader | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="log-reader")

    @property
    def public(self) -> bool:
        """As the workspace in force says."""
        return self._rooms().workspace.root.ledger.public_tiles

    async def checkpoint(self) -> str | None:
        """The latest signed checkpoint."""
        return await self._read(lambda reader: reader.checkpoint())

    async def hashes(self, tile: Tile) -> bytes | None:
        """A tile of hashes."""
        return await self._read(lambda reader: reader.hashes(tile))

    async def growth(self, since: int) -> Mapping[str, object] | None:
        """The proof from a size on."""
        return await self._read(lambda reader: reader.growth(since))

    async def entries(self, principal: Principal, tile: Tile) -> bytes | None:
        """A bundle of records, all of this principal's tenant, for those who may audit. A key that is bound to services sees none: there
        are those of other services among them."""
        rooms = self._rooms()
        if principal.services is not None:
            return None
        if not rooms.policy.decide(principal, "audit", ("Log", LOG_NAME), {}).allowed:
            return None
        alone = tuple(rooms.workspace.root.tenants) == (principal.tenant,)
        return await self._read(lambda reader: _of_tenant(reader.entries(tile), principal.tenant, alone=alone))

    def close(self) -> None:
        """Answer what is asked, then let go."""
        self._thread.shutdown()
        if self._reader is not None:
            self._reader.close()

    async def _read(self, question: Callable[[LogReader], T]) -> T:
        """Ask in the reader's thread. Raises Unavailable."""

        def ask() -> T:
            if self._reader is None:
                self._reader = LogReader(self._folder)
            return question(self._reader)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, ask)
        except (sqlite3.Error, NotFound, OperationFailed) as error:
            message = "The log cannot be read now."
            raise Unavailable(
                message, code="ledger.not_shown", mend="Try again; headrace doctor and the gateway's log say more."
            ) from error


def _of_tenant(records: Sequence[bytes] | None, tenant: str, *, alone: bool) -> bytes | None:
    """The bundle of these records, if each is of this tenant. `alone`: it is the workspace's only one, and acts that name none are its."""
    if records is None or not all(_belongs(record, tenant, alone=alone) for record in records):
        return None
    return bundle(records)


def _belongs(record: bytes, tenant: str, *, alone: bool) -> bool:
    parts = msgspec.json.decode(record, type=dict[str, object])
    named = parts.get("tenant")
    if named is None:
        facts = parts.get("facts")
        named = cast("dict[str, object]", facts).get("tenant") if isinstance(facts, dict) else None
    return named == tenant or (named is None and alone)
