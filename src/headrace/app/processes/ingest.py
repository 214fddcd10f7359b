"""The ingest process: watches the sources and starts a pass when something changed. It stays light; the pass does not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from headrace.app.ingest.watcher import watch
from headrace.app.processes import child
from headrace.config.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path

NICE = 5


async def serve(layout: Layout) -> None:
    """Watch until cancelled."""
    folder: Path = layout.workspace
    os.nice(NICE)
    await watch(folder)


if __name__ == "__main__":
    child.run("ingest", Layout(child.arguments("The ingest process").workspace), serve)
