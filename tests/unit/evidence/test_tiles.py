"""The log as tiles: a client that knows the specification and the tiles alone finds every root, every proof and every record."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from headrace.evidence.log.files import DATABASE
from headrace.evidence.log.merkle import Frontier, consistent, root_from_inclusion
from headrace.evidence.log.reader import LogReader
from headrace.evidence.log.store import Entry
from headrace.evidence.log.tiles import LONGEST_ENTRY, Tile, bundle, of_tree, read_path
from tests.support import ledgers, tile_client
from tests.support.data import shared_data
from tests.support.tile_client import TileClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path


def served(reader: LogReader) -> Callable[[str], bytes | None]:
    """What the gateway does, without HTTP."""

    def get(path: str) -> bytes | None:
        if path == "checkpoint":
            note = reader.checkpoint()
            return note.encode() if note is not None else None
        tile = read_path(path)
        if tile is None:
            return None
        if tile.level is not None:
            return reader.hashes(tile)
        records = reader.entries(tile)
        return bundle(records) if records is not None else None

    return get


def written(folder: Path, entries: Sequence[bytes], *, together: int = 100) -> None:
    """A log of these entries, whatever they are."""
    store = ledgers.store(folder)
    for at in range(0, len(entries), together):
        some_of_them = enumerate(entries[at : at + together], start=at)
        store.append([Entry(f"req_{n}", "settled", "gw", entry) for n, entry in some_of_them], ledgers.NOW_US)
    store.close()


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    return json.loads(shared_data("ledger/vectors.json").read_text())


def test_the_reference_trees(tmp_path: Path, vectors: dict[str, Any]) -> None:
    reference = vectors["reference"]
    leaves = [bytes.fromhex(each) for each in reference["leaves_hex"]]
    written(tmp_path, leaves, together=1)
    with LogReader(tmp_path) as reader:
        get = served(reader)
        trees = {size: TileClient(get, size) for size in range(len(leaves) + 1)}
        assert {str(size): tree.root().hex() for size, tree in trees.items()} == reference["roots_hex_by_size"]
        for each in reference["inclusion"]:
            assert [step.hex() for step in trees[each["size"]].path(each["index"])] == each["proof_hex"]
        for each in reference["consistency"]:
            assert [step.hex() for step in trees[each["to"]].proof(each["from"])] == each["proof_hex"]
        assert trees[8].entries() == leaves


def test_a_thousand(tmp_path: Path, vectors: dict[str, Any]) -> None:
    wanted = vectors["thousand"]
    written(tmp_path, [f"leaf-{n}".encode() for n in range(1000)])
    with LogReader(tmp_path) as reader:
        for size, root in wanted["root_hex_by_size"].items():
            assert TileClient(served(reader), int(size)).root().hex() == root, size
        for each in wanted["inclusion"]:
            assert [step.hex() for step in TileClient(served(reader), each["size"]).path(each["index"])] == each["proof_hex"]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogReader]:
    """A log of more than 256² records, so that its tiles have three levels; written past the sequencer, for that many take a minute."""
    folder = tmp_path_factory.mktemp("large")
    ledgers.store(folder).close()
    edge, chance = Frontier(), random.Random(5)
    leaves = [(n, chance.randbytes(32)) for n in range(70_000)]
    nodes = [node for _, leaf in leaves for node in edge.append(leaf)[1:]]
    with closing(sqlite3.connect(folder / DATABASE)) as database, database:
        rows = ((n, f"req_{n}", "closed", leaf, n, "", b"") for n, leaf in leaves)
        database.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        database.executemany("INSERT INTO nodes VALUES (?, ?, ?)", nodes)
        database.execute("INSERT INTO checkpoints VALUES (?, ?)", (edge.size, ledgers.key(folder).checkpoint(edge.size, edge.root())))
    with LogReader(folder) as reader:
        yield reader


def test_the_specifications_own_example(large: LogReader) -> None:
    """A tree of 70,000: 273 full tiles of level 0 and one of 112, one full of level 1 and one of 17, one of level 2 and width 1."""
    tiles = list(of_tree(70_000))
    assert [sum(tile.level == level for tile in tiles) for level in (0, 1, 2, 3)] == [274, 2, 1, 0]
    assert [tile.path for tile in tiles if tile.width < 256] == ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]
    assert [len(large.hashes(tile) or b"") for tile in tiles] == [tile.width * 32 for tile in tiles]
    assert [tile.path for tile in of_tree(256)] == ["tile/0/000", "tile/1/000.p/1"]


@given(data=some.data())
def test_every_root_and_proof_follows_from_the_tiles(large: LogReader, data: some.DataObject) -> None:
    get = served(large)
    _, signed, root = TileClient.checkpoint(get)
    size = data.draw(some.one_of(some.integers(1, signed), some.sampled_from([1, 255, 256, 257, 65_535, 65_536, 65_537, signed])))
    old, index = data.draw(some.integers(1, size)), data.draw(some.integers(0, size - 1))
    now, before = TileClient(get, size), TileClient(get, old)
    assert root_from_inclusion(now.mth(index, index + 1), index, size, now.path(index)) == now.root()
    assert consistent(old, size, before.root(), now.root(), now.proof(old))
    if size == signed:
        assert now.root() == root
    found = large.growth(old)
    assert found is not None
    assert found["consistency"] == [ledgers.base64_of(step) for step in TileClient(get, signed).proof(old)]


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/1", "tile/0/0001", "tile/0/x000/001", "tile/00/001", "tile/64/000", "tile/-1/000", "tile/0/000.p/0", "tile/0/000.p/256",
        "tile/0/000.p/01", "tile/0/000/", "tile/0/000.p/", "tile/0/001/000", "tile/0/x001", "tile/entries/0", "tile/0/٠٠٠", "tile/0/000\n",
        "tile/0/" + "x999/" * 6 + "999", "tile//000", "tile/0", "checkpoint", "",
    ],
)  # fmt: skip
def test_what_names_no_tile(path: str) -> None:
    assert read_path(path) is None


@given(some.one_of(some.none(), some.integers(0, 63)), some.integers(0, 10**18 - 1), some.integers(1, 256))
def test_a_tile_has_one_name(level: int | None, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert tile.path == tile_client.name("entries" if level is None else level, index, width)
    assert read_path(tile.path) == tile


def test_what_the_log_has_not_is_not_there(tmp_path: Path) -> None:
    written(tmp_path, [b"a", b"b", b"c"])
    with LogReader(tmp_path) as reader:
        assert len(reader.hashes(Tile(0, 0, 3)) or b"") == 96
        assert len(reader.hashes(Tile(0, 0, 2)) or b"") == 64
        for tile in (Tile(0, 0, 4), Tile(0, 0), Tile(1, 0, 1), Tile(0, 1, 1), Tile(63, 0, 1), Tile(0, 10**17, 1)):
            assert reader.hashes(tile) is None
        assert reader.entries(Tile(None, 0, 3)) == [b"a", b"b", b"c"]
        assert reader.entries(Tile(None, 0, 4)) is None
        assert reader.growth(4) is reader.growth(-1) is None
        assert reader.checkpoint_at(3) == reader.checkpoint()
        assert reader.checkpoint_at(2) is None


def test_a_log_without_records(tmp_path: Path) -> None:
    written(tmp_path, [])
    with LogReader(tmp_path) as reader:
        assert reader.checkpoint() is reader.growth(0) is reader.hashes(Tile(0, 0, 1)) is None


def test_a_record_beyond_the_form_makes_no_bundle() -> None:
    assert bundle([b"x" * LONGEST_ENTRY]) == b"\xff\xff" + b"x" * LONGEST_ENTRY
    assert bundle([b"x" * (LONGEST_ENTRY + 1)]) is None
