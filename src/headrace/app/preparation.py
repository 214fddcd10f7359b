"""What must be there before anything starts: a workspace, model weights, a revision in force."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from headrace.adapters.weights.catalogue import needed
from headrace.adapters.weights.store import ModelStore, default_folder
from headrace.app.changes import apply, open_store
from headrace.app.checking import check_folder
from headrace.app.revisions import current_workspace
from headrace.config import template
from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from headrace.adapters.weights.sources import Step
    from headrace.config.layout import Layout
    from headrace.config.model import Model, Workspace

_MEGABYTE = 1_000_000


def workspace_for(layout: Layout, documents: Path | None) -> None:
    """Make a workspace where there is none, else point the one that is there to `documents`.

    Raises OperationFailed; nothing is half-made then.
    """
    if not template.is_workspace(layout.workspace):
        template.write(layout.workspace, documents)
    elif documents is not None:
        template.point_documents(layout.workspace, documents)


def fetched(layout: Layout) -> None:
    """Fetch the weights that the workspace's files ask for and that are not here, telling how far it is. Raises OperationFailed."""
    checked = check_folder(layout.workspace)
    store = ModelStore(default_folder())
    for model in needed(checked.workspace):
        if not store.has(model):
            _pull(store, model, layout.workspace)
        manifest = store.manifest(model.model)
        click.echo(f"{'models':<11}{model.model:<26}{manifest.size / _MEGABYTE:>4.0f} MB ✓  (SHA-256 checked when it was fetched)")


def in_force(layout: Layout) -> Workspace:
    """The revision in force; a workspace's first is applied here. Raises ConfigurationFaults, OperationFailed."""
    if not template.is_workspace(layout.workspace) and not layout.control.exists():
        msg = f"There is no workspace at {layout.workspace}."
        raise OperationFailed(msg, code="workspace.none", mend=f"Make one: headrace init --workspace {layout.workspace}")
    store = open_store(layout)
    applied = store.version()
    store.close()
    if not applied:
        apply(layout, by="headrace up")
    return current_workspace(layout)


def require_models(workspace: Workspace) -> None:
    """Raises OperationFailed naming the weights that are missing: nothing is fetched behind one's back."""
    store = ModelStore(default_folder())
    missing = [model.model for model in needed(workspace) if not store.has(model)]
    if missing:
        msg = f"Model weights are missing: {', '.join(missing)}."
        raise OperationFailed(
            msg, code="models.missing", param=str(store.folder), mend=f"Fetch them: headrace models pull {' '.join(missing)}"
        )


def _pull(store: ModelStore, model: Model, base: Path) -> None:
    store.pull(model, _told(model.model), base=base)
    if sys.stdout.isatty():
        click.echo("\r\x1b[K", nl=False)


def _told(name: str) -> Callable[[Step], None]:
    """Progress: in place on a terminal, a line at each quarter elsewhere."""
    steps: Sequence[int] = range(0, 101, 1 if sys.stdout.isatty() else 25)
    said: tuple[str, int] = ("", -1)

    def told(step: Step) -> None:
        nonlocal said
        percent = 100 * step.done // step.total if step.total else 0
        reached = max(each for each in steps if each <= percent)
        if (step.doing, reached) == said:
            return
        said = (step.doing, reached)
        line = f"{'models':<11}{name}  {step.doing}  {reached} %" if step.total else f"{'models':<11}{name}  {step.doing}"
        click.echo(f"\r{line}\x1b[K", nl=False) if sys.stdout.isatty() else click.echo(line)

    return told
