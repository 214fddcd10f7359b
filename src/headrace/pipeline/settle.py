"""Settled: priced and proven. A streamed answer has a durable *opened* record before its first byte and a *settled* one before its
last event; any other answer has its *settled* record before its first byte. Whatever else ends a request is recorded too."""

from __future__ import annotations

import asyncio
import json
import logging
from decimal import Decimal
from typing import TYPE_CHECKING

from headrace.core.errors import BadRequest, Forbidden, HeadraceError, NotFound, Overloaded, Refused, Unavailable
from headrace.core.flow import Answer, Citation, Opened
from headrace.core.values import FinishReason, Mode, Money, Usage
from headrace.evidence import records
from headrace.evidence.commitment import commit
from headrace.evidence.recorder import Recorder

if TYPE_CHECKING:
    from types import TracebackType

    from headrace.core.flow import Received, Reserved
    from headrace.core.text import Finding
    from headrace.core.values import Facts, Principal, Receipt
    from headrace.pipeline.check import Checking
    from headrace.pipeline.generate import Generation
    from headrace.pipeline.release import Releasing
    from headrace.pipeline.rooms import Rooms

_log = logging.getLogger(__name__)


class Trail:
    """What the record of one request will say, as far as it is known. Left early or by an error, it writes that down too."""

    def __init__(self, received: Received, principal: Principal, rooms: Rooms) -> None:
        self.received = received
        self.principal = principal
        self.rooms = rooms
        self.recorder = Recorder(rooms.clock)
        self.recorder.note("received", received)
        self.generation: Generation | None = None
        self._settled = False

    async def __aenter__(self) -> Trail:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            return
        if not isinstance(error, Exception):
            await self._write_end("cancelled", "request.cancelled")
            return
        known = error if isinstance(error, HeadraceError) else None
        if known is None:
            _log.exception("%s ended with a defect in %s", self.received.call.request, self.recorder.at, exc_info=error)
            known = HeadraceError(
                "Headrace itself failed.", mend="Nothing is lost: the record holds where. Report it with the request's id."
            )
        known.request = self.received.call.request
        known.receipt = await self._write_end(_outcome(known), known.code)
        if known is not error:
            raise known from error

    async def open(self) -> Opened:
        """Commit the *opened* record. Raises Unavailable: nothing may leave then."""
        await self.rooms.ledger.append(records.opened(self._head(), self._stages()))
        return Opened(self.received.call.request, self.received.call.service)

    async def close(self, usage: Usage, cost: Money, commitments: dict[str, str]) -> Receipt:
        """Commit the *settled* record of an answer. A client that leaves meanwhile changes nothing about it. Raises Unavailable."""
        self._settled = True
        record = records.settled(
            self._head(), self._stages(), outcome="answered", error=None, usage=usage, cost=cost, commitments=commitments
        )
        return await asyncio.shield(asyncio.ensure_future(self.rooms.ledger.append(record)))

    async def _write_end(self, outcome: str, code: str) -> Receipt | None:
        if self._settled:
            return None
        self._settled = True
        usage = self.generation.state().usage if self.generation else Usage()
        cost = self.generation.cost(usage) if self.generation else Money(Decimal(0), self.rooms.workspace.root.currency)
        record = records.settled(self._head(), self._stages(), outcome=outcome, error=code, usage=usage, cost=cost, commitments={})
        try:
            return await asyncio.shield(asyncio.ensure_future(self.rooms.ledger.append(record)))
        except Unavailable as missing:
            _log.error("%s ended as %s and could not be recorded: %s", self.received.call.request, code, missing.message)
            return None

    def _head(self) -> records.Head:
        return records.Head(
            request=self.received.call.request,
            received_us=self.received.call.received_us,
            time_us=self.rooms.clock.now_us(),
            instance=self.rooms.instance,
            tenant=self.principal.tenant,
            principal=self.principal.id,
            key=self.principal.key,
            service=self.received.call.service,
            revision=self.rooms.revision,
        )

    def _stages(self) -> list[Facts]:
        return [{"stage": stage.name, "began_us": stage.began_us, "us": stage.us, "facts": stage.facts} for stage in self.recorder.stages]


async def run(trail: Trail, reserved: Reserved, generation: Generation, checking: Checking, releasing: Releasing) -> Answer:
    """Price the answer, commit its record, and say everything that the client is told. Raises Unavailable: then nothing was said."""
    rooms, routed = trail.rooms, reserved.routed
    generated, released = generation.state(), releasing.state()
    cost = generation.cost(generated.usage)
    salts = {"prompt": rooms.ids.salt(), "answer": rooms.ids.salt()}
    commitments = {
        "prompt": commit(salts["prompt"], prompt_text(trail.received)),
        "answer": commit(salts["answer"], released.text),
    }
    began = rooms.clock.monotonic()
    receipt = await trail.close(generated.usage, cost, commitments)
    settled_us = round((rooms.clock.monotonic() - began) * 1_000_000)
    return Answer(
        call=trail.received.call,
        revision=rooms.revision,
        text=released.text,
        finish=generated.finish or FinishReason.STOP,
        mode=generated.mode,
        confidence=routed.grounded.confidence if routed.grounded else None,
        citations=released.citations,
        nearest=_nearest(reserved),
        decision=routed.screened.decision,
        deployment=routed.deployment,
        considered=routed.considered,
        findings=_findings(reserved, checking),
        usage=generated.usage,
        cost=cost,
        receipt=receipt,
        salts={name: salt.hex() for name, salt in salts.items()},
        stages_us={**trail.recorder.times(), "settled": settled_us},
    )


def prompt_text(received: Received) -> str:
    """The text that the prompt's commitment is over: a JSON array of [role, text], without spaces, as the client sent them."""
    return json.dumps([[str(turn.role), turn.text.text] for turn in received.turns], ensure_ascii=False, separators=(",", ":"))


def _findings(reserved: Reserved, checking: Checking) -> tuple[Finding, ...]:
    grounded = reserved.routed.grounded
    return (*reserved.routed.screened.findings, *(grounded.findings if grounded else ()), *checking.state().findings)


def _nearest(reserved: Reserved) -> tuple[Citation, ...]:
    grounded = reserved.routed.grounded
    if grounded is None or grounded.mode is not Mode.ABSTAIN:
        return ()
    return tuple(
        Citation(n, each.passage.document, each.passage.version, each.passage.start, each.passage.end, each.passage.place, quote="")
        for n, each in enumerate(grounded.passages[:3], start=1)
    )


def _outcome(error: HeadraceError) -> str:
    """Refused: someone decided so. Failed: something did not work."""
    return "refused" if isinstance(error, BadRequest | Forbidden | Refused | NotFound | Overloaded) else "failed"
