"""What must be there before anything starts: a workspace, model weights, a revision in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace.adapters.weights.catalogue import needed
from headrace.adapters.weights.store import ModelStore, default_folder
from headrace.app.acts.changes import apply, open_store
from headrace.app.acts.checking import check_folder
from headrace.app.revisions import current_workspace
from headrace.app.up.pulling import MEGABYTE, pull
from headrace.config import template
from headrace.config.files import is_workspace
from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.config.layout import Layout
    from headrace.config.model import Workspace


def workspace_for(layout: Layout, documents: Path | None) -> None:
    """Make a workspace where there is none, else point the one that is there to `documents`.

    Raises OperationFailed; nothing is half-made then.
    """
    if not is_workspace(layout.workspace):
        template.write(layout.workspace, documents)
    elif documents is not None:
        template.point_documents(layout.workspace, documents)


def fetched(layout: Layout) -> None:
    """Fetch the weights that the workspace's files ask for and that are not here, telling how far it is. Raises OperationFailed."""
    checked = check_folder(layout.workspace)
    store = ModelStore(default_folder())
    for model in needed(checked.workspace):
        if not store.has(model):
            pull(store, model, layout.workspace)
        manifest = store.manifest(model.model)
        click.echo(f"{'models':<11}{model.model:<26}{manifest.size / MEGABYTE:>4.0f} MB ✓  (SHA-256 checked when it was fetched)")


def in_force(layout: Layout) -> Workspace:
    """The revision in force; a workspace's first is applied here. Raises ConfigurationFaults, OperationFailed."""
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
