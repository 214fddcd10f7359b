"""The ledger process: one sequencer for the whole installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.app.processes import child
from headrace.config.layout import Layout
from headrace.evidence import sequencer

if TYPE_CHECKING:
    from pathlib import Path


async def serve(layout: Layout) -> None:
    """Serve the log of this workspace until cancelled."""
    folder: Path = layout.ledger
    folder.mkdir(parents=True, exist_ok=True)
    await sequencer.serve(folder, layout.socket("ledger"))


if __name__ == "__main__":
    child.run("ledger", Layout(child.arguments("The ledger process").workspace), serve)
