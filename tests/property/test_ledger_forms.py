"""Trees of any size and records of any content."""

from __future__ import annotations

import rfc8785
from hypothesis import given
from hypothesis import strategies as some

from headrace.evidence.log.merkle import Frontier, consistency_proof, consistent, inclusion_proof, leaf_hash, root_from_inclusion
from headrace.evidence.records import canonical
from tests.support.ledgers import tree_root

TEXT = some.text(some.characters(exclude_categories=["Cs"]), max_size=12)
"""Any Unicode text; control characters and every plane included."""
WHOLE = some.integers(-(2**53) + 1, 2**53 - 1)
FACT = some.recursive(
    some.none() | some.booleans() | WHOLE | TEXT, lambda each: some.lists(each, max_size=4) | some.dictionaries(TEXT, each, max_size=4)
)


@given(some.dictionaries(TEXT, FACT, max_size=6))
def test_canonical_bytes_are_those_of_rfc_8785(record: dict[str, object]) -> None:
    assert canonical(record) == rfc8785.dumps(record)  # pyright: ignore[reportArgumentType] - any facts


@given(some.data(), some.integers(1, 70))
def test_every_leaf_is_provably_in_every_later_tree(data: some.DataObject, size: int) -> None:
    leaves = [leaf_hash(bytes([each])) for each in range(size)]
    nodes: dict[tuple[int, int], bytes] = {}
    edge, roots = Frontier(), [Frontier().root()]
    for leaf in leaves:
        nodes.update({(level, index): digest for level, index, digest in edge.append(leaf)})
        roots.append(edge.root())

    def node(level: int, index: int) -> bytes:
        return nodes[level, index]

    then = data.draw(some.integers(1, size))
    assert roots[then] == tree_root(leaves[:then])
    index = data.draw(some.integers(0, then - 1))
    path = inclusion_proof(node, index, then)
    assert root_from_inclusion(leaves[index], index, then, path) == roots[then]
    proof = consistency_proof(node, then, size)
    assert consistent(then, size, roots[then], roots[size], proof)
    if proof:
        step = data.draw(some.integers(0, len(proof) - 1))
        proof[step] = leaf_hash(proof[step])
        assert not consistent(then, size, roots[then], roots[size], proof)
