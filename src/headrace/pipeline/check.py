"""Checked: a draft's sentences are held against the evidence, and the output guards look at what is left, holding back just enough that no
match can slip out in pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.core.events import CleanDelta
from headrace.core.flow import Checked
from headrace.core.values import Mode
from headrace.guardrails.window import Window
from headrace.pipeline.drafted import Drafted

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from headrace.core.events import TextDelta
    from headrace.core.flow import Reserved
    from headrace.pipeline.generate import Generation
    from headrace.pipeline.rooms import Rooms


def run(deltas: AsyncGenerator[TextDelta], generation: Generation, reserved: Reserved, rooms: Rooms) -> Checking:
    """Of a draft what the evidence supports, of all else the same text, screened by the service's output guards."""
    return Checking(deltas, generation, reserved, rooms)


class Checking:
    """A stream of clean text and, once closed, what was found."""

    def __init__(self, deltas: AsyncGenerator[TextDelta], generation: Generation, reserved: Reserved, rooms: Rooms) -> None:
        screened = reserved.routed.screened
        self._grounded = reserved.routed.grounded
        self._mode = generation.mode
        self._drafted = Drafted(deltas, generation, reserved, rooms) if self._mode is Mode.DRAFT else None
        self._deltas = self._drafted.events() if self._drafted else deltas
        self._window = Window(rooms.rules[screened.call.service].output, screened.masks)

    async def events(self) -> AsyncGenerator[CleanDelta]:
        """Raises Refused when a guard stops the answer; nothing of the refused stretch was let out."""
        try:
            async for delta in self._deltas:
                if text := self._window.push(delta.text):
                    yield CleanDelta(text)
                self._stop_if_refused()
        finally:
            await self._deltas.aclose()
        if text := self._window.finish():
            yield CleanDelta(text)
        self._stop_if_refused()

    def state(self) -> Checked:
        """What has been found so far."""
        findings, reach = tuple(self._window.findings), self._window.reach
        if self._drafted is not None:
            return Checked(self._drafted.mode, findings, reach, self._drafted.quotes, tuple(self._drafted.sentences))
        quotes = self._grounded.quotes if self._grounded is not None and self._mode is Mode.QUOTE else ()
        return Checked(self._mode, findings, reach, quotes)

    def _stop_if_refused(self) -> None:
        if self._window.refusal is not None:
            raise self._window.refusal
