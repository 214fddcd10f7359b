"""Embedded: each text's vector, from the deployment that was chosen. What it used is metered here, at the model's edge."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from headrace.core.values import Usage
from headrace.core.vectors import Embedded
from headrace.finops.price import price

if TYPE_CHECKING:
    from headrace.core.flow import Reserved
    from headrace.core.ports import Bill
    from headrace.core.values import Money
    from headrace.pipeline.rooms import Rooms
    from headrace.routing.running import RunningEmbedder


class Embedding:
    """The vectors of one request as they are made, and what that has used so far: it is paid also when the client leaves."""

    def __init__(self, reserved: Reserved, dimensions: int | None, rooms: Rooms) -> None:
        self._prompt = reserved.routed.prompt
        self._dimensions = dimensions
        self._running: RunningEmbedder = rooms.embedders[str(reserved.routed.deployment)]
        self._currency = rooms.workspace.root.currency
        self._bill: Bill | None = None
        self._tokens = 0

    async def run(self) -> Embedded:
        """Raises PromptTooLong for a text that the model would cut short, and what else its port raises."""
        meter = self._running.meter
        metered: AbstractContextManager[Bill | None] = meter.answer() if meter else nullcontext()
        with metered as self._bill:
            vectors = await self._running.model.embed(self._prompt, self._dimensions)
        self._tokens = vectors.tokens
        form = self._running.form
        return Embedded(form.deployment, form.model, vectors, self.usage())

    def usage(self) -> Usage:
        """What has been used so far."""
        return Usage(input=self._tokens, slot_seconds=self._bill.seconds if self._bill else 0.0)

    def cost(self, usage: Usage) -> Money:
        """What this usage costs on the deployment."""
        return price(usage, self._running.form.price, self._currency)
