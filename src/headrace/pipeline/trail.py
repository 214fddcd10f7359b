"""What the record of one request will say, as far as it is known; whatever ends the request writes it down.

A streamed answer has a durable *opened* record before its first text and a *settled* one before its last event; any other answer has its
*settled* record before its first byte. A refusal, a failure, a client that left, a defect: each is one *settled* record too.
"""

from __future__ import annotations

import asyncio
import logging
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from headrace.core.errors import HeadraceError, Unavailable, defect_place, outcome_of
from headrace.core.flow import Opened
from headrace.core.values import Money, Usage
from headrace.evidence import records
from headrace.evidence.recorder import Recorder
from headrace.pipeline import admit
from headrace.pipeline.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable
    from types import TracebackType

    from headrace.core.events import CleanDelta
    from headrace.core.flow import Received
    from headrace.core.values import Facts, Principal, Receipt
    from headrace.evidence.recorder import State
    from headrace.pipeline.rooms import Rooms

S = TypeVar("S", bound="State")
_UNRECORDED: Facts = {"outcome": "failed", "error": "internal.ledger_unavailable", "at": "settled", "commitments": {}}
"""What becomes of an answer that was made and could not be recorded: nobody was told that it is whole."""
_log = logging.getLogger(__name__)


class Metered(Protocol):
    """What a request uses of a model, told at any moment: it is paid also when the client leaves."""

    def usage(self) -> Usage:
        """So far."""
        ...

    def cost(self, usage: Usage) -> Money:
        """What this usage costs."""
        ...


class Trail:
    """The trail of one request. A context manager: leaving it by an error or a cancellation writes the request's end."""

    def __init__(self, received: Received, principal: Principal, rooms: Rooms) -> None:
        self.received = received
        self.principal = principal
        self.rooms = rooms
        self.recorder = Recorder(rooms.clock)
        self.recorder.note("received", received)
        self.metered: Metered | None = None
        """What uses something, once it has begun."""
        self._deadline = Deadline(rooms.workspace.root.limits.answer_within.seconds)
        self._service = received.call.service if rooms.service(received.call.service) else ""
        self._opened = False
        self._settled = False
        self._unheard = False
        """The ledger was waited for already, in vain."""

    async def __aenter__(self) -> Self:
        self._deadline.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._deadline.stop()
        if error is None:
            return
        if not isinstance(error, Exception):
            await self._end("cancelled", "request.cancelled")
            return
        known = error if isinstance(error, HeadraceError) else self._defect(error)
        known.request = self.received.call.request
        if known.code in admit.UNNAMED:
            self._service = ""  # a service that this asker may not know of stands in no record that they may read
        known.receipt = await self._end(outcome_of(known), known.code)
        if known is not error:
            raise known from error

    def run(self, name: str, work: Awaitable[S]) -> Awaitable[S]:
        """One room, run to its state when it is awaited: raises what it raises, and UpstreamTimeout when the time for an answer is over."""
        return self._deadline.wait(self.recorder.run(name, work))

    async def leaving(self, deltas: AsyncGenerator[CleanDelta]) -> AsyncGenerator[Opened | CleanDelta]:
        """What is sent before the end. Of a streamed answer: Opened, once its record is durable, and the text. Of any other: nothing.

        The record is opened when the first text is there, so whatever goes wrong before is a plain refusal. Raises Unavailable when the
        record cannot be had, and UpstreamTimeout.
        """
        stream = self.received.call.stream
        try:
            while (delta := await self._deadline.wait(anext(deltas, None))) is not None:
                if stream:
                    if not self._opened:
                        yield await self._open()
                    yield delta
        finally:
            await deltas.aclose()
        if stream and not self._opened:
            yield await self._open()

    @property
    def nothing(self) -> Money:
        """What costs nothing costs."""
        return Money(Decimal(0), self.rooms.workspace.root.currency)

    async def close(self, usage: Usage, cost: Money, commitments: dict[str, str]) -> Receipt:
        """Commit the *settled* record of an answer. A client that leaves meanwhile changes nothing about it.

        Raises Unavailable: then the request has failed, and its record says so as soon as the ledger can.
        """
        self._settled = True
        record = records.settled(
            self._head(), self._stages(), outcome="answered", error=None, usage=usage, cost=cost, commitments=commitments
        )
        return await self._surely(record, owed=_UNRECORDED)

    async def _open(self) -> Opened:
        try:
            await self.rooms.ledger.append(records.opened(self._head(), self._stages()))
        except Unavailable:
            self._unheard = True
            raise
        self._opened = True
        return Opened(self.received.call.request, self.received.call.service)

    async def _end(self, outcome: str, code: str) -> Receipt | None:
        """Commit the record of an end that is no answer; None when the ledger cannot now, or when the answer's record is written."""
        if self._settled:
            return None
        self._settled = True
        usage = self.metered.usage() if self.metered else Usage()
        cost = self.metered.cost(usage) if self.metered else self.nothing
        record = records.settled(
            self._head(), self._stages(), outcome=outcome, error=code, at=self.recorder.at, usage=usage, cost=cost, commitments={}
        )
        if self._unheard:
            self.rooms.ledger.owe(record)
            return None
        try:
            return await self._surely(record, owed={})
        except HeadraceError as missing:
            _log.error("%s ended as %s and could not be recorded yet: %s", self.received.call.request, code, missing.message)
            return None

    async def _surely(self, record: Facts, *, owed: Facts) -> Receipt:
        """Commit a record, whoever leaves meanwhile. When the ledger is not there, it is owed the record with these changes."""

        async def append() -> Receipt:
            try:
                return await self.rooms.ledger.append(record)
            except Unavailable:
                self.rooms.ledger.owe({**record, **owed})
                raise

        return await asyncio.shield(asyncio.get_running_loop().create_task(append()))

    def _defect(self, error: Exception) -> HeadraceError:
        """A defect, told in the log by where it happened: what an exception says may hold content."""
        _log.error("%s ended with a defect in %s: %s", self.received.call.request, self.recorder.at, defect_place(error))
        return HeadraceError("Headrace itself failed.", mend="Nothing is lost: the record holds where. Report it with the request's id.")

    def _head(self) -> records.Head:
        return records.Head(
            request=self.received.call.request,
            received_us=self.received.call.received_us,
            time_us=self.rooms.clock.now_us(),
            instance=self.rooms.instance,
            tenant=self.principal.tenant,
            principal=self.principal.id,
            key=self.principal.key,
            service=self._service,
            revision=self.rooms.revision,
        )

    def _stages(self) -> list[Facts]:
        return [{"stage": stage.name, "began_us": stage.began_us, "us": stage.us, "facts": stage.facts} for stage in self.recorder.stages]
