"""A deployment that runs: its form, its model, its slots and its meter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.config.model import Deployment
    from headrace.core.ports import ChatModel, SlotClock, VectorModel
    from headrace.routing.slots import Slots


@dataclass(frozen=True, slots=True)
class Running:
    """One deployment as the gateway reaches it."""

    form: Deployment
    model: ChatModel
    slots: Slots
    meter: SlotClock | None
    """Engine time by slot; None where tokens are billed."""

    @property
    def context(self) -> int | None:
        """Tokens that one answer and its prompt may take together; None when only the provider knows."""
        if self.form.embedded is not None:
            return self.form.embedded.context // self.form.embedded.slots
        return self.form.provider.context if self.form.provider else None


@dataclass(frozen=True, slots=True)
class RunningEmbedder:
    """One deployment that gives vectors, as the gateway reaches it."""

    form: Deployment
    model: VectorModel
    slots: Slots
    meter: SlotClock | None
    """Its time by slot; None where tokens are billed."""
