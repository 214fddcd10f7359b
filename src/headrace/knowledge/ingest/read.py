"""From files to passages: what changed is converted, its text kept, its passages committed in batches."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.core.containers import container_of, is_archive, is_container
from headrace.core.conversion import TOO_SLOW
from headrace.core.errors import ConversionFailed
from headrace.core.values import StoredPassage
from headrace.knowledge.documents.store import places_of
from headrace.knowledge.ingest.manifest import Entry, Row
from headrace.knowledge.passages import chunk as chunking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from headrace.core.conversion import Converted, Converter, Part
    from headrace.core.ports import Clock, DocumentSource, Embedder, PassageStore
    from headrace.core.values import SourceFile
    from headrace.knowledge.documents.places import Places
    from headrace.knowledge.documents.store import DocumentStore
    from headrace.knowledge.ingest.manifest import Manifest
    from headrace.knowledge.ingest.report import Tally

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
class Wanted:
    """A file that should be known: its document name (``source/path``), its source and its access list."""

    document: str
    source: str
    acl: str
    file: SourceFile


@dataclass(frozen=True, slots=True)
class Read:
    """A document that was read: what goes to the passage store, and what to the manifest once it is there."""

    entry: Entry
    passages: tuple[StoredPassage, ...]


def recipe(converter: Converter) -> str:
    """What the passages of a document depend on beside its file."""
    return f"{converter.identity} chunk:{chunking.VERSION}"


def read(row: Row, converted: Converted, documents: DocumentStore) -> Read:
    """Keep a document's text, and cut it into passages. `row` holds what is known without reading it."""
    version = documents.put(converted.text, converted.media_type, converted.places)
    stored = documents.get(version)
    places = places_of(stored)
    chunks = chunking.chunk(stored.text, stored.media_type, stored.places)
    passages = tuple(_passage(row, version, places, each) for each in chunks)
    digests = tuple((passage.id, hashlib.sha256(passage.words.encode()).digest()) for passage in passages)
    return Read(Entry(replace(row, version=version, reason="", passages=len(passages)), digests), passages)


def _passage(row: Row, version: str, places: Places, chunk: chunking.Chunk) -> StoredPassage:
    return StoredPassage(
        id=chunking.passage_id(row.document, version, chunk.start, chunk.end),
        document=row.document,
        source=row.source,
        version=version,
        start=chunk.start,
        end=chunk.end,
        text=chunk.text,
        place=places.at(chunk.start, chunk.end),
        heading=chunk.heading,
        acl=row.acl,
    )


class Reading:
    """Documents of one tenant, brought up to date one after the other."""

    def __init__(self, parts: Parts, tally: Tally, *, full: bool) -> None:
        self._parts = parts
        self._tally = tally
        self._full = full
        self.rows: dict[str, Row] = {}
        """What is known of each document, those of this pass included."""
        self.stored: dict[str, str] = {}
        """The version of each document that has passages."""
        self._held: dict[str, set[str]] = {}
        """What each archive or mail held when it was read last."""
        self._seen: set[str] = set()
        """What the archive or mail that is being read holds now."""
        self._counted: set[str] = set()
        self._batch: list[Read] = []
        self._batch_passages = 0
        self._batch_began = 0.0
        self._touched: dict[str, str] = {}
        self.any_fresh = False

    def know(self) -> None:
        """Learn what was read before. First of all."""
        self.rows = self._parts.manifest.rows()
        self.stored = dict(self._parts.store.documents())
        self._batch_began = self._parts.clock.monotonic()
        for name in self.known():
            if above := holder(name):
                self._held.setdefault(above, set()).add(name)

    def known(self) -> set[str]:
        """Every document that was read, or has passages."""
        return self.rows.keys() | self.stored.keys()

    def forget(self, documents: Iterable[str]) -> None:
        """Delete documents."""
        gone = sorted(documents)
        if not gone:
            return
        self._parts.store.replace(gone, ())
        self._parts.manifest.forget(gone)
        for name in gone:
            row = self.rows.pop(name, None)
            if row is None or not row.hollow:
                self._tally.one_more("deleted")
            self.stored.pop(name, None)

    def one(self, wanted: Wanted, files: DocumentSource, within: float | None) -> bool:
        """Bring a file up to date, and what it holds; False when that takes longer than `within` seconds (None: than any file may)."""
        row = self.rows.get(wanted.document)
        standing = row if row is not None and self._stands(row) and self._all_stand(row.document) else None
        if standing is not None and not self._full and standing.stamp == wanted.file.stamp:
            self._as_they_were(standing)
            return True
        known = self._known(wanted)
        self._seen = set()
        try:
            if wanted.file.refused:
                raise ConversionFailed(wanted.file.refused, code="ingest.refused")
            known = replace(known, content=files.digest(wanted.file))
            if standing is not None and standing.content == known.content and not (self._full and standing.reason):
                self._touched[wanted.document] = known.stamp
                self._as_they_were(standing)
                return True
            self._file(wanted, known, within)
        except ConversionFailed as error:
            if error.code == TOO_SLOW and within is not None:
                return False
            self._unreadable(known, error)
        self.forget(self._held.get(wanted.document, set()) - self._seen)
        self._held[wanted.document] = self._seen
        return True

    def settle(self) -> None:
        """Commit, erase what belongs to no document any more, and bring the index up to date."""
        self._commit()
        parts = self._parts
        parts.manifest.touch(self._touched)
        self._touched = {}
        parts.manifest.sweep_vectors()
        parts.documents.sweep(parts.manifest.kept_versions(parts.clock.now_us()))
        counts = self._tally.counts
        if counts.new or counts.changed or counts.deleted or counts.failed:
            parts.store.optimize()
        total, ready = parts.manifest.passages()
        self._tally.now(passages=total, vectors=ready)

    def _file(self, wanted: Wanted, known: Row, within: float | None) -> None:
        """Read a file; what it holds first, for its own row says that all of that is done. Raises ConversionFailed."""
        path = Path(wanted.file.location)
        text = None if is_archive(wanted.document) else self._parts.converter.convert(path, within)
        for part in self._parts.converter.parts(path, within) if is_container(wanted.document) else ():
            self._part(part, replace(known, document=f"{known.document}/{part.path}", content=part.digest), within)
        if text is not None:
            self._add(read(known, text, self._parts.documents))
        elif not self._seen:
            raise ConversionFailed("It holds no files.", code="ingest.empty")
        else:
            self._gather(Read(Entry(known), ()))
            self._tally.holds(-1)

    def _part(self, part: Part, known: Row, within: float | None) -> None:
        """Bring up to date what a file holds."""
        self._seen.add(known.document)
        if known.document not in self._counted:
            self._tally.holds(1)
        row = self.rows.get(known.document)
        if row is not None and self._stands(row) and row.content == known.content and not (self._full and row.reason):
            self._as_it_was(row)
            return
        try:
            self._add(read(known, part.convert(), self._parts.documents))
        except ConversionFailed as error:
            if error.code == TOO_SLOW and within is not None:
                self._tally.holds(-1)
                raise
            self._unreadable(known, error)

    def _stands(self, row: Row) -> bool:
        """Whether the passage store holds what the row says, made as it would be made today."""
        held = self.stored.get(row.document, "")
        return row.recipe == recipe(self._parts.converter) and held == (row.version if row.passages else "")

    def _all_stand(self, document: str) -> bool:
        """Whether all that a document holds stands, too."""
        return all((row := self.rows.get(name)) is not None and self._stands(row) for name in self._held.get(document, ()))

    def _known(self, wanted: Wanted) -> Row:
        now = self._parts.clock.now_us()
        fresh = now * 1000 - wanted.file.changed_ns < FRESH_NS
        self.any_fresh |= fresh
        stamp = "" if fresh else wanted.file.stamp
        return Row(wanted.document, wanted.source, stamp, "", recipe(self._parts.converter), "", wanted.acl, "", 0, now)

    def _as_they_were(self, row: Row) -> None:
        held = self._held.get(row.document, set())
        self._tally.holds(len(held))
        if row.reason or not is_archive(row.document):
            self._as_it_was(row)
        else:
            self._tally.holds(-1)
        for name in sorted(held):
            self._as_it_was(self.rows[name])

    def _as_it_was(self, row: Row) -> None:
        if row.document in self._counted:
            return  # read in this pass already, before another file of its archive took too long
        self._counted.add(row.document)
        if row.reason:
            self._tally.failure(row.document, f"{row.reason} {row.mend}".rstrip())
        else:
            self._tally.one_more("unchanged")

    def _add(self, done: Read) -> None:
        name = done.entry.row.document
        self._tally.one_more("changed" if name in self.rows else "new")
        self._gather(done)

    def _unreadable(self, known: Row, error: ConversionFailed) -> None:
        """Its old passages go: what they say is no longer what the document says, or nobody may read it any more."""
        self._tally.failure(known.document, error.reason)
        self._gather(Read(Entry(replace(known, reason=error.message, fault=error.code, mend=error.mend or "")), ()))

    def _gather(self, done: Read) -> None:
        self.rows[done.entry.row.document] = done.entry.row
        self._counted.add(done.entry.row.document)
        self._batch.append(done)
        self._batch_passages += len(done.passages)
        late = self._parts.clock.monotonic() - self._batch_began > BATCH_SECONDS
        if late or len(self._batch) >= BATCH_DOCUMENTS or self._batch_passages >= BATCH_PASSAGES:
            self._commit()

    def _commit(self) -> None:
        """The passages, then the manifest: never the other way round."""
        names = [done.entry.row.document for done in self._batch if done.passages or done.entry.row.document in self.stored]
        if names:
            self._parts.store.replace(names, [passage for done in self._batch for passage in done.passages])
        for done in self._batch:
            self.stored.pop(done.entry.row.document, None)
            if done.passages:
                self.stored[done.entry.row.document] = done.entry.row.version
        if self._batch:
            self._parts.manifest.enter([done.entry for done in self._batch])
            total, ready = self._parts.manifest.passages()
            self._tally.now(passages=total, vectors=ready)
        self._batch, self._batch_passages, self._batch_began = [], 0, self._parts.clock.monotonic()


def holder(document: str) -> str:
    """The document that holds this one (an archive, a mail); empty when it is a file of its own."""
    source, _, path = document.partition("/")
    held = container_of(path)
    return f"{source}/{held}" if held else ""
