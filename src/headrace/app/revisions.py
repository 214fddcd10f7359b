"""The revision in force, and following it while the installation runs."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from headrace.app.wiring import control_store, current_workspace
from headrace.core.errors import HeadraceError

if TYPE_CHECKING:
    from headrace.app.installation import Installation
    from headrace.config.layout import Layout

EVERY = 1.0
"""Seconds between two looks at the pointer: apply and rollback hold within a few of them."""

_log = logging.getLogger(__name__)


class Follower:
    """Keeps the processes in step with the revision in force."""

    def __init__(self, layout: Layout, installation: Installation) -> None:
        self._layout = layout
        self._installation = installation

    async def until(self, stop: asyncio.Event) -> None:
        """Follow until told to stop. A revision whose processes do not start is told in the log; the next look tries again."""
        store = control_store(self._layout)
        seen = store.version()
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), EVERY)
            version = store.version()
            if version == seen:
                continue
            try:
                await self._installation.follow(current_workspace(self._layout))
                seen = version
            except HeadraceError as error:
                _log.error("the processes could not follow the revision: %s", error)
