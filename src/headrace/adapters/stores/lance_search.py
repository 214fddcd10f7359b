"""Passages in LanceDB, as the search side reads them, also while another process writes. Ports PassageIndex and PassageSnapshot."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

import lancedb
import numpy as np
from lancedb.query import MatchQuery

from headrace.adapters.stores import lance_table as form
from headrace.core.errors import Unavailable
from headrace.core.ports import OUTDATED
from headrace.core.values import Hit, StoredPassage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa
    from lancedb import AsyncConnection, Session
    from lancedb.table import AsyncTable

    from headrace.core.ports import PassageSnapshot
    from headrace.core.values import Scope

T = TypeVar("T")


class LanceIndex:
    """The passages in a tenant's folder. Use it in one event loop."""

    def __init__(self, folder: Path, shared: Session | None = None) -> None:
        self._folder = folder
        self._shared = shared
        self._connection: AsyncConnection | None = None
        self._snapshot: LanceSnapshot | None = None

    async def newest(self) -> PassageSnapshot:
        """The newest committed state. Raises Unavailable when the table cannot be read."""
        if not form.folder_of(self._folder).is_dir():
            self._snapshot = None
            return _Nothing()
        try:
            table = await self._opened()
            version = await table.version()
        except form.NATIVE_FAILURES as error:
            raise _unreadable() from error
        if self._snapshot is None or self._snapshot.version != version:
            self._snapshot = LanceSnapshot(self, table, version)
        return self._snapshot

    async def _opened(self) -> AsyncTable:
        if self._connection is None:
            self._connection = await lancedb.connect_async(self._folder, session=self._shared)  # pyright: ignore[reportUnknownMemberType]
        return await self._connection.open_table(form.TABLE)


@dataclass(frozen=True, slots=True)
class _Cell:
    """How many rows have this source, access list and embedder."""

    source: str
    acl: str
    made_by: str | None
    rows: int


class LanceSnapshot:
    """One version of a table. Nothing that is asked here sees a later one."""

    def __init__(self, index: LanceIndex, table: AsyncTable, version: int) -> None:
        self._index = index
        self._table = table
        self._version = version
        self._cells: asyncio.Task[list[_Cell]] | None = None

    @property
    def version(self) -> int:
        """The table's."""
        return self._version

    async def counts(self, scope: Scope, made_by: str) -> tuple[int, int]:
        """Passages in scope, and those with a vector of this embedder. Looked up once a version, summed up for each scope; counted anew
        for one that keeps to names."""
        if scope.under:
            condition = form.within(scope)
            made = f"{condition} AND {form.one_of('made_by', (made_by,))}"
            return await self._asked(self._table.count_rows(condition)), await self._asked(self._table.count_rows(made))
        if self._cells is None or (self._cells.done() and (self._cells.cancelled() or self._cells.exception())):
            self._cells = asyncio.create_task(self._counted())
        cells = await asyncio.shield(self._cells)
        held = [cell for cell in cells if cell.source in scope.sources and cell.acl in scope.acls]
        return sum(cell.rows for cell in held), sum(cell.rows for cell in held if cell.made_by == made_by)

    async def by_words(self, question: str, scope: Scope, limit: int) -> Sequence[Hit]:
        """BM25; the filter is applied before anything is scored."""
        wanted = MatchQuery(question, form.WORDS)  # pyright: ignore[reportCallIssue]  its defaults are not seen
        query = self._table.query().nearest_to_text(wanted)
        query = query.where(form.within(scope)).limit(limit).with_row_id().select(["_score"])
        return _hits(await self._asked(query.to_arrow()), "_score")

    async def by_meaning(self, vector: Sequence[float], made_by: str, scope: Scope, limit: int) -> Sequence[Hit]:
        """Cosine; the filter is applied before anything is compared."""
        condition = f"{form.within(scope)} AND {form.one_of('made_by', (made_by,))}"
        near = self._table.query().nearest_to(np.asarray(vector, dtype=np.float32))  # pyright: ignore[reportUnknownMemberType]
        query = near.column(form.VECTOR).distance_type("cosine").where(condition).limit(limit).with_row_id().select(["_distance"])
        return [Hit(hit.key, 1.0 - hit.score) for hit in _hits(await self._asked(query.to_arrow()), "_distance")]

    async def passages(self, keys: Sequence[int], scope: Scope) -> Mapping[int, StoredPassage]:
        """Looked up by place; what is not in scope is left out, whoever asked for it."""
        if not keys:
            return {}
        query = self._table.take_row_ids(list(keys)).select(list(form.STORED)).with_row_id()
        rows = (await self._asked(query.to_arrow())).to_pylist()
        return {cast("int", row["_rowid"]): _passage(row) for row in rows if _inside(row, scope)}

    async def _counted(self) -> list[_Cell]:
        table = await self._asked(self._table.query().select(["source", "acl", "made_by"]).to_arrow())
        grouped = table.group_by(["source", "acl", "made_by"]).aggregate([([], "count_all")])
        return [
            _Cell(str(row["source"]), str(row["acl"]), cast("str | None", row["made_by"]), cast("int", row["count_all"]))
            for row in grouped.to_pylist()
        ]

    async def _asked(self, asked: Awaitable[T]) -> T:
        try:
            return await asked
        except form.NATIVE_FAILURES as error:
            newest = await self._index.newest()
            if newest.version != self._version:
                msg = "The table of passages was written anew meanwhile."
                raise Unavailable(msg, code=OUTDATED, mend="Ask again.") from error
            raise _unreadable() from error


class _Nothing:
    """The state before the first document."""

    version = 0

    async def counts(self, scope: Scope, made_by: str) -> tuple[int, int]:
        del scope, made_by
        return 0, 0

    async def by_words(self, question: str, scope: Scope, limit: int) -> Sequence[Hit]:
        del question, scope, limit
        return ()

    async def by_meaning(self, vector: Sequence[float], made_by: str, scope: Scope, limit: int) -> Sequence[Hit]:
        del vector, made_by, scope, limit
        return ()

    async def passages(self, keys: Sequence[int], scope: Scope) -> Mapping[int, StoredPassage]:
        del keys, scope
        return {}


def _inside(row: Mapping[str, object], scope: Scope) -> bool:
    readable = row["source"] in scope.sources and row["acl"] in scope.acls
    return readable and (not scope.under or str(row["document"]).startswith(scope.under))


def _unreadable() -> Unavailable:
    msg = "The table of passages cannot be read."
    return Unavailable(msg, code="knowledge.unreadable", mend="headrace ingest --full makes it anew from the documents.")


def _hits(table: pa.Table, score: str) -> list[Hit]:
    found = table.to_pydict()
    return [Hit(cast("int", key), cast("float", value)) for key, value in zip(found["_rowid"], found[score], strict=True)]


def _passage(row: Mapping[str, object]) -> StoredPassage:
    words, skip = str(row[form.WORDS]), cast("int", row["skip"])
    return StoredPassage(
        id=str(row["id"]),
        document=str(row["document"]),
        source=str(row["source"]),
        version=str(row["version"]),
        start=cast("int", row["start"]),
        end=cast("int", row["end"]),
        text=words[skip:],
        place=str(row["place"]),
        heading=str(row["heading"]),
        acl=str(row["acl"]),
    )
