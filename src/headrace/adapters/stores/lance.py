"""Passages in LanceDB, as the ingest side writes them: one table a tenant. Port PassageStore.

A commit is one new manifest, which the library puts in place whole: a writer that dies in between leaves the old state. Passages are
searchable as soon as they are committed; the indexes only make it quick.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import lancedb
import numpy as np
import pyarrow as pa

from headrace.adapters.stores import lance_table as form
from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

    from lancedb.merge import LanceMergeInsertBuilder
    from lancedb.table import Table

    from headrace.core.values import StoredPassage

VECTOR_INDEX_FROM = 10_000
"""Vectors from which on an index over them is kept. Below, a search that compares with each takes no more than 15 ms (decision 0061)."""
UNINDEXED = 2_000
"""Rows outside the index over words that a search may have to read: each thousand costs it about 10 ms."""
UNINDEXED_PART = 20
"""The part of a large table that may be outside: bringing rows in writes much of the table anew."""
PIECES = 24
"""Pieces of the table that a search may have to open; also, commits whose files are kept."""
DEAD = 0.1
"""Share of deleted rows from which on the table is written anew."""
CACHE = 32 * 1024 * 1024
"""Bytes of each of the writer's two caches; left alone, the library keeps gigabytes."""
_AT_ONCE = timedelta(milliseconds=1)
"""How long an old state stays: a search that stood on one begins again on the newest."""

_log = logging.getLogger(__name__)


class LancePassages:
    """The passages in a tenant's folder; the table is made when it is not there.

    A table of another form, or one that cannot be read, is made anew: the next pass finds that its documents are missing and reads them.
    """

    def __init__(self, folder: Path, *, dimensions: int = form.DIMENSIONS) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._schema = form.columns(dimensions)
        self._owed = folder / f"{form.TABLE}.erase"
        with _told():
            self._table = self._opened()

    def replace(self, documents: Sequence[str], passages: Sequence[StoredPassage]) -> None:
        """In one commit: every passage of `documents` goes and `passages` come, without vectors."""
        names = set(documents) | {passage.document for passage in passages}
        if not names:
            return
        condition = form.one_of("document", names)
        with _told():
            if (gone := names - {passage.document for passage in passages}) and self._table.count_rows(form.one_of("document", gone)):
                self._owed.touch(mode=0o600)
            if passages:
                merge = self._table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
                _run(merge.when_not_matched_by_source_delete(condition), self._rows(passages))
            else:
                self._table.delete(condition)
            self._keep_quick()

    def relabel(self, documents: Sequence[str], acl: str) -> None:
        """In one commit: another access list for every passage of these documents; the vectors stay."""
        if documents:
            with _told():
                _update(self._table, form.one_of("document", documents), acl=form.literal(acl))
                self._keep_quick()

    def documents(self) -> Mapping[str, str]:
        """Version of every document that has passages."""
        return {str(row["document"]): str(row["version"]) for row in self._read(["document", "version"])}

    def without_vector(self, limit: int) -> Sequence[tuple[str, str]]:
        """(id, words) of up to `limit` passages that lack a vector, shortest first."""
        lacking = self._read(["id", "start", "end"], "made_by IS NULL")
        lengths = {str(row["id"]): cast("int", row["end"]) - cast("int", row["start"]) for row in lacking}
        wanted = sorted(lengths, key=lambda key: (lengths[key], key))[:limit]
        if not wanted:
            return []
        texts = {str(row["id"]): str(row[form.WORDS]) for row in self._read(["id", form.WORDS], form.one_of("id", wanted))}
        return [(key, texts[key]) for key in wanted]

    def add_vectors(self, vectors: Mapping[str, Sequence[float]], made_by: str) -> None:
        """Vectors by passage id; ids that are gone are passed over."""
        if not vectors:
            return
        with _told():
            flat = np.asarray(list(vectors.values()), dtype=np.float32).ravel()
            given = {
                "id": pa.array(vectors, pa.string()),
                "made_by": pa.array([made_by] * len(vectors), pa.string()),
                form.VECTOR: pa.FixedSizeListArray.from_arrays(pa.array(flat), type=self._schema.field(form.VECTOR).type),
            }
            _run(self._table.merge_insert("id").when_matched_update_all(), pa.table(given), without_vector="error")
            self._keep_quick()

    def optimize(self) -> None:
        """Bring the indexes up to date and compact when that is worth it; erase deleted documents in any case.

        Old states and their files go at once, so the disk does not grow.
        """
        with _told():
            erase = self._owed.exists()
            if erase:
                self._write_anew()
            if erase or self._is_scattered(UNINDEXED // 4, PIECES // 3) or self._is_ragged():
                self._tidy()
            if self._wants_vector_index():
                self._table.create_index(form.VECTOR, config=form.vector_index())
                self._tidy()
            if erase:
                self._owed.unlink()

    def _opened(self) -> Table:
        connection = lancedb.connect(self._folder, session=form.session(index_bytes=CACHE, metadata_bytes=CACHE))
        if not form.folder_of(self._folder).is_dir():
            return self._made(connection)
        try:
            table = connection.open_table(form.TABLE)
            if table.schema.equals(self._schema, check_metadata=True):
                _rows_of(table, ["document", "version"], "true")
                if not any(index.name == form.WORDS_INDEX for index in table.list_indices()):
                    table.create_index(form.WORDS, config=form.words_index())
                return table
            _log.warning("the table of passages in %s has another form: it is made anew from the documents", self._folder)
        except form.NATIVE_FAILURES as error:
            _log.error("the table of passages in %s cannot be read (%s): it is made anew from the documents", self._folder, _why(error))
            shutil.rmtree(form.folder_of(self._folder))
        return self._made(connection)

    def _made(self, connection: lancedb.DBConnection) -> Table:
        table = connection.create_table(form.TABLE, schema=self._schema, mode="overwrite")  # pyright: ignore[reportUnknownMemberType]
        table.create_index(form.WORDS, config=form.words_index())
        return table

    def _rows(self, passages: Sequence[StoredPassage]) -> pa.Table:
        """A passage's words, and where in them its text begins."""
        words = [passage.words for passage in passages]
        plain = ("id", "document", "source", "version", "acl", "place", "heading", "start", "end")
        values: dict[str, Sequence[object]] = {name: [getattr(passage, name) for passage in passages] for name in plain}
        values[form.WORDS] = words
        values["skip"] = [len(each) - len(passage.text) for each, passage in zip(words, passages, strict=True)]
        return form.arrow(values, self._schema)

    def _read(self, names: list[str], condition: str = "true") -> list[dict[str, object]]:
        with _told():
            return _rows_of(self._table, names, condition)

    def _keep_quick(self) -> None:
        """During a long pass: searches must not wait for its end to be quick."""
        if self._is_scattered(max(UNINDEXED, self._fragments()[1] // UNINDEXED_PART), PIECES * 4):
            self._tidy()

    def _is_scattered(self, unindexed: int, pieces: int) -> bool:
        """Whether a search has many rows to read one by one, or many files to open; or whether many commits lie about."""
        words = self._table.index_stats(form.WORDS_INDEX)
        if words is None or words.num_unindexed_rows > unindexed or self._fragments()[0] > pieces:
            return True
        return sum(1 for _ in (form.folder_of(self._folder) / "_versions").glob("*.manifest")) > pieces

    def _is_ragged(self) -> bool:
        """Whether many rows are only marked as deleted."""
        _, held = self._fragments()
        return held * (1 - DEAD) > self._table.count_rows()

    def _fragments(self) -> tuple[int, int]:
        """How many there are, and about how many rows they hold, deleted ones too."""
        stats = cast("Mapping[str, Mapping[str, object]]", self._table.stats())["fragment_stats"]
        count = cast("int", stats["num_fragments"])
        return count, count * cast("Mapping[str, int]", stats["lengths"])["mean"]

    def _wants_vector_index(self) -> bool:
        if any(index.name == form.VECTOR_INDEX for index in self._table.list_indices()):
            return False
        return self._table.count_rows("made_by IS NOT NULL") >= VECTOR_INDEX_FROM

    def _write_anew(self) -> None:
        """Move every row to new files: deleted text, which the old ones still hold, goes with them, and so do its words in the indexes."""
        if self._table.count_rows():
            _update(self._table, "true", acl="acl")
        indexed = any(index.name == form.VECTOR_INDEX for index in self._table.list_indices())
        self._table.create_index(form.WORDS, config=form.words_index())
        if indexed:
            self._table.create_index(form.VECTOR, config=form.vector_index())

    def _tidy(self) -> None:
        """Compact, index, and clear old states away. Twice, because the second time clears what the first left behind itself.

        Nobody else writes (the ingest lock), so files that no state names are those of a writer that died.
        """
        for _ in range(2):
            self._table.optimize(cleanup_older_than=_AT_ONCE, delete_unverified=True)


def _rows_of(table: Table, names: list[str], condition: str) -> list[dict[str, object]]:
    query = table.search().where(condition).select(names)  # pyright: ignore[reportUnknownMemberType]
    return query.to_arrow().to_pylist()


def _run(merge: LanceMergeInsertBuilder, rows: pa.Table, *, without_vector: str = "null") -> None:
    """Commit a merge."""
    merge.execute(rows, on_bad_vectors=without_vector)  # pyright: ignore[reportUnknownMemberType]


def _update(table: Table, condition: str, **columns: str) -> None:
    """Commit other values (expressions) in the rows that satisfy a condition."""
    table.update(where=condition, values_sql=columns)  # pyright: ignore[reportUnknownMemberType]


@contextlib.contextmanager
def _told() -> Generator[None]:
    """The library's failures in our words."""
    try:
        yield
    except form.NATIVE_FAILURES as error:
        msg = f"The table of passages failed: {_why(error)}."
        mend = "Nothing is half done: what was committed stays searchable. Mend the cause and run headrace ingest again."
        raise OperationFailed(msg, code="ingest.store_failed", mend=mend) from error


def _why(error: Exception) -> str:
    """In a few words without content: the library's own messages quote filters."""
    if "No space left" in str(error):
        return "the disk is full"
    return "a file of it is damaged or missing" if "Not found" in str(error) else f"{type(error).__name__} in the vector store"
