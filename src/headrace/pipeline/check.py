"""Checked: the output guards look at what was generated, holding back just enough that no match can slip out in pieces."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from headrace.core.events import CleanDelta
from headrace.core.flow import Checked
from headrace.guardrails.window import Window

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from headrace.core.events import TextDelta
    from headrace.core.flow import Reserved
    from headrace.pipeline.rooms import Rooms


def run(deltas: AsyncGenerator[TextDelta], reserved: Reserved, rooms: Rooms) -> Checking:
    """The same text, screened by the service's output guards."""
    return Checking(deltas, reserved, rooms)


class Checking:
    """A stream of clean text and, once closed, what was found."""

    def __init__(self, deltas: AsyncGenerator[TextDelta], reserved: Reserved, rooms: Rooms) -> None:
        screened = reserved.routed.screened
        self._deltas = deltas
        self._window = Window(rooms.rules[screened.call.service].output, screened.masks)

    async def events(self) -> AsyncGenerator[CleanDelta]:
        """Raises Refused when a guard stops the answer; nothing of the refused stretch was let out."""
        async with aclosing(self._deltas):
            async for delta in self._deltas:
                if text := self._window.push(delta.text):
                    yield CleanDelta(text)
                self._stop_if_refused()
        if text := self._window.finish():
            yield CleanDelta(text)
        self._stop_if_refused()

    def state(self) -> Checked:
        """What has been found so far."""
        return Checked(tuple(self._window.findings), self._window.reach)

    def _stop_if_refused(self) -> None:
        if self._window.refusal is not None:
            raise self._window.refusal
