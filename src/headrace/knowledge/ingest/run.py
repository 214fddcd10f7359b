"""A pass over the sources of one tenant: list, compare, read what changed, then give vectors.

Killed at any point, the next pass goes on: nothing is lost or doubled, because the passage store takes a batch in one commit, the manifest
follows it, and doing a document twice gives the same passages.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from headrace.config.readers import acl_of
from headrace.core.errors import ConversionFailed, OperationFailed
from headrace.knowledge.ingest.manifest import Entry, Row
from headrace.knowledge.ingest.read import Read, Wanted, read, recipe
from headrace.knowledge.ingest.report import Failed, Report, Stage, Tally, Told
from headrace.knowledge.ingest.vectors import embed_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headrace.config.model import Source
    from headrace.core.ports import Clock, Converter, DocumentSource, Embedder, PassageStore
    from headrace.knowledge.documents import DocumentStore
    from headrace.knowledge.ingest.manifest import Manifest

BATCH_DOCUMENTS = 64
BATCH_PASSAGES = 2000
BATCH_SECONDS = 2.0
"""What has been read is committed, and so searchable, after so many documents, passages or seconds."""
FRESH_NS = 2_000_000_000
"""A file that changed so shortly before it was listed may change again and keep its stamp (clocks of file systems are coarse)."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a pass works with: one tenant's stores, and the drivers."""

    tenant: str
    store: PassageStore
    documents: DocumentStore
    manifest: Manifest
    converter: Converter
    embedder: Callable[[], Embedder]
    """Called only when a passage needs a vector: loading one takes memory and time."""
    weights: str
    """What the embedder is made of (a hash): when it differs from last time, every vector is made anew. Empty: not known."""
    clock: Clock


@dataclass(frozen=True, slots=True)
class Configured:
    """A source as the revision in force has it, and where its documents come from."""

    source: Source
    files: DocumentSource


def run_pass(parts: Parts, sources: Sequence[Configured], told: Told, *, only: str | None = None, full: bool = False) -> Report:
    """Bring one tenant's passages up to date with its sources.

    `sources` are all of the tenant's: documents of any other are deleted. `only`: leave every source but this one as it is.
    `full`: read each file again, also those whose size and times say that they are the same.

    Raises OperationFailed when there is no embedder; everything is searchable by words then.
    """
    return _Pass(parts, Tally(told), full=full).run(sources, only)


@dataclass(slots=True)
class _Pass:
    parts: Parts
    tally: Tally
    full: bool
    rows: dict[str, Row] = field(default_factory=dict[str, Row])
    stored: Mapping[str, str] = field(default_factory=dict[str, str])
    batch: list[Read] = field(default_factory=list[Read])
    batch_passages: int = 0
    batch_began: float = 0.0
    touched: dict[str, str] = field(default_factory=dict[str, str])
    any_fresh: bool = False

    def run(self, sources: Sequence[Configured], only: str | None) -> Report:
        began = self.parts.clock.monotonic()
        self.parts.manifest.use_weights(self.parts.weights)
        self._read_all(sources, only)
        searchable = self.parts.clock.monotonic() - began
        self._embed()
        self.tally.at(Stage.DONE)
        took = self.parts.clock.monotonic() - began
        return Report(self.parts.tenant, self.tally.counts, tuple(self.tally.failures), took, searchable, self.any_fresh)

    def _read_all(self, sources: Sequence[Configured], only: str | None) -> None:
        self.rows = self.parts.manifest.rows()
        self.stored = self.parts.store.documents()
        self.tally.at(Stage.LISTING)
        wanted, listed = self._list(sources, only)
        configured = {each.source.source for each in sources}
        self._delete(wanted, listed, configured, only)
        self._relabel(wanted)
        self.tally.at(Stage.READING)
        self.batch_began = self.parts.clock.monotonic()
        files = {each.source.source: each.files for each in sources}
        for each in wanted.values():
            self._one(each, files[each.source])
        self._commit()
        self._settle()

    def _list(self, sources: Sequence[Configured], only: str | None) -> tuple[dict[str, Wanted], set[str]]:
        """What should be known, and the sources that could be listed."""
        wanted: dict[str, Wanted] = {}
        listed: set[str] = set()
        for each in sources:
            name = each.source.source
            if only not in (None, name):
                continue
            try:
                found = list(each.files.files())
            except OperationFailed as error:
                self.tally.failures.append(Failed(f"{name}/", f"{error.message} ({error.param})"))
                self.parts.manifest.looked(name, self.parts.clock.now_us(), error.message)
                continue
            listed.add(name)
            self.parts.manifest.looked(name, self.parts.clock.now_us())
            for file in found:
                document = f"{name}/{file.path}"
                wanted[document] = Wanted(document, name, acl_of(each.source, file.path), file)
            self.tally.now(found=len(wanted))
        return wanted, listed

    def _delete(self, wanted: Mapping[str, Wanted], listed: set[str], configured: set[str], only: str | None) -> None:
        """Documents that their source no longer has, or whose source the revision no longer has."""

        def is_gone(document: str) -> bool:
            source = document.partition("/")[0]
            return document not in wanted and (source in listed or (only is None and source not in configured))

        gone = sorted(name for name in self.rows.keys() | self.stored.keys() if is_gone(name))
        if not gone:
            return
        self.parts.store.replace(gone, ())
        self.parts.manifest.forget(gone)
        self.tally.now(deleted=len(gone))
        self.stored = {name: version for name, version in self.stored.items() if name not in set(gone)}

    def _relabel(self, wanted: Mapping[str, Wanted]) -> None:
        """Other readers first: they must not wait for the rest of the pass."""
        changed: dict[str, list[str]] = {}
        for each in wanted.values():
            row = self.rows.get(each.document)
            if row is not None and row.acl != each.acl:
                changed.setdefault(each.acl, []).append(each.document)
                self.rows[each.document] = replace(row, acl=each.acl)
                self.tally.one_more("relabelled")
        for acl, documents in changed.items():
            self.parts.store.relabel([name for name in documents if name in self.stored], acl)
            for name in documents:
                self.parts.manifest.relabel(name, acl)

    def _one(self, wanted: Wanted, files: DocumentSource) -> None:
        """Bring one document up to date."""
        row = self.rows.get(wanted.document)
        standing = row if row is not None and self._stands(row) else None
        if standing is not None and not self.full and standing.stamp == wanted.file.stamp:
            self._as_it_was(standing)
            return
        known = self._known(wanted)
        if wanted.file.refused:
            self._unreadable(known, wanted.file.refused, "ingest.refused")
            return
        try:
            known = replace(known, content=files.digest(wanted.file))
            if standing is not None and standing.content == known.content and not (self.full and standing.reason):
                self.touched[wanted.document] = known.stamp
                self._as_it_was(standing)
                return
            self._add(read(wanted, known, self.parts.converter, self.parts.documents), new=row is None)
        except ConversionFailed as error:
            self._unreadable(known, error.message, error.code)

    def _stands(self, row: Row) -> bool:
        """Whether the passage store holds what the row says, made as it would be made today."""
        held = self.stored.get(row.document, "")
        return row.recipe == recipe(self.parts.converter) and held == (row.version if row.passages else "")

    def _known(self, wanted: Wanted) -> Row:
        now = self.parts.clock.now_us()
        fresh = now * 1000 - wanted.file.changed_ns < FRESH_NS
        self.any_fresh |= fresh
        stamp = "" if fresh else wanted.file.stamp
        return Row(wanted.document, wanted.source, stamp, "", recipe(self.parts.converter), "", wanted.acl, "", 0, now)

    def _as_it_was(self, row: Row) -> None:
        if row.reason:
            self.tally.failure(row.document, row.reason)
        else:
            self.tally.one_more("unchanged")

    def _add(self, done: Read, *, new: bool) -> None:
        self._gather(done)
        self.tally.one_more("new" if new else "changed")

    def _unreadable(self, known: Row, reason: str, fault: str) -> None:
        """Its old passages go: what they say is no longer what the document says, or nobody may read it any more."""
        self._gather(Read(Entry(replace(known, reason=reason, fault=fault)), ()))
        self.tally.failure(known.document, reason)

    def _gather(self, done: Read) -> None:
        self.batch.append(done)
        self.batch_passages += len(done.passages)
        late = self.parts.clock.monotonic() - self.batch_began > BATCH_SECONDS
        if late or len(self.batch) >= BATCH_DOCUMENTS or self.batch_passages >= BATCH_PASSAGES:
            self._commit()

    def _commit(self) -> None:
        """The passages, then the manifest: never the other way round."""
        names = [done.entry.row.document for done in self.batch if done.passages or done.entry.row.document in self.stored]
        if names:
            self.parts.store.replace(names, [passage for done in self.batch for passage in done.passages])
        if self.batch:
            self.parts.manifest.enter([done.entry for done in self.batch])
            total, ready = self.parts.manifest.passages()
            self.tally.now(passages=total, vectors=ready)
        self.batch, self.batch_passages, self.batch_began = [], 0, self.parts.clock.monotonic()

    def _settle(self) -> None:
        """Erase what belongs to no document any more, and bring the index up to date."""
        parts = self.parts
        parts.manifest.touch(self.touched)
        self.touched = {}
        parts.manifest.sweep_vectors()
        parts.documents.sweep(parts.manifest.kept_versions(parts.clock.now_us()))
        counts = self.tally.counts
        if counts.new or counts.changed or counts.deleted or counts.failed:
            parts.store.optimize()
        total, ready = parts.manifest.passages()
        self.tally.now(passages=total, vectors=ready)

    def _embed(self) -> None:
        parts = self.parts
        if not parts.store.without_vector(1):
            return
        self.tally.at(Stage.EMBEDDING)
        if embed_missing(parts.store, parts.manifest, parts.embedder(), self.tally):
            parts.store.optimize()
