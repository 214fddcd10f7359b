"""A pass over every source of the revision in force, with the drivers of this installation: passages in Lance, MiniLM, kreuzberg."""

from __future__ import annotations

import contextlib
import difflib
import fcntl
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

from headrace.adapters.converters.files import FileConverter
from headrace.adapters.embedders.minilm import MiniLM
from headrace.adapters.sources.folder import Folder
from headrace.adapters.stores.lance import LancePassages
from headrace.adapters.weights.catalogue import EMBEDDER
from headrace.adapters.weights.store import ModelStore, default_folder
from headrace.app.ids import SystemClock
from headrace.app.ingest.progress import recorded
from headrace.app.ingest.watcher import STATE, Seen, SeenSource, signature_of
from headrace.app.revisions import control_store, current
from headrace.core.errors import OperationFailed
from headrace.knowledge.documents.store import DocumentStore
from headrace.knowledge.ingest import Configured, Parts, Pass, run_all
from headrace.knowledge.ingest.manifest import Manifest
from headrace.knowledge.ingest.report import Counts, Stage

if TYPE_CHECKING:
    from collections.abc import Generator

    from headrace.config.layout import Layout
    from headrace.config.model import Source, Workspace
    from headrace.core.conversion import Converter
    from headrace.core.ports import Embedder
    from headrace.knowledge.ingest.report import Report, Told


def ingest(layout: Layout, told: Told, *, only: str | None = None, full: bool = False) -> list[Report]:
    """Bring every tenant's passages up to date; a report for each. Waits while another pass runs.

    Raises OperationFailed: no such source, no embedder (everything is then searchable by words), a full disk.
    """
    _in_force(layout)  # before anything is made: there may be no workspace
    with _alone(layout, told), contextlib.closing(FileConverter()) as converter:
        version, workspace = _in_force(layout)
        told = recorded(layout, version, told)
        chosen = None if only is None else _source(workspace, only)
        seen = _look(layout, workspace)
        tenants = _tenants(layout, workspace) if chosen is None else [chosen.tenant]
        house = _House(layout, workspace, converter, told)
        with contextlib.ExitStack() as manifests:
            reports = run_all([house.tenant(name, manifests, only, full=full) for name in tenants])
        if chosen is None and not any(report.fresh for report in reports):
            _remember(layout, version, seen)
        return reports


def _in_force(layout: Layout) -> tuple[int, Workspace]:
    """The number of the turn that put the revision in force, and what it says."""
    with contextlib.closing(control_store(layout)) as store:
        revision, version = current(store)
        return version, revision.compile()


def _source(workspace: Workspace, name: str) -> Source:
    if name in workspace.sources:
        return workspace.sources[name]
    near = difflib.get_close_matches(name, workspace.sources, n=1)
    mend = f'Did you mean "{near[0]}"?' if near else f"There are: {', '.join(sorted(workspace.sources)) or 'none'}."
    msg = f'The revision in force has no source "{name}".'
    raise OperationFailed(msg, code="ingest.unknown_source", mend=mend)


def _tenants(layout: Layout, workspace: Workspace) -> list[str]:
    """Tenants with sources, and those that had some once: what is left of theirs goes."""
    known = {path.parent.name for path in layout.manifests()}
    return sorted({source.tenant for source in workspace.sources.values()} | known)


@dataclass(frozen=True, slots=True)
class _House:
    """What the passes of all tenants share."""

    layout: Layout
    workspace: Workspace
    converter: Converter
    told: Told

    def tenant(self, name: str, manifests: contextlib.ExitStack, only: str | None, *, full: bool) -> Pass:
        """A tenant's pass, which has not begun; its manifest is closed with the others."""
        folder = self.layout.knowledge(name)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sources = [Configured(each, _files(self.layout, each)) for each in self.workspace.sources.values() if each.tenant == name]
        weights = ModelStore(default_folder())
        parts = Parts(
            tenant=name,
            store=LancePassages(folder),
            documents=DocumentStore(self.layout.documents(name)),
            manifest=manifests.enter_context(contextlib.closing(Manifest(self.layout.manifest(name)))),
            converter=self.converter,
            embedder=_embedder,
            weights=_identity(weights),
            clock=SystemClock(),
        )
        return Pass(parts, sources, self.told, only=only, full=full)


@cache
def _embedder() -> Embedder:
    """One for all tenants, loaded when the first needs it."""
    return cast("Embedder", MiniLM(ModelStore(default_folder()).path(EMBEDDER)))


def _identity(weights: ModelStore) -> str:
    """What the embedder is made of, without loading it; empty when it is not here."""
    try:
        manifest = weights.manifest(EMBEDDER)
    except OperationFailed:
        return ""
    return hashlib.sha256("".join(f"{entry.file}:{entry.sha256}\n" for entry in manifest.files).encode()).hexdigest()


def _files(layout: Layout, source: Source) -> Folder:
    return Folder(layout.workspace / Path(source.folder).expanduser(), source.include, source.exclude)


def _look(layout: Layout, workspace: Workspace) -> list[SeenSource]:
    """Where each source is and how its files look before the pass: what changes during it, the watcher sees."""
    looks: list[SeenSource] = []
    for source in workspace.sources.values():
        folder = str((layout.workspace / Path(source.folder).expanduser()).absolute())
        look: SeenSource = {"folder": folder, "include": list(source.include), "exclude": list(source.exclude), "signature": ""}
        look["signature"], _ = signature_of(look)
        looks.append(look)
    return looks


def _remember(layout: Layout, version: int, sources: list[SeenSource]) -> None:
    seen: Seen = {"version": version, "sources": sources}
    beside = layout.state / f"{STATE}.new"
    beside.write_text(json.dumps(seen), encoding="utf-8")
    beside.rename(layout.state / STATE)


@contextlib.contextmanager
def _alone(layout: Layout, told: Told) -> Generator[None]:
    """Hold the ingest lock for the block; the kernel lets it go when this process dies."""
    layout.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with layout.ingest_lock.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            told(Counts(stage=Stage.WAITING))
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
