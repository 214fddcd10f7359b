"""A pass over the sources of one tenant, in steps: list, compare and read what changed; give vectors; read what takes long.

Killed at any point, the next pass goes on: nothing is lost or doubled, because the passage store takes a batch in one commit, the manifest
follows it, and doing a document twice gives the same passages.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from headrace.config.readers import acl_of
from headrace.core.errors import OperationFailed
from headrace.knowledge.ingest.read import Parts, Reading, Wanted, holder
from headrace.knowledge.ingest.report import Failed, Report, Stage, Tally, Told
from headrace.knowledge.ingest.vectors import embed_missing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.config.model import Source
    from headrace.core.ports import DocumentSource

PATIENCE = 2.0
"""Seconds that a file may take before it has to wait until all others are read."""


@dataclass(frozen=True, slots=True)
class Configured:
    """A source as the revision in force has it, and where its documents come from."""

    source: Source
    files: DocumentSource


def run_pass(parts: Parts, sources: Sequence[Configured], told: Told, *, only: str | None = None, full: bool = False) -> Report:
    """Bring one tenant's passages up to date with its sources; see :class:`Pass`."""
    return run_all([Pass(parts, sources, told, only=only, full=full)])[0]


def run_all(passes: Sequence[Pass]) -> list[Report]:
    """The passes of several tenants, each step of all of them before the next: no tenant waits for another's vectors, nor for another's
    files that take long. Raises OperationFailed like :meth:`Pass.embed`."""
    for each in passes:
        each.read()
    for each in passes:
        each.embed()
    for each in passes:
        each.read_slow()
    for each in passes:
        each.embed()
    return [each.report() for each in passes]


@dataclass(slots=True)
class _Clocked:
    """Seconds that the steps of a pass took, and how many until everything but slow files was searchable by words."""

    took: float = 0.0
    searchable: float = 0.0


class Pass:
    """`sources` are all of the tenant's: documents of any other are deleted. `only`: leave every source but this one as it is.
    `full`: read each file again, also those whose size and times say that they are the same."""

    def __init__(self, parts: Parts, sources: Sequence[Configured], told: Told, *, only: str | None = None, full: bool = False) -> None:
        self._parts = parts
        self._sources = sources
        self._only = only
        self._tally = Tally(told)
        self._reading = Reading(parts, self._tally, full=full)
        self._files = {each.source.source: each.files for each in sources}
        self._slow: list[Wanted] = []
        self._clocked = _Clocked()

    def read(self) -> None:
        """First of all. Make everything searchable by words, but for files that take longer than PATIENCE."""
        began = self._parts.clock.monotonic()
        self._parts.manifest.use_weights(self._parts.weights)
        self._reading.know()
        self._tally.at(Stage.LISTING)
        wanted, listed = self._list()
        self._delete(wanted, listed)
        self._relabel(wanted)
        self._tally.at(Stage.READING)
        for each in wanted.values():
            if not self._reading.one(each, self._files[each.source], PATIENCE):
                self._slow.append(each)
        self._reading.settle()
        self._clocked.searchable = self._took(began)

    def embed(self) -> None:
        """Give every passage its vector. Raises OperationFailed when there is no embedder; everything is searchable by words then."""
        began = self._parts.clock.monotonic()
        if self._parts.store.without_vector(1):
            self._tally.at(Stage.EMBEDDING)
            if embed_missing(self._parts.store, self._parts.manifest, self._parts.embedder(), self._tally):
                self._parts.store.optimize()
        self._took(began)

    def read_slow(self) -> None:
        """Read what took too long, with all the time that a file may take."""
        if not self._slow:
            return
        began = self._parts.clock.monotonic()
        self._tally.at(Stage.SLOW)
        for each in self._slow:
            self._reading.one(each, self._files[each.source], None)
        self._slow = []
        self._reading.settle()
        self._took(began)

    def report(self) -> Report:
        """What the pass did, at its end."""
        self._tally.at(Stage.DONE)
        clocked = self._clocked
        failures = tuple(self._tally.failures)
        return Report(self._parts.tenant, self._tally.counts, failures, clocked.took, clocked.searchable, self._reading.any_fresh)

    def _took(self, began: float) -> float:
        self._clocked.took += self._parts.clock.monotonic() - began
        return self._clocked.took

    def _list(self) -> tuple[dict[str, Wanted], set[str]]:
        """What should be known, and the sources that could be listed."""
        wanted: dict[str, Wanted] = {}
        listed: set[str] = set()
        for each in self._sources:
            name = each.source.source
            if self._only not in (None, name):
                continue
            try:
                found = list(each.files.files())
            except OperationFailed as error:
                self._tally.failures.append(Failed(f"{name}/", f"{error.message} ({error.param})"))
                self._parts.manifest.looked(name, self._parts.clock.now_us(), error.message)
                continue
            listed.add(name)
            self._parts.manifest.looked(name, self._parts.clock.now_us())
            for file in found:
                document = f"{name}/{file.path}"
                wanted[document] = Wanted(document, name, acl_of(each.source, file.path), file)
            self._tally.now(found=len(wanted))
        return wanted, listed

    def _delete(self, wanted: Mapping[str, Wanted], listed: set[str]) -> None:
        """Documents that their source no longer has, or whose source the revision no longer has. What an archive or a mail holds is gone
        with it; whether it still holds it is seen when it is read."""
        configured = self._files.keys()

        def is_gone(document: str) -> bool:
            source = document.partition("/")[0]
            if document in wanted or holder(document) in wanted:
                return False
            return source in listed or (self._only is None and source not in configured)

        self._reading.forget(name for name in self._reading.known() if is_gone(name))

    def _relabel(self, wanted: Mapping[str, Wanted]) -> None:
        """Other readers first: they must not wait for the rest of the pass."""
        changed: dict[str, list[str]] = {}
        for name, row in self._reading.rows.items():
            each = wanted.get(name) or wanted.get(holder(name))
            if each is not None and row.acl != each.acl:
                changed.setdefault(each.acl, []).append(name)
        for acl, documents in changed.items():
            self._parts.store.relabel([name for name in documents if name in self._reading.stored], acl)
            for name in documents:
                self._parts.manifest.relabel(name, acl)
                self._reading.rows[name] = replace(self._reading.rows[name], acl=acl)
                if not self._reading.rows[name].hollow:
                    self._tally.one_more("relabelled")
