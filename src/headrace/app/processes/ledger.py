"""The ledger process: one sequencer for the whole installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.app.processes import child
from headrace.config.layout import Layout
from headrace.evidence import sequencer

if TYPE_CHECKING:
    from pathlib import Path

LOOKS_ROUND = 1.0
"""Seconds for which it waits to learn whether its supervisor is gone: one that is killed goes thread by thread."""
OUTLASTS = 33.0
"""Seconds for which a ledger whose supervisor is gone serves the gateway that ends with it: longer than that one drains."""
PATIENCE = 40.0
"""Seconds to wait for the ledger of an installation that is ending: longer than that one outlasts its gateway."""


async def serve(layout: Layout) -> None:
    """Serve the log of this workspace until cancelled."""
    folder: Path = layout.ledger
    folder.mkdir(parents=True, exist_ok=True)
    await sequencer.serve(folder, layout.socket("ledger"), patience=PATIENCE, outlasts=_outlasts)


def _outlasts() -> float:
    """A supervisor stops the gateway first; one that was killed has told both at the same moment."""
    return OUTLASTS if child.orphaned() else LOOKS_ROUND


if __name__ == "__main__":
    child.run("ledger", Layout(child.arguments("The ledger process").workspace), serve)
