"""An engine process: one embedded deployment, served by llama.cpp on a Unix socket."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from headrace.adapters.engines import llama
from headrace.adapters.weights.store import ModelStore, default_folder
from headrace.app.processes import child
from headrace.app.wiring import current_workspace
from headrace.config.layout import Layout
from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from headrace.config.model import EmbeddedEngine


def engine_of(layout: Layout, deployment: str) -> EmbeddedEngine:
    """The embedded engine's form in the revision in force. Raises OperationFailed when the deployment has none."""
    form = current_workspace(layout).deployments.get(deployment)
    if form is None or form.embedded is None:
        msg = f'Deployment "{deployment}" is not embedded in the revision in force.'
        raise OperationFailed(msg)
    return form.embedded


async def serve(deployment: str, layout: Layout) -> None:
    """Serve the deployment until cancelled."""
    engine = engine_of(layout, deployment)
    await llama.serve(engine, ModelStore(default_folder()).path(engine.model), layout.socket(f"engine-{deployment}"))


if __name__ == "__main__":
    given = child.arguments("An engine process", "deployment")
    child.run(f"engine-{given.deployment}", Layout(given.workspace), functools.partial(serve, given.deployment))
