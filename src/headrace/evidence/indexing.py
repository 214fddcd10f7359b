"""The ledger process keeps the index of requests up to date, in a thread of its own and out of the way of the one that writes."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from headrace.core.errors import Unavailable
from headrace.evidence.listing import Listing, Wanted
from headrace.evidence.log.index import INDEX, RequestIndex
from headrace.evidence.log.reader import LogReader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")
LOOKS_EVERY: Final = 1.0
"""Seconds between two looks for new records."""
SLICE: Final = 32
"""Records that are read at a time: the interpreter is held for a millisecond or two, and the writer goes before the next slice."""
RESTS: Final = 4
"""Times the length of a slice for which the thread rests behind it, so a burst of records is written before it is listed."""
WITHIN_S: Final = 2.0
"""Seconds for which a list waits for records that are not in the index yet."""

_log = logging.getLogger(__name__)
_wanted = msgspec.msgpack.Decoder(Wanted)
_encode = msgspec.msgpack.Encoder().encode


class Indexing:
    """The index of the log in `folder`. An index that cannot be had keeps nobody from writing: lists are Unavailable then."""

    def __init__(self, folder: Path) -> None:
        self._reader = LogReader(folder)
        self._path = folder / INDEX
        self._index: RequestIndex | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger-index")
        self._said = ""

    async def requests(self, payload: bytes) -> bytes:
        """A page of requests. Raises Unavailable when there can be no index now."""
        wanted = _wanted.decode(payload)
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._list, wanted)

    async def follow(self) -> None:
        """Take in what the log gains, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            began = time.monotonic()
            whole = await loop.run_in_executor(self._thread, self._slice)
            await asyncio.sleep(LOOKS_EVERY if whole else RESTS * (time.monotonic() - began))

    def close(self) -> None:
        """Let the files go."""
        self._thread.shutdown()
        self._let_go()
        self._reader.close()

    def _list(self, wanted: Wanted) -> bytes:
        def listing(index: RequestIndex) -> Listing:
            behind = index.take_in_all(self._reader, WITHIN_S)
            return Listing(tuple(index.find(wanted)), behind)

        try:
            return _encode(self._through(listing))
        except (OSError, sqlite3.Error) as error:
            raise Unavailable(
                f"Requests cannot be listed now: the list beside the log cannot be used ({error}).",
                code="ledger.no_index",
                mend="Free space or make the ledger's folder writable. The log itself is untouched.",
            ) from error

    def _slice(self) -> bool:
        """Take in a little; whether that was all, or nothing can be done now."""
        try:
            return self._through(lambda index: index.take_in(self._reader, SLICE)) < SLICE
        except (OSError, sqlite3.Error) as error:
            if str(error) != self._said:
                self._said = str(error)
                _log.warning("the list of requests cannot be brought up to date: %s", error)
            return True

    def _through(self, work: Callable[[RequestIndex], T]) -> T:
        """Work with the index; one that is damaged, or of another form, is made anew from the log. Raises OSError, sqlite3.Error."""
        try:
            return work(self._opened())
        except sqlite3.OperationalError:
            raise  # the disk is full, say: another file would fare no better
        except sqlite3.DatabaseError as error:
            _log.warning("the list of requests is made anew from the log: %s", error)
        self._let_go()
        RequestIndex.remove(self._path)
        return work(self._opened())

    def _opened(self) -> RequestIndex:
        if self._index is None:
            self._index = RequestIndex(self._path)
        return self._index

    def _let_go(self) -> None:
        index, self._index = self._index, None
        if index is not None:
            index.close()
