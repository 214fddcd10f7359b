"""The table of one tenant's passages in LanceDB: its columns, its indexes, and how names stand in a filter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lancedb
import pyarrow as pa
from lancedb.index import FTS, HnswSq

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from headrace.core.values import Scope

TABLE = "passages"
WORDS = "words"
VECTOR = "vector"
WORDS_INDEX = f"{WORDS}_idx"
VECTOR_INDEX = f"{VECTOR}_idx"
DIMENSIONS = 384
"""Of the default embedder."""
FORM = b"1"
"""Raised when the columns or the index over words change: a table of another form is made anew from the documents."""
STORED = ("id", "document", "source", "version", "start", "end", WORDS, "skip", "place", "heading", "acl")
"""What a passage is made of again. Its text is its words from `skip` on."""
NATIVE_FAILURES = (RuntimeError, OSError, ValueError)
"""What the library raises, whatever went wrong."""


def columns(dimensions: int) -> pa.Schema:
    """The table's schema; its metadata say which form it has."""
    text, number = pa.string(), pa.int64()
    fields = [
        pa.field("id", text, nullable=False),
        *(pa.field(name, text) for name in ("document", "source", "version", "acl", "place", "heading", WORDS)),
        *(pa.field(name, number) for name in ("start", "end", "skip")),
        pa.field("made_by", text),
        pa.field(VECTOR, pa.list_(pa.float32(), dimensions)),
    ]
    return pa.schema(fields, metadata={"headrace": FORM})


def arrow(values: Mapping[str, Sequence[object]], schema: pa.Schema) -> pa.Table:
    """Columns of Python values as a table; those of the schema that are not given are empty."""
    rows = len(next(iter(values.values())))
    return pa.table({name: values.get(name, [None] * rows) for name in schema.names}, schema=schema)


def words_index() -> FTS:
    """BM25 over English words: lower case, accents folded, stemmed, stop words removed."""
    return FTS(language="English", stem=True, remove_stop_words=True, ascii_folding=True, with_position=False)


def vector_index() -> HnswSq:
    """A graph of near neighbours over vectors of one byte a dimension."""
    return HnswSq(distance_type="cosine")


def session(*, index_bytes: int, metadata_bytes: int) -> lancedb.Session:
    """The caches that the tables of one process share."""
    return lancedb.Session(index_cache_size_bytes=index_bytes, metadata_cache_size_bytes=metadata_bytes)


def folder_of(base: Path) -> Path:
    """Where the library keeps the table of a tenant's folder."""
    return base / f"{TABLE}.lance"


def literal(value: str) -> str:
    """A string in a filter. The dialect knows one escape: a quote is written twice."""
    return "'" + value.replace("'", "''") + "'"


def one_of(column: str, values: Iterable[str]) -> str:
    """Whether a column holds one of these strings; with none of them, nothing does."""
    listed = ",".join(literal(value) for value in sorted(set(values)))
    return f"{column} IN ({listed})" if listed else "false"


def within(scope: Scope) -> str:
    """The filter of a scope: its sources, of these what its access lists open, and of that what stands under the names it keeps to."""
    under = " OR ".join(f"starts_with(document, {literal(name)})" for name in scope.under)
    return f"{one_of('source', scope.sources)} AND {one_of('acl', scope.acls)}{f' AND ({under})' if under else ''}"
