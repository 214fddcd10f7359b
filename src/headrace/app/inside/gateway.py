"""The gateway process from the inside: the revision in force as rooms, and what the HTTP application asks of them.

A request gets the rooms that stand when it comes in and keeps them to its end. A new revision is made ready beside the one in force, with
its engines loaded, and then takes its place in one assignment: no request sees half of each.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from headrace.app.acts import recording
from headrace.app.http.ports.gateway import Readiness
from headrace.app.inside import catalogue
from headrace.app.inside.library import SourceLibrary
from headrace.app.inside.log import ShownLog
from headrace.app.inside.revisions import WorkspaceRevisions
from headrace.app.people.desk import PeopleDesk
from headrace.app.people.joining import Joining
from headrace.app.people.signing_in import ProviderSignIns
from headrace.app.requests.following import Following
from headrace.app.revisions import Arrivals
from headrace.core.errors import HeadraceError
from headrace.pipeline import line
from headrace.pipeline.rooms import Rooms, ServiceRules

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence

    from prometheus_client import CollectorRegistry

    from headrace.adapters.stores.control import ControlStore
    from headrace.app.http.ports.gateway import Offer, Sessions
    from headrace.app.http.ports.identity import SignIns
    from headrace.app.http.ports.library import Library
    from headrace.app.http.ports.people import People
    from headrace.app.http.ports.revisions import Revisions
    from headrace.app.inside.deployments import Deployments
    from headrace.app.requests.port import Requests
    from headrace.config.layout import Layout
    from headrace.config.model import GuardActions, Limits, Service, Workspace
    from headrace.config.revision import Revision
    from headrace.core.events import CleanDelta
    from headrace.core.flow import Answer, Opened, Received
    from headrace.core.ports import Clock, Directory, Guard, Ids, PolicyEngine
    from headrace.core.search import Passages, Search
    from headrace.core.values import Principal
    from headrace.core.vectors import Embeddings, Texts
    from headrace.evidence.client import LedgerClient
    from headrace.knowledge.client import KnowledgeClient
    from headrace.knowledge.documents.store import DocumentStore
    from headrace.pipeline.rooms import Rules
    from headrace.policy.sessions import ConsoleSessions

LOOK_WITHIN = 0.8
"""Seconds that readiness waits for a part."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the wiring picked."""

    layout: Layout
    instance: str
    clock: Clock
    ids: Ids
    registry: CollectorRegistry
    sessions: ConsoleSessions
    store: ControlStore
    ledger: LedgerClient
    knowledge: KnowledgeClient
    deployments: Deployments
    guards: Mapping[str, Guard]
    directory: Callable[[Workspace], Directory]
    policy: Callable[[Workspace], PolicyEngine]
    documents: Callable[[str], DocumentStore]
    """The stored texts of a tenant."""


class Inside:
    """The inside of one gateway. Port :class:`headrace.app.http.ports.gateway.Gateway`."""

    def __init__(self, parts: Parts, revision: Revision) -> None:
        self._parts = parts
        self._rooms = self._built(revision)
        self._names = frozenset(self._rooms.workspace.services)
        self._log = ShownLog(parts.layout.ledger, lambda: self._rooms)
        self._library = SourceLibrary(parts.layout, lambda: self._rooms, parts.documents)
        self._requests = Following(parts.ledger, parts.layout, lambda: self._rooms, self._library)
        self._arrivals = Arrivals(parts.store)
        self._since = self._arrivals.since()
        joining = Joining(parts.store, partial(recording.append, parts.ledger), parts.clock)
        record = partial(recording.append, parts.ledger)
        self._people = PeopleDesk(lambda: self._rooms, parts.store, record, parts.clock)
        joining = Joining(parts.store, record, parts.clock)
        self._sign_ins = ProviderSignIns(lambda: self._rooms.workspace, parts.store, parts.sessions, joining, parts.clock)
        self._revisions = WorkspaceRevisions(parts.store, record, lambda: self._rooms)

    async def turn(self, revision: Revision) -> None:
        """Put a revision in force in this process. Raises OperationFailed when it cannot be read; the one before stands then."""
        workspace = revision.compile()
        if not await self._parts.deployments.loaded(workspace):
            _log.warning("not every engine of revision %s has loaded; it is in force all the same", revision.short)
        self._rooms = self._built(revision)
        self._names = frozenset(self._rooms.workspace.services)
        self._since = self._arrivals.since()

    @property
    def limits(self) -> Limits:
        """What is accepted of one client."""
        return self._rooms.workspace.root.limits

    @property
    def clock(self) -> Clock:
        """Time."""
        return self._parts.clock

    @property
    def instance(self) -> str:
        """What the records call this gateway."""
        return self._parts.instance

    @property
    def ids(self) -> Ids:
        """Request ids and salts."""
        return self._parts.ids

    @property
    def registry(self) -> CollectorRegistry:
        """Where metrics are registered."""
        return self._parts.registry

    @property
    def sessions(self) -> Sessions:
        """Console sessions."""
        return self._parts.sessions

    @property
    def log(self) -> ShownLog:
        """The log, as it may be shown."""
        return self._log

    @property
    def library(self) -> Library:
        """Sources and documents."""
        return self._library

    @property
    def requests(self) -> Requests:
        """Following requests."""
        return self._requests

    @property
    def people(self) -> People:
        """People, keys and sessions."""
        return self._people

    @property
    def sign_ins(self) -> SignIns:
        """Signing in with a company's provider."""
        return self._sign_ins

    @property
    def revisions(self) -> Revisions:
        """What is in force, and what was."""
        return self._revisions

    @property
    def hosts(self) -> Collection[str]:
        """Host names under which browsers reach the console, beside IP addresses and ``localhost``."""
        return self._rooms.workspace.root.hosts

    def service_names(self) -> Collection[str]:
        """Every service of the revision in force."""
        return self._names

    def answer(self, received: Received) -> AsyncGenerator[Opened | CleanDelta | Answer]:
        """The line, in the rooms that stand now."""
        return line.answer(received, self._rooms)

    async def embed(self, asked: Texts) -> Embeddings:
        """The line for vectors, in the rooms that stand now."""
        return await line.embed(asked, self._rooms)

    async def find(self, asked: Search) -> Passages:
        """The line for searches, in the rooms that stand now."""
        return await line.find(asked, self._rooms)

    async def authenticate(self, credential: str) -> Principal:
        """Who shows this key or session token. Raises Unauthenticated."""
        return await self._rooms.directory.authenticate(credential)

    def services(self, principal: Principal) -> Sequence[Offer]:
        """The services that policy lets this principal ask, in order of name."""
        rooms = self._rooms
        asked = ((name, rooms.policy.decide(principal, "ask", ("Service", name), {})) for name in sorted(self._names))
        layout, workspace = self._parts.layout, rooms.workspace
        forms = [workspace.services[name] for name, decision in asked if decision.allowed]
        return [catalogue.offer(layout, workspace, form, self._since.get(form.service, 0)) for form in forms]

    def observes(self, principal: Principal) -> bool:
        """May this principal read the metrics?"""
        return self._rooms.policy.decide(principal, "observe", ("Tenant", principal.tenant), {}).allowed

    async def readiness(self) -> Readiness:
        """What is there and what still warms. Never raises; answers within a second."""
        rooms = self._rooms
        looks = [self._heard("ledger", self._parts.ledger.ready())]
        if rooms.workspace.searches:
            looks.append(self._heard("knowledge", self._parts.knowledge.ready()))
        parts = dict(await asyncio.gather(*looks))
        for name, form in rooms.workspace.deployments.items():
            if form.embedded is not None:
                there = self._parts.deployments.socket(name, form.embedded).exists()
                parts[f"engine-{name}"] = "ready" if there else "loads its weights"
        return Readiness(serves=all(word == "ready" for word in parts.values()), parts=parts)

    async def close(self) -> None:
        """Let every connection go."""
        self._log.close()
        await self._parts.deployments.close()
        await self._parts.knowledge.close()
        await self._parts.ledger.close()

    def _built(self, revision: Revision) -> Rooms:
        parts, workspace = self._parts, revision.compile()
        parts.deployments.turn(workspace)
        return Rooms(
            revision=revision.id,
            instance=parts.instance,
            workspace=workspace,
            rules={name: self._rules(workspace, service) for name, service in workspace.services.items()},
            deployments=parts.deployments.chat,
            embedders=parts.deployments.embedders,
            directory=parts.directory(workspace),
            policy=parts.policy(workspace),
            retriever=parts.knowledge,
            checker=parts.knowledge,
            ledger=parts.ledger,
            clock=parts.clock,
            ids=parts.ids,
        )

    def _rules(self, workspace: Workspace, service: Service) -> ServiceRules:
        prompt = workspace.prompts[service.prompt] if service.prompt is not None else None
        guards = service.guards
        return ServiceRules(
            input=self._ruled(guards.input),
            passages=self._ruled(guards.passages),
            output=self._ruled(guards.output),
            prompt=prompt.strip() if prompt is not None else None,
        )

    def _ruled(self, actions: GuardActions) -> Rules:
        return tuple((self._parts.guards[name], action) for name, action in actions.items())

    @staticmethod
    async def _heard(name: str, asked: Awaitable[object]) -> tuple[str, str]:
        try:
            async with asyncio.timeout(LOOK_WITHIN):
                await asked
        except TimeoutError:
            return name, "does not answer"
        except HeadraceError as error:
            return name, error.message
        return name, "ready"
