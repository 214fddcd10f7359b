"""An engine process: one form of one embedded deployment, served by llama.cpp on a Unix socket."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from headrace.adapters.engines import llama
from headrace.adapters.weights.store import ModelStore, default_folder
from headrace.app import engines
from headrace.app.processes import child
from headrace.config.layout import Layout

if TYPE_CHECKING:
    from headrace.config.model import EmbeddedEngine


async def serve(name: str, form: EmbeddedEngine, layout: Layout) -> None:
    """Serve the form until cancelled. Raises OperationFailed when its weights are not here or do not load."""
    await llama.serve(form, ModelStore(default_folder()).path(form.model), layout.socket(name))


if __name__ == "__main__":
    given = child.arguments("An engine process", "deployment", "form")
    engine = engines.read(given.form)
    process = engines.process_of(given.deployment, engine)
    child.run(process, Layout(given.workspace), functools.partial(serve, process, engine))
