"""One document: from a file to passages."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.core.values import StoredPassage
from headrace.knowledge import chunk as chunking
from headrace.knowledge.documents import Places
from headrace.knowledge.ingest.manifest import Entry, Row

if TYPE_CHECKING:
    from headrace.core.ports import Converter
    from headrace.core.values import SourceFile
    from headrace.knowledge.documents import DocumentStore


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


def read(wanted: Wanted, row: Row, converter: Converter, documents: DocumentStore) -> Read:
    """Convert a document, keep its text, and cut it into passages. `row` holds what is known without reading it.

    Raises ConversionFailed.
    """
    converted = converter.convert(Path(wanted.file.location))
    version = documents.put(converted.text, converted.media_type, converted.pages)
    stored = documents.get(version)
    places = Places(stored)
    passages = tuple(_passage(wanted, version, places, each) for each in chunking.chunk(stored.text, stored.media_type))
    digests = tuple((passage.id, hashlib.sha256(passage.words.encode()).digest()) for passage in passages)
    known = Row(
        document=row.document,
        source=row.source,
        stamp=row.stamp,
        content=row.content,
        recipe=row.recipe,
        version=version,
        acl=row.acl,
        reason="",
        passages=len(passages),
        read_us=row.read_us,
    )
    return Read(Entry(known, digests), passages)


def _passage(wanted: Wanted, version: str, places: Places, chunk: chunking.Chunk) -> StoredPassage:
    return StoredPassage(
        id=chunking.passage_id(wanted.document, version, chunk.start, chunk.end),
        document=wanted.document,
        source=wanted.source,
        version=version,
        start=chunk.start,
        end=chunk.end,
        text=chunk.text,
        place=places.at(chunk.start),
        heading=chunk.heading,
        acl=wanted.acl,
    )
