"""What must be there before anything starts: model weights, a workspace, a revision in force."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from headrace.adapters.weights.catalogue import built_in
from headrace.adapters.weights.store import ModelStore, default_folder
from headrace.app.wiring import EMBEDDER, apply_workspace, control_store, current_workspace, has_revision
from headrace.config import template
from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.adapters.weights.sources import Step
    from headrace.config.layout import Layout
    from headrace.config.model import Model, Workspace


def prepare(layout: Layout, docs: Path | None) -> None:
    """Weights, then a workspace, then its revision. Raises OperationFailed or ConfigurationFaults with the reason."""
    pull(needed_by_default())
    if not (layout.workspace / "headrace.yaml").exists():
        template.write(layout.workspace, docs)
        click.echo(f"workspace  {layout.workspace} (made)")
    elif docs is not None:
        template.point_documents(layout.workspace, docs)
    apply_workspace(layout, by="make up")


def in_force(layout: Layout) -> Workspace:
    """The revision in force; the workspace's first is applied here. Raises ConfigurationFaults, OperationFailed."""
    if not (layout.workspace / "headrace.yaml").exists():
        msg = f"There is no workspace at {layout.workspace}."
        raise OperationFailed(msg, code="workspace.none", mend=f"Make one: headrace init --workspace {layout.workspace}")
    control_store(layout)
    if not has_revision(layout):
        apply_workspace(layout, by="headrace up")
    return current_workspace(layout)


def needed_by(workspace: Workspace) -> list[str]:
    """Names of the models that the revision's processes load."""
    language = [form.embedded.model for form in workspace.deployments.values() if form.embedded is not None]
    return [*dict.fromkeys(language), *([EMBEDDER] if workspace.sources else [])]


def needed_by_default() -> list[Model]:
    """The built-in models."""
    return list(built_in().values())


def ready_models(workspace: Workspace) -> None:
    """Raises OperationFailed naming the weights that are missing: nothing is fetched behind one's back."""
    store = ModelStore(default_folder())
    there = {each.model for each in store.installed()}
    missing = [name for name in needed_by(workspace) if name not in there]
    if missing:
        raise OperationFailed(
            f"Model weights are missing: {', '.join(missing)}.",
            code="models.missing",
            mend=f"Fetch them: headrace models pull {' '.join(missing)}",
        )


def pull(models: list[Model]) -> None:
    """Fetch what is not there yet, telling how far it is."""
    store = ModelStore(default_folder())
    for model in models:
        if not store.has(model):
            store.pull(model, _progress(model.model))
        manifest = store.manifest(model.model)
        click.echo(f"{'models':<11}{model.model}  {manifest.size / 1e6:.0f} MB ✓  (SHA-256 checked)")


def _progress(name: str):  # noqa: ANN202
    last = -1

    def told(step: Step) -> None:
        nonlocal last
        percent = 100 * step.done // step.total if step.total else 0
        if sys.stdout.isatty() and percent != last:
            last = percent
            click.echo(f"\r{'models':<11}{name}  {step.what}  {percent} %   ", nl=False)

    return told
