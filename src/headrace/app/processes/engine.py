"""An engine process: one form of one embedded deployment, served by llama.cpp on a Unix socket.

It imports neither forms nor their library: what it holds beside the model is its own price.
"""

from __future__ import annotations

import functools

import msgspec

from headrace.adapters.engines import llama
from headrace.adapters.weights.store import ModelStore, default_folder
from headrace.app.processes import child
from headrace.config.layout import Layout


class Form(msgspec.Struct, frozen=True):
    """What it was started for (:func:`headrace.app.processes.engines.written`): the fields of a deployment's ``embedded``."""

    model: str
    slots: int
    context: int
    threads: int | None = None


async def serve(name: str, form: Form, layout: Layout) -> None:
    """Serve the form until cancelled. Raises OperationFailed when its weights are not here or do not load."""
    await llama.serve(form, ModelStore(default_folder()).path(form.model), layout.socket(name))


if __name__ == "__main__":
    given = child.arguments("An engine process", "name", "form")
    form = msgspec.json.decode(given.form, type=Form)
    child.run(given.name, Layout(given.workspace), functools.partial(serve, given.name, form))
