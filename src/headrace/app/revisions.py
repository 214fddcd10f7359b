"""The revision in force, as every process sees it: read from the control store, and followed while the installation runs."""

from __future__ import annotations

import asyncio
import logging
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from headrace.adapters.stores.control import ControlStore
from headrace.config.files import require_workspace
from headrace.core.errors import HeadraceError, OperationFailed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from headrace.config.layout import Layout
    from headrace.config.model import Workspace
    from headrace.config.revision import Revision

EVERY = 0.5
"""Seconds between two looks at the pointer: apply and rollback hold within a few of them."""

_log = logging.getLogger(__name__)


def require_applied(layout: Layout) -> None:
    """Raises OperationFailed where nothing was ever applied, or where there is no workspace."""
    if not layout.control.exists():
        require_workspace(layout.workspace)
        msg = f"Nothing was ever applied at {layout.workspace}."
        raise OperationFailed(msg, code="workspace.nothing_applied", mend="headrace apply puts the workspace's files in force.")


def control_store(layout: Layout) -> ControlStore:
    """The control store of a workspace whose revision is in force. Raises OperationFailed when nothing was ever applied, or there is no
    workspace."""
    require_applied(layout)
    return ControlStore(layout.control)


def current_workspace(layout: Layout) -> Workspace:
    """What the revision in force says. Raises OperationFailed when there is none, or it cannot be read."""
    with closing(control_store(layout)) as store:
        return current(store)[0].compile()


def current(store: ControlStore) -> tuple[Revision, int]:
    """The revision in force, and the number of the turn that put it there. Raises OperationFailed when there is none.

    The number is read first: a turn in between gives the newer revision with the older number, and the next look sees it again.
    """
    version, revision = store.version(), store.current()
    if revision is None:
        msg = "No revision is in force."
        raise OperationFailed(msg, code="workspace.nothing_applied", mend="headrace apply puts the workspace's files in force.")
    return revision, version


class Arrivals:
    """Since when each service is in force without a break: what no revision in between left out. Each turn is read once."""

    def __init__(self, store: ControlStore) -> None:
        self._store = store
        self._seen = 0
        self._since: Mapping[str, int] = {}

    def since(self) -> Mapping[str, int]:
        """Microseconds since 1970, by service."""
        for turn in self._store.turns(self._seen):
            names = (path.removeprefix("services/").removesuffix(".yaml") for path in turn.paths if path.startswith("services/"))
            self._since = {name: self._since.get(name, turn.time_us) for name in names}
            self._seen = turn.n
        return self._since


class Follower:
    """Looks at the pointer, and turns what runs to each new revision."""

    def __init__(self, store: ControlStore, turn: Callable[[Revision], Awaitable[None]], seen: int) -> None:
        self._store = store
        self._turn = turn
        self._seen = seen
        self._failed = 0

    async def until(self, stop: asyncio.Event) -> None:
        """Follow until told to stop."""
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), EVERY)
            await self.look()

    async def forever(self) -> None:
        """Follow until cancelled."""
        await self.until(asyncio.Event())

    async def look(self) -> None:
        """One look. A revision that cannot be followed, or a store that cannot be read, leaves what runs as it is and is told once in the
        log; every later look tries again."""
        try:
            if self._store.version() == self._seen:
                return
            revision, version = current(self._store)
            await self._turn(revision)
        except HeadraceError as error:
            if self._failed == 0:
                _log.error("the revision in force could not be followed: %s", error)
            self._failed += 1
            return
        self._seen, self._failed = version, 0
        _log.info("follows revision %s", revision.short)
