"""The tree against the reference vectors of RFC 6962 and RFC 9162."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypedDict, cast

import pytest

from headrace.evidence.log.merkle import (
    EMPTY,
    Frontier,
    complete_subtrees,
    consistency_proof,
    consistent,
    inclusion_proof,
    leaf_hash,
    root_from_inclusion,
    subtree_root,
)
from tests.support.data import shared_data
from tests.support.ledgers import root_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class _Inclusion(TypedDict):
    size: int
    index: int
    proof_hex: list[str]


class _Reference(TypedDict):
    leaves_hex: list[str]
    roots_hex_by_size: dict[str, str]
    inclusion: list[_Inclusion]
    consistency: list[dict[str, object]]


class _Thousand(TypedDict):
    leaf: str
    root_hex_by_size: dict[str, str]
    inclusion: list[_Inclusion]


class _Vectors(TypedDict):
    reference: _Reference
    thousand: _Thousand


@pytest.fixture(scope="module")
def vectors() -> _Vectors:
    return cast("_Vectors", json.loads(shared_data("ledger/vectors.json").read_text()))


def grown(entries: Sequence[bytes]) -> tuple[Frontier, Callable[[int, int], bytes]]:
    """A tree of these entries: its edge, and its stored nodes."""
    edge, nodes = Frontier(), dict[tuple[int, int], bytes]()
    for entry in entries:
        for level, index, digest in edge.append(leaf_hash(entry)):
            nodes[level, index] = digest
    return edge, lambda level, index: nodes[level, index]


def test_the_roots_are_those_of_the_reference(vectors: _Vectors) -> None:
    leaves = [bytes.fromhex(leaf) for leaf in vectors["reference"]["leaves_hex"]]
    for size, root in vectors["reference"]["roots_hex_by_size"].items():
        assert grown(leaves[: int(size)])[0].root().hex() == root


def test_the_proofs_are_those_of_the_reference(vectors: _Vectors) -> None:
    leaves = [bytes.fromhex(leaf) for leaf in vectors["reference"]["leaves_hex"]]
    _, node = grown(leaves)
    for case in vectors["reference"]["inclusion"]:
        path = inclusion_proof(node, case["index"], case["size"])
        assert [each.hex() for each in path] == case["proof_hex"]
        root = root_from_inclusion(leaf_hash(leaves[case["index"]]), case["index"], case["size"], path)
        assert root.hex() == vectors["reference"]["roots_hex_by_size"][str(case["size"])]
    for each in vectors["reference"]["consistency"]:
        old, new = int(str(each["from"])), int(str(each["to"]))
        path = consistency_proof(node, old, new)
        assert [step.hex() for step in path] == each["proof_hex"]
        roots = [bytes.fromhex(vectors["reference"]["roots_hex_by_size"][str(size)]) for size in (old, new)]
        assert consistent(old, new, roots[0], roots[1], path)


def test_a_thousand_leaves(vectors: _Vectors) -> None:
    case = vectors["thousand"]
    entries = [f"leaf-{index}".encode() for index in range(1000)]
    for size, root in case["root_hex_by_size"].items():
        assert grown(entries[: int(size)])[0].root().hex() == root
    _, node = grown(entries)
    for each in case["inclusion"]:
        assert [step.hex() for step in inclusion_proof(node, each["index"], each["size"])] == each["proof_hex"]


def test_no_proof_of_what_is_not_there() -> None:
    _, node = grown([b"a", b"b"])
    with pytest.raises(ValueError, match="leaf 2 is not in a tree of 2"):
        inclusion_proof(node, 2, 2)
    with pytest.raises(ValueError, match="no proof leads from 3 leaves to 2"):
        consistency_proof(node, 3, 2)
    with pytest.raises(ValueError, match="leaf 2 is not in a tree of 2"):
        root_from_inclusion(EMPTY, 2, 2, [])


def test_a_path_of_another_length_proves_nothing() -> None:
    leaf = leaf_hash(b"a")
    with pytest.raises(ValueError, match="shorter"):
        root_from_inclusion(leaf, 0, 2, [])
    with pytest.raises(ValueError, match="longer"):
        root_from_inclusion(leaf, 0, 1, [leaf])


def test_consistency_of_ends() -> None:
    edge, node = grown([bytes([each]) for each in range(7)])
    root, roots = edge.root(), [subtree_root(node, 0, size) for size in range(8)]
    assert consistent(0, 7, EMPTY, root, [])
    assert not consistent(0, 7, root, root, [])
    assert not consistent(0, 7, EMPTY, root, [root])
    assert consistent(7, 7, root, root, [])
    assert not consistent(7, 7, root, EMPTY, [])
    assert not consistent(7, 7, root, root, [root])
    assert not consistent(8, 7, root, root, [])
    assert not consistent(3, 7, roots[3], root, [])
    path = consistency_proof(node, 3, 7)
    assert consistent(3, 7, roots[3], root, path)
    assert not consistent(3, 7, roots[2], root, path)
    assert not consistent(3, 7, roots[3], roots[6], path)
    assert not consistent(3, 7, roots[3], root, path[:-1])
    assert not consistent(3, 7, roots[3], root, [*path, root])


def test_an_edge_that_does_not_fit_its_size_is_refused() -> None:
    with pytest.raises(ValueError, match="a tree of 3 leaves has 2 complete subtrees, not 1"):
        Frontier(3, [EMPTY])


def test_the_edge_can_be_taken_up_again() -> None:
    entries = [bytes([each]) for each in range(21)]
    for size in range(22):
        _, node = grown(entries)
        edge = Frontier(size, [node(level, index) for level, index in complete_subtrees(0, size)])
        for entry in entries[size:]:
            edge.append(leaf_hash(entry))
        assert edge.root() == root_of(entries)
