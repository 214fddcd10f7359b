"""What the tests of search share: stores filled with vectors, and search over them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import lancedb

from headrace.adapters.stores import lance_table
from headrace.adapters.stores.lance import LancePassages
from headrace.adapters.stores.lance_search import LanceIndex, _passage
from headrace.knowledge.search.retrieve import Retrieval

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from pathlib import Path

    from headrace.core.ports import Embedder, PassageIndex
    from headrace.core.values import StoredPassage
    from headrace.knowledge.quoting.quote import Quoter


def vectors_for(store: LancePassages, embedder: Embedder) -> None:
    """Give every passage its vector."""
    while rows := store.without_vector(1000):
        vectors = embedder.embed([words for _, words in rows])
        given = {key: vector for (key, _), vector in zip(rows, vectors, strict=True)}
        store.add_vectors(cast("Mapping[str, Sequence[float]]", given), embedder.identity)


def fill(folder: Path, passages: Sequence[StoredPassage], embedder: Embedder) -> LancePassages:
    """Store passages in a tenant's folder; what their documents had before goes."""
    store = LancePassages(folder, dimensions=embedder.dimensions)
    store.replace(sorted({each.document for each in passages}), passages)
    vectors_for(store, embedder)
    return store


def held(folder: Path) -> list[StoredPassage]:
    """Every passage in a tenant's folder."""
    table = lancedb.connect(folder).open_table(lance_table.TABLE)
    rows = table.search().select(list(lance_table.STORED)).to_arrow().to_pylist()  # pyright: ignore[reportUnknownMemberType]
    return [_passage(row) for row in rows]


def vectors_in(folder: Path) -> dict[str, object]:
    """The vector of every passage in a tenant's folder, by id."""
    table = lancedb.connect(folder).open_table(lance_table.TABLE)
    rows = table.search().select(["id", lance_table.VECTOR]).to_arrow().to_pylist()  # pyright: ignore[reportUnknownMemberType]
    return {str(row["id"]): row[lance_table.VECTOR] for row in rows}


@contextmanager
def retrieval(root: Path, embedder: Embedder | None, quoter: Quoter | None = None, **others: object) -> Generator[Retrieval]:
    """Search over the tenants whose folders are in `root`."""
    open_: dict[str, LanceIndex] = {}

    def index_of(tenant: str) -> PassageIndex:
        return open_.setdefault(tenant, LanceIndex(root / tenant))

    with ThreadPoolExecutor(2) as threads:
        of = cast("Callable[[str], PassageIndex]", others.pop("index_of", index_of))
        yield Retrieval(of, embedder, quoter, threads, **others)  # pyright: ignore[reportArgumentType]
