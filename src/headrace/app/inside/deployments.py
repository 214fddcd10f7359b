"""The deployments that a gateway reaches: opened once for each form, kept over revisions that do not change them.

A deployment that a revision drops or changes is closed later: answers under way hold on to the one they were given.
"""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.adapters.models.exchange import Endpoint
from headrace.adapters.models.openai import OpenAIChat
from headrace.adapters.models.openai_vectors import OpenAIVectors
from headrace.app.processes.engines import process_of
from headrace.finops.slots import SlotMeter
from headrace.knowledge.vectors import OwnEmbedder
from headrace.routing.running import Running, RunningEmbedder
from headrace.routing.slots import Slots

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from headrace.config.layout import Layout
    from headrace.config.model import Deployment, EmbeddedEngine, Provider, Workspace
    from headrace.core.ports import Clock

QUEUE_FOR_EACH_SLOT = 8
"""Requests that may wait for one slot: more would wait longer than anyone does."""
PATIENCE = 30.0
"""Seconds that a request waits for a slot."""
ENGINE_WITHIN = 20.0
"""Seconds that a new revision waits for the engines it adds, so that nobody is turned to one that still loads."""
_LOOK = 0.05

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Open:
    """One deployment as it was opened: to write, to give vectors, or for either."""

    chat: Running | None
    embedder: RunningEmbedder | None

    @property
    def any(self) -> Running | RunningEmbedder:
        """One of them: they share form, slots and meter."""
        found = self.chat or self.embedder
        assert found is not None  # noqa: S101 - what is opened is opened for something
        return found

    async def close(self) -> None:
        """Let its connections go."""
        for each in (self.chat, self.embedder):
            if each is not None:
                await each.model.close()


class Deployments:
    """Everything that runs, by deployment and form."""

    def __init__(self, layout: Layout, clock: Clock) -> None:
        self._layout = layout
        self._clock = clock
        self._open: dict[str, Open] = {}
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> Mapping[str, Running | RunningEmbedder]:
        """Those of the revision in force, by name."""
        return {name: each.any for name, each in self._open.items()}

    @property
    def chat(self) -> Mapping[str, Running]:
        """Those of the revision in force that write, by name."""
        return {name: each.chat for name, each in self._open.items() if each.chat is not None}

    @property
    def embedders(self) -> Mapping[str, RunningEmbedder]:
        """Those of the revision in force that give vectors, by name."""
        return {name: each.embedder for name, each in self._open.items() if each.embedder is not None}

    def turn(self, workspace: Workspace) -> None:
        """Open what the revision adds or changes, let go of what it drops."""
        kept: dict[str, Open] = {}
        for name, form in workspace.deployments.items():
            held = self._open.get(name)
            kept[name] = held if held is not None and held.any.form == form else self._opened(form)
        for name, held in self._open.items():
            if kept.get(name) is not held:
                self._later(held, workspace.root.limits.answer_within.seconds)
        self._open = kept

    def socket(self, name: str, form: EmbeddedEngine) -> Path:
        """Where an embedded deployment's engine listens."""
        return self._layout.socket(process_of(name, form))

    async def loaded(self, workspace: Workspace, within: float = ENGINE_WITHIN) -> bool:
        """Wait until every engine of the revision listens; False when one does not in time."""
        sockets = [self.socket(name, form.embedded) for name, form in workspace.deployments.items() if form.embedded is not None]
        try:
            async with asyncio.timeout(within):
                while not all([await asyncio.to_thread(each.exists) for each in sockets]):
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Let every connection go."""
        for task in self._closing:
            task.cancel()
        await asyncio.gather(*(held.close() for held in self._open.values()))

    def _opened(self, form: Deployment) -> Open:
        if form.embedded is not None:
            slots = form.embedded.slots
            endpoint = Endpoint.embedded(self.socket(form.deployment, form.embedded), slots=slots)
            model = OpenAIChat(endpoint, form.embedded.model)
            return Open(Running(form, model, _slots(slots), SlotMeter(self._clock)), None)
        if form.embedder is not None:
            embedder = OwnEmbedder(self._layout.socket("knowledge"))
            return Open(None, RunningEmbedder(form, embedder, _slots(form.embedder.slots), SlotMeter(self._clock)))
        assert form.provider is not None  # noqa: S101 - the form has exactly one of the three
        return self._provided(form, form.provider)

    def _provided(self, form: Deployment, provider: Provider) -> Open:
        """What a provider's model is for, the services that name it say; both kinds of exchange share its slots."""
        endpoint = Endpoint(
            url=provider.url,
            key=key_of(provider),
            connections=provider.concurrency,
            answer_within=provider.answer_within.seconds,
        )
        slots = _slots(provider.concurrency)
        embedder = RunningEmbedder(form, OpenAIVectors(endpoint, provider.model), slots, None)
        return Open(Running(form, OpenAIChat(endpoint, provider.model), slots, None), embedder)

    def _later(self, held: Open, seconds: float) -> None:
        async def close() -> None:
            try:
                await asyncio.sleep(seconds)
            finally:
                await held.close()

        task = asyncio.create_task(close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _slots(size: int) -> Slots:
    return Slots(size, queue=size * QUEUE_FOR_EACH_SLOT, patience=PATIENCE)


def key_of(provider: Provider) -> str | None:
    """The provider's key from the environment; None when it needs none, or when the variable is not set (which the log says)."""
    if provider.key is None:
        return None
    name = provider.key.removeprefix("env:")
    found = os.environ.get(name)
    if not found:
        _log.error("the environment variable %s is not set, so the provider at %s will refuse us", name, provider.url)
    return found
