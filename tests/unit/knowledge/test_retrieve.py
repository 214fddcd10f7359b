"""What search does while passages are written and vectors are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.adapters.stores.lance import LancePassages
from headrace.adapters.stores.lance_search import LanceIndex
from headrace.core.errors import Unavailable
from headrace.core.ports import OUTDATED
from headrace.knowledge.search.retrieve import ATTEMPTS, LONGEST
from headrace.testing.passages import DIMENSIONS, passage, scope
from tests.support.ingestion import HashEmbedder
from tests.support.searching import fill, retrieval, vectors_for

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.core.ports import PassageSnapshot

STAFF = scope("staff")


class Overtaken:
    """An index whose writer clears away the first so many snapshots just after they were asked for."""

    def __init__(self, folder: Path, times: int) -> None:
        self._index = LanceIndex(folder)
        self._store = LancePassages(folder, dimensions=DIMENSIONS)
        self.left = times

    async def newest(self) -> PassageSnapshot:
        snapshot = await self._index.newest()
        if self.left:
            self.left -= 1
            self._store.replace([f"docs/extra-{self.left}.md"], [passage(f"docs/extra-{self.left}.md", 0, "Extra.")])
            self._store.replace([f"docs/extra-{self.left}.md"], [])
            self._store.optimize()
        return snapshot


async def test_a_passage_without_its_vector_is_found_by_its_words(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    store = fill(tmp_path / "default", [passage("docs/a.md", 0, "Dogs bark at night.")], embedder)
    store.replace(["docs/b.md"], [passage("docs/b.md", 0, "Cats sleep by day.")])
    with retrieval(tmp_path, embedder) as search:
        found = await search.find("sleeping cats", STAFF, 5)
        assert found.arms == ("bm25", "dense-partial")
        assert found.passages[0].document == "docs/b.md"
        assert found.passages[0].ranks == {"bm25": 1}
        vectors_for(store, embedder)
        found = await search.find("sleeping cats", STAFF, 5)
        assert found.arms == ("bm25", "dense")
        assert set(found.passages[0].ranks) == {"bm25", "dense"}


async def test_vectors_of_another_embedder_are_not_compared(tmp_path: Path) -> None:
    fill(tmp_path / "default", [passage("docs/a.md", 0, "Dogs bark at night.")], HashEmbedder("words:1"))
    with retrieval(tmp_path, HashEmbedder("words:2")) as search:
        found = await search.find("dogs", STAFF, 5)
    assert found.arms == ("bm25",)
    assert found.passages[0].ranks == {"bm25": 1}


async def test_without_an_embedder_search_is_by_words(tmp_path: Path) -> None:
    fill(tmp_path / "default", [passage("docs/a.md", 0, "Dogs bark at night.")], HashEmbedder())
    with retrieval(tmp_path, None) as search:
        found = await search.find("dogs", STAFF, 5, quotes=2)
    assert (found.arms, found.quotes, len(found.passages)) == (("bm25",), (), 1)


async def test_of_a_very_long_question_the_beginning_counts(tmp_path: Path) -> None:
    fill(tmp_path / "default", [passage("docs/a.md", 0, "Dogs bark."), passage("docs/b.md", 0, "Cats sleep.")], HashEmbedder())
    with retrieval(tmp_path, None) as search:
        found = await search.find("dogs " + "filler " * LONGEST + "cats", STAFF, 5)
    assert [each.document for each in found.passages] == ["docs/a.md"]


async def test_a_search_that_is_overtaken_begins_again(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    fill(tmp_path / "default", [passage("docs/a.md", 0, "Dogs bark at night.")], embedder)
    index = Overtaken(tmp_path / "default", ATTEMPTS - 1)
    with retrieval(tmp_path, embedder, index_of=lambda _: index) as search:
        found = await search.find("dogs", STAFF, 5)
    assert [each.document for each in found.passages] == ["docs/a.md"]
    assert index.left == 0


async def test_a_search_that_is_always_overtaken_says_so(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    fill(tmp_path / "default", [passage("docs/a.md", 0, "Dogs bark at night.")], embedder)
    index = Overtaken(tmp_path / "default", ATTEMPTS + 1)
    with retrieval(tmp_path, embedder, index_of=lambda _: index) as search, pytest.raises(Unavailable) as told:
        await search.find("dogs", STAFF, 5)
    assert told.value.code == OUTDATED


async def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    fill(tmp_path / "default", [passage("docs/a.md", 0, "Dogs bark at night.")], embedder)
    for file in (tmp_path / "default" / "passages.lance" / "data").iterdir():
        file.write_bytes(b"")
    with retrieval(tmp_path, embedder) as search, pytest.raises(Unavailable) as told:
        await search.find("dogs", STAFF, 5)
    assert told.value.code == "knowledge.unreadable"
    assert "ingest" in (told.value.mend or "")
