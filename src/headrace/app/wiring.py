"""Which driver stands behind each port of the gateway. The only place that picks."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, closing, suppress
from functools import cache, partial
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from headrace.app.ids import RandomIds, SystemClock
from headrace.app.inside.deployments import Deployments
from headrace.app.inside.gateway import Inside, Parts
from headrace.app.inside.meters import register
from headrace.app.revisions import Follower, control_store, current
from headrace.core.errors import Unavailable
from headrace.evidence.client import LedgerClient
from headrace.guardrails.catalogue import guards
from headrace.knowledge.client import KnowledgeClient
from headrace.knowledge.documents.store import DocumentStore
from headrace.policy.directory import KeyDirectory
from headrace.policy.engine import CedarEngine
from headrace.policy.sessions import ConsoleSessions
from headrace.policy.uses import EVERY_S, KeyUses

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence

    from headrace.adapters.stores.control import ControlStore
    from headrace.config.layout import Layout
    from headrace.config.model import Workspace


@asynccontextmanager
async def open_gateway(layout: Layout, living: Sequence[str] = ()) -> AsyncGenerator[Inside]:
    """The inside of a gateway for the block, following the revision in force.

    What an earlier gateway left open is closed as interrupted first, but not what the instances that are `living` still answer. Raises
    OperationFailed when there is no revision, Unavailable when the ledger does not come.
    """
    clock, ids, registry = SystemClock(), RandomIds(), CollectorRegistry()
    ledger = LedgerClient(layout.socket("ledger"))
    instance = ids.request().replace("req_", "gw_")
    await ledger.interrupt([instance, *living])
    with closing(control_store(layout)) as store:
        revision, version = current(store)
        deployments = Deployments(layout, clock)
        sessions, uses, policies = ConsoleSessions(store, store.sessions, store.people, clock), KeyUses(), Policies()
        parts = Parts(
            layout=layout,
            instance=instance,
            clock=clock,
            ids=ids,
            registry=registry,
            sessions=sessions,
            store=store,
            ledger=ledger,
            knowledge=KnowledgeClient(layout.socket("knowledge")),
            deployments=deployments,
            guards=guards(),
            directory=partial(KeyDirectory, store, sessions, store.people, uses, clock),
            policy=policies.of,
            documents=_documents(layout),
        )
        inside = Inside(parts, revision)
        register(registry, deployments, policies.alarms)
        async with _aside(Follower(store, inside.turn, version).forever(), _write_uses(uses, store)):
            try:
                yield inside
            finally:
                await inside.close()


@asynccontextmanager
async def _aside(*works: Coroutine[None, None, None]) -> AsyncGenerator[None]:
    """Work beside the block; it is over when the block is."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _write_uses(uses: KeyUses, store: ControlStore) -> None:
    """Write down when keys were last used, now and then, and once more at the end."""
    try:
        while True:
            await asyncio.sleep(EVERY_S)
            with suppress(Unavailable):
                await asyncio.to_thread(uses.write, store)
    finally:
        with suppress(Unavailable):
            uses.write(store)


class Policies:
    """The policy engine of each revision that was in force in this process."""

    def __init__(self) -> None:
        self._before = 0
        self._now: CedarEngine | None = None

    def of(self, workspace: Workspace) -> CedarEngine:
        """The engine of a revision that is about to be in force."""
        made = CedarEngine(workspace)
        self._before, self._now = self.alarms(), made
        return made

    def alarms(self) -> int:
        """Questions that could not be decided, over all of them."""
        return self._before + (self._now.alarms if self._now is not None else 0)


def _documents(layout: Layout) -> Callable[[str], DocumentStore]:
    """One store a tenant: it remembers what it read lately."""

    @cache
    def of_tenant(tenant: str) -> DocumentStore:
        return DocumentStore(layout.documents(tenant))

    return of_tenant
