"""What LanceDB's tables do beyond the contract: growth, erasure, damage, crashes, the vector index."""

from __future__ import annotations

import resource
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import lancedb
import numpy as np
import pytest

from headrace.adapters.stores import lance, lance_table
from headrace.adapters.stores.lance import LancePassages
from headrace.adapters.stores.lance_search import LanceIndex
from headrace.core.errors import OperationFailed, Unavailable
from headrace.testing.passages import DIMENSIONS, MADE_BY, axis, passage, scope
from tests.support.searching import held

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from headrace.core.values import StoredPassage

STAFF = scope("staff")


def opened(folder: Path) -> LancePassages:
    return LancePassages(folder, dimensions=DIMENSIONS)


def many(name: str, count: int) -> list[StoredPassage]:
    return [passage(f"docs/{name}-{n}.md", 0, f"Word{n} of {name} and dogs.") for n in range(count)]


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def whole(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def documents_found(folder: Path, question: str, limit: int = 10) -> list[str]:
    snapshot = await LanceIndex(folder).newest()
    hits = await snapshot.by_words(question, STAFF, limit)
    found = await snapshot.passages([hit.key for hit in hits], STAFF)
    return [found[hit.key].document for hit in hits]


def test_the_disk_does_not_grow_with_commits(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.replace([], many("a", 300))
    sizes: list[int] = []
    for n in range(60):
        store.replace(["docs/a-1.md"], [passage("docs/a-1.md", 0, f"Again {n}.", version=str(n))])
        store.optimize()
        sizes.append(bytes_in(tmp_path))
    assert max(sizes[40:]) <= 1.1 * max(sizes[:20])
    assert len(store.documents()) == 300


def test_the_disk_does_not_grow_during_a_long_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lance, "PIECES", 2)
    store = opened(tmp_path)
    for n in range(30):
        store.replace(["docs/a.md"], [passage("docs/a.md", 0, f"Again {n}.", version=str(n))])
    assert len(list((tmp_path / "passages.lance" / "_versions").glob("*.manifest"))) <= 10


def test_deleted_text_is_erased_from_every_file(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.replace([], many("a", 200))
    store.replace([], [passage("docs/secret.md", 0, "The codeword is Zwetschgenknoedel, quite so.", heading="Quetschkommode")])
    store.add_vectors({each.id: axis(0) for each in held(tmp_path)}, MADE_BY)
    store.optimize()
    assert b"Zwetschgenknoedel" in whole(tmp_path)
    store.replace(["docs/secret.md"], [])
    assert (tmp_path / "passages.erase").exists()
    store = opened(tmp_path)  # the pass was killed here; the next one owes the erasure
    store.optimize()
    left = whole(tmp_path).lower()
    assert b"zwetsch" not in left
    assert b"quetsch" not in left
    assert not (tmp_path / "passages.erase").exists()
    assert len(held(tmp_path)) == 200
    assert list(store.without_vector(10)) == []


def test_erasing_the_last_document_leaves_nothing(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.replace([], [passage("docs/secret.md", 0, "Zwetschgenknoedel.")])
    store.optimize()
    store.replace(["docs/secret.md"], [])
    store.optimize()
    assert b"wetsch" not in whole(tmp_path)
    assert store.documents() == {}


async def test_search_stays_quick_during_a_long_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lance, "UNINDEXED", 50)
    store = opened(tmp_path)
    for n in range(10):
        store.replace([], many(f"part{n}", 20))
    stats = lancedb.connect(tmp_path).open_table(lance_table.TABLE).index_stats(lance_table.WORDS_INDEX)
    assert stats is not None
    assert stats.num_unindexed_rows <= 70
    assert await documents_found(tmp_path, "word7 part9", 1) == ["docs/part9-7.md"]


async def test_a_large_table_gets_a_vector_index_that_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lance, "VECTOR_INDEX_FROM", 400)
    random = np.random.default_rng(1)
    store = opened(tmp_path)

    def add(name: str, count: int) -> dict[str, np.ndarray]:
        passages = many(name, count)
        store.replace([], passages)
        raw = random.standard_normal((count, DIMENSIONS)).astype(np.float32)
        vectors = dict(zip((each.id for each in passages), raw / np.linalg.norm(raw, axis=1, keepdims=True), strict=True))
        store.add_vectors(vectors, MADE_BY)  # pyright: ignore[reportArgumentType]
        store.optimize()
        return vectors

    def indexed() -> bool:
        names = [index.name for index in lancedb.connect(tmp_path).open_table(lance_table.TABLE).list_indices()]
        return lance_table.VECTOR_INDEX in names

    first = add("a", 300)
    assert not indexed()
    every = {**first, **add("b", 200)}
    assert indexed()
    every |= add("c", 100)
    index = LanceIndex(tmp_path)
    await _near(index, every, 20)
    store.replace([f"docs/b-{n}.md" for n in range(100)], [])
    store.optimize()
    assert indexed()
    await _near(index, {key: vector for key, vector in every.items() if key not in {f"docs/b-{n}.md@v1#0" for n in range(100)}}, 20)


async def _near(index: LanceIndex, vectors: dict[str, np.ndarray], questions: int) -> None:
    """Nearly all of the ten nearest are found."""
    keys, matrix = list(vectors), np.stack(list(vectors.values()))
    snapshot = await index.newest()
    shared = 0
    for key in keys[:questions]:
        exact = {keys[place] for place in np.argsort(-(matrix @ vectors[key]))[:10]}
        hits = await snapshot.by_meaning(list(vectors[key]), MADE_BY, STAFF, 10)
        found = await snapshot.passages([hit.key for hit in hits], STAFF)
        assert found[hits[0].key].id == key
        shared += len(exact & {each.id for each in found.values()})
    assert shared >= 0.95 * 10 * questions


def test_a_table_of_another_form_is_made_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = opened(tmp_path)
    store.replace([], many("a", 3))
    other = LancePassages(tmp_path, dimensions=DIMENSIONS // 2)
    assert other.documents() == {}
    assert "another form" in caplog.text
    other.replace([], many("b", 2))
    assert len(LancePassages(tmp_path, dimensions=DIMENSIONS // 2).documents()) == 2


@pytest.mark.parametrize("damage", ["data", "_versions"])
def test_a_damaged_table_is_made_anew(tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    store = opened(tmp_path)
    store.replace([], many("a", 3))
    for path in (tmp_path / "passages.lance" / damage).iterdir():
        path.write_bytes(b"")
    store = opened(tmp_path)
    assert store.documents() == {}
    assert "cannot be read" in caplog.text
    store.replace([], many("b", 2))
    assert len(held(tmp_path)) == 2


async def test_an_index_over_words_that_is_missing_is_made(tmp_path: Path) -> None:
    lancedb.connect(tmp_path).create_table(lance_table.TABLE, schema=lance_table.columns(DIMENSIONS))  # pyright: ignore[reportUnknownMemberType]
    opened(tmp_path).replace([], many("a", 3))
    assert await documents_found(tmp_path, "word1") == ["docs/a-1.md"]


async def test_a_writer_that_dies_before_its_commit_leaves_the_old_state(tmp_path: Path) -> None:
    """All that a commit writes is there, but for its manifest: that is the commit."""
    store = opened(tmp_path / "t")
    store.replace([], many("a", 5))
    before = set((tmp_path / "t").rglob("*"))
    want = held(tmp_path / "t")
    store.replace(["docs/a-1.md", "docs/b-0.md"], many("b", 1))
    (manifest,) = {path for path in set((tmp_path / "t").rglob("*")) - before if path.suffix == ".manifest"}
    shutil.copytree(tmp_path / "t", tmp_path / "dead")
    (tmp_path / "dead" / manifest.relative_to(tmp_path / "t")).unlink()
    (tmp_path / "dead" / "passages.lance" / "_versions" / "latest_version_hint.json").unlink(missing_ok=True)
    assert sorted(each.id for each in held(tmp_path / "dead")) == sorted(each.id for each in want)
    assert sorted(await documents_found(tmp_path / "dead", "dogs")) == sorted(each.document for each in want)
    again = opened(tmp_path / "dead")
    again.replace(["docs/a-1.md", "docs/b-0.md"], many("b", 1))
    again.optimize()
    assert sorted(each.id for each in held(tmp_path / "dead")) == sorted(each.id for each in held(tmp_path / "t"))


@contextmanager
def no_room() -> Generator[None]:
    """No file may grow beyond a few bytes, as on a full disk."""
    was = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, was[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, was)


def test_what_cannot_be_written_is_said_and_changes_nothing(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.replace([], many("a", 3))
    with no_room(), pytest.raises(OperationFailed) as told:
        store.replace([], many("b", 3))
    assert told.value.code == "ingest.store_failed"
    assert "docs/" not in told.value.message
    assert len(held(tmp_path)) == 3
    store.replace([], many("b", 3))
    assert len(held(tmp_path)) == 6


def test_a_vector_of_the_wrong_length_is_refused(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.replace([], many("a", 1))
    with pytest.raises(OperationFailed):
        store.add_vectors({"docs/a-0.md@v1#0": [1.0, 0.0]}, MADE_BY)
    assert len(store.without_vector(5)) == 1


async def test_a_table_that_goes_while_it_is_read_is_said(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.replace([], many("a", 3))
    index = LanceIndex(tmp_path)
    snapshot = await index.newest()
    for path in (tmp_path / "passages.lance" / "data").iterdir():
        path.unlink()
    with pytest.raises(Unavailable) as told:
        await snapshot.counts(STAFF, MADE_BY)
    assert told.value.code == "knowledge.unreadable"
    for path in (tmp_path / "passages.lance" / "_versions").iterdir():
        path.write_bytes(b"")
    with pytest.raises(Unavailable):
        await LanceIndex(tmp_path).newest()
