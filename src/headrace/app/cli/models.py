"""``headrace models``: the weights in this user's model store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from headrace.adapters.weights.catalogue import find, known, needed
from headrace.adapters.weights.store import ModelStore, default_folder
from headrace.app.acts.checking import check_folder
from headrace.app.cli.options import json_option, print_json, told, workspace_option
from headrace.app.up.pulling import megabytes, pull
from headrace.config.files import is_workspace
from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from headrace.adapters.weights.store import Manifest
    from headrace.config.model import Model, Workspace


@click.group("models")
def command() -> None:
    """Fetch, list, verify and remove model weights.

    They are kept by content, once for this user: in HEADRACE_MODELS, or in headrace/models under the user's data folder.
    """


@command.command("pull", short_help="Fetch models: those named, or all that are needed.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@workspace_option
@json_option
@told
def _pull(names: tuple[str, ...], workspace: Path, *, as_json: bool) -> None:
    """Fetch the named models; without a name, those that the workspace needs (without a workspace: the built-in ones).

    A source gives the right file or another is tried: SHA-256 and size are checked, and nothing half-made is left. What is here already is
    not fetched again.
    """
    read = _read(workspace)
    if not names and read.faulty:
        msg = f"The workspace {workspace} has faults, so what it needs is not known."
        raise OperationFailed(msg, code="workspace.faults", mend="See headrace check, or name the models to pull.")
    wanted = [find(name, read.declared) for name in dict.fromkeys(names)] or needed(read.workspace)
    store = ModelStore(default_folder())
    pulled: list[dict[str, object]] = []
    for model in wanted:
        there = store.has(model)
        manifest = store.manifest(model.model) if there else pull(store, model, workspace, err=True)
        pulled.append({**_about(manifest, store), "fetched": not there})
        if not as_json:
            click.echo(f"{model.model:<26}{megabytes(manifest.size):>6} MB  {'was here' if there else 'fetched, SHA-256 checked'}")
    if as_json:
        print_json(pulled)


@command.command("list", short_help="List models that are declared or held.")
@workspace_option
@json_option
@told
def _list(workspace: Path, *, as_json: bool) -> None:
    """Every model that the workspace or the built-in catalogue declares, or that the store holds."""
    read = _read(workspace)
    store = ModelStore(default_folder())
    rows = _rows(read.declared, store)
    if as_json:
        print_json(rows)
        return
    for row in rows:
        click.echo(f"{row.model:<26}{row.kind:<10}{megabytes(row.bytes):>6} MB  {row.state:<36}{row.licence}".rstrip())
    click.echo(f"store: {store.folder}")


@command.command("verify", short_help="Compare the weights with what was fetched.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@workspace_option
@json_option
@told
def _verify(names: tuple[str, ...], workspace: Path, *, as_json: bool) -> int:
    """Hash every file of the named models (without a name: of all that are here) and compare with what was kept.

    Ends with 1 when a file is not what it was.
    """
    del workspace  # every command takes it; what was kept is known to the store alone
    store = ModelStore(default_folder())
    wanted = list(dict.fromkeys(names)) or [manifest.model for manifest in store.installed()]
    faults = {name: store.verify(name) for name in wanted}
    if as_json:
        print_json([{"model": name, "holds": not found, "faults": list(found)} for name, found in faults.items()])
    else:
        for name, found in faults.items():
            click.echo(f"{name:<26}{'holds' if not found else 'DAMAGED'}")
            for fault in found:
                click.echo(f"  {fault}")
            if found:
                click.echo(f"  Fetch it anew: headrace models remove {name}, then headrace models pull {name}")
        if not faults:
            click.echo("No model is here.")
    return int(any(faults.values()))


@command.command("remove")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@workspace_option
@json_option
@told
def _remove(names: tuple[str, ...], workspace: Path, *, as_json: bool) -> None:
    """Take the named models away, damaged ones too."""
    read = _read(workspace)
    asked = {model.model for model in needed(read.workspace)} if read.workspace else set[str]()
    store = ModelStore(default_folder())
    removed: list[dict[str, object]] = []
    for name in dict.fromkeys(names):
        freed = store.remove(name)
        removed.append({"model": name, "bytes": freed, "needed": name in asked})
        if not as_json:
            click.echo(f"{name:<26}{megabytes(freed):>6} MB freed" + ("; this workspace needs it to start" if name in asked else ""))
    if as_json:
        print_json(removed)


@dataclass(frozen=True, slots=True)
class _Read:
    """What the workspace says of models; without one, and where it has faults, the built-in catalogue alone."""

    workspace: Workspace | None
    declared: Mapping[str, Model]
    faulty: bool


def _read(folder: Path) -> _Read:
    if not is_workspace(folder):
        return _Read(None, known(), faulty=False)
    workspace = check_folder(folder).workspace
    if workspace is None:
        click.echo("The workspace has faults (see headrace check): only the built-in models are known.", err=True)
    return _Read(workspace, known(workspace), faulty=workspace is None)


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the list: a model that is declared, held, or both. `bytes` are what is kept, or what would be fetched."""

    model: str
    kind: str
    licence: str
    bytes: int
    state: str
    sources: tuple[str, ...]


def _rows(declared: Mapping[str, Model], store: ModelStore) -> list[_Row]:
    held = {manifest.model: manifest for manifest in store.installed()}
    rows = [_declared(model, held.get(model.model), store) for model in declared.values()]
    rows += [
        _Row(name, manifest.kind, "", manifest.size, "here; nobody declares it", ())
        for name, manifest in held.items()
        if name not in declared
    ]
    return sorted(rows, key=lambda row: row.model)


def _declared(model: Model, manifest: Manifest | None, store: ModelStore) -> _Row:
    if manifest is None:
        state, size = "not here", sum(file.size for file in model.files)
    else:
        state, size = "here" if store.has(model) else "here; declaration or files changed", manifest.size
    sources = tuple(source for file in model.files for source in file.sources)
    return _Row(model.model, model.kind, model.licence, size, state, sources)


def _about(manifest: Manifest, store: ModelStore) -> dict[str, object]:
    return {"model": manifest.model, "kind": manifest.kind, "bytes": manifest.size, "folder": str(store.path(manifest.model))}
