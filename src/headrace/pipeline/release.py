"""Released: masks are undone for those who may see through them, and the citations are made out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from headrace.core.events import CleanDelta
from headrace.core.flow import Citation, Released
from headrace.guardrails.masks import Unmasking

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from headrace.core.flow import Reserved
    from headrace.core.values import Decision
    from headrace.pipeline.check import Checking
    from headrace.pipeline.rooms import Rooms


def run(deltas: AsyncGenerator[CleanDelta], checking: Checking, reserved: Reserved, rooms: Rooms) -> Releasing:
    """The same text as its asker may see it."""
    return Releasing(deltas, checking, reserved, rooms)


class Releasing:
    """The stream that leaves and, once closed, the whole of what left."""

    def __init__(self, deltas: AsyncGenerator[CleanDelta], checking: Checking, reserved: Reserved, rooms: Rooms) -> None:
        self._deltas = deltas
        self._checking = checking
        self._reserved = reserved
        self._screened = reserved.routed.screened
        self._decision: Decision = rooms.policy.decide(self._screened.principal, "unmask", ("Service", self._screened.call.service), {})
        undo = partial(self._screened.masks.unmask, json=self._screened.call.sampling.format is not None)
        self._unmasking = Unmasking(undo) if self._decision.allowed else None
        self._sent: list[str] = []

    async def events(self) -> AsyncGenerator[CleanDelta]:
        """What the client receives, in order."""
        try:
            async for delta in self._deltas:
                if text := self._unmasking.push(delta.text) if self._unmasking else delta.text:
                    self._sent.append(text)
                    yield CleanDelta(text)
        finally:
            await self._deltas.aclose()
        if self._unmasking and (text := self._unmasking.finish()):
            self._sent.append(text)
            yield CleanDelta(text)

    def state(self) -> Released:
        """What has left so far."""
        return Released("".join(self._sent), self._citations(), self._unmasking.undone if self._unmasking else 0, self._decision)

    def _citations(self) -> tuple[Citation, ...]:
        grounded = self._reserved.routed.grounded
        if grounded is None:
            return ()
        return tuple(
            Citation(
                n=n,
                document=grounded.passages[each.quote.passage].passage.document,
                version=grounded.passages[each.quote.passage].passage.version,
                start=each.quote.start,
                end=each.quote.end,
                place=self._shown(each.quote.place),
                quote=self._shown(each.text.text),
                confidence=each.quote.confidence,
            )
            for n, each in enumerate(self._checking.state().quotes, start=1)
        )

    def _shown(self, text: str) -> str:
        return self._screened.masks.unmask(text)[0] if self._decision.allowed else text
