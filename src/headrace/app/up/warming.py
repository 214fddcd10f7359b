"""Waiting for the parts of a started installation to get ready."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threading import Event

    from headrace.app.client.api import Api

LOOK = 0.05


def warmed(api: Api, within: float, stopping: Event) -> list[str]:
    """Wait until every part is ready, at most `within` seconds; what still is not, each with what it says of itself."""
    deadline = time.monotonic() + within
    while True:
        waiting = [f"{name}: {word}" for name, word in api.readiness().items() if word != "ready"]
        if not waiting or stopping.is_set() or time.monotonic() > deadline:
            return waiting
        time.sleep(LOOK)
