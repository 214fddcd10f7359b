"""The Merkle tree of RFC 6962 and RFC 9162: leaf and node hashes, proofs, and their verification.

Nodes are addressed by (level, index): level 0 holds the leaf hashes, node (l, i) is the root of the complete subtree over the leaves
i·2^l … (i+1)·2^l − 1. Only complete subtrees are ever stored; every other root is folded from them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.evidence.verify.notes import EMPTY, complete_subtrees, consistent, fold, leaf_hash, node_hash, root_from_inclusion

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "EMPTY",
    "Frontier",
    "complete_subtrees",
    "consistency_proof",
    "consistent",
    "fold",
    "inclusion_proof",
    "leaf_hash",
    "node_hash",
    "root_from_inclusion",
]


class Frontier:
    """The right edge of a growing tree: the roots of its complete subtrees, largest first."""

    def __init__(self, size: int = 0, roots: Sequence[bytes] = ()) -> None:
        if size.bit_count() != len(roots):
            msg = f"a tree of {size} leaves has {size.bit_count()} complete subtrees, not {len(roots)}"
            raise ValueError(msg)
        self.size = size
        self._roots = list(roots)

    def append(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Add a leaf hash; the nodes that this completes, as (level, index, hash), the leaf first."""
        made = [(0, self.size, leaf)]
        level, index, current = 0, self.size, leaf
        while index & 1:
            current = node_hash(self._roots.pop(), current)
            level, index = level + 1, index >> 1
            made.append((level, index, current))
        self._roots.append(current)
        self.size += 1
        return made

    def root(self) -> bytes:
        """Root hash of the tree as it is."""
        return fold(self._roots)

    def copy(self) -> Frontier:
        """Another edge that grows on its own."""
        return Frontier(self.size, self._roots)


def subtree_root(node: Callable[[int, int], bytes], start: int, end: int) -> bytes:
    """Root over the leaves start…end−1, from stored nodes."""
    return fold([node(level, index) for level, index in complete_subtrees(start, end)])


def inclusion_proof(node: Callable[[int, int], bytes], index: int, size: int) -> list[bytes]:
    """The path from leaf `index` to the root of the tree of `size` leaves, nearest first (RFC 9162, 2.1.3.1).

    Raises ValueError when the leaf is not in the tree.
    """
    if not 0 <= index < size:
        msg = f"leaf {index} is not in a tree of {size}"
        raise ValueError(msg)
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        split = start + _largest_power_below(end - start)
        if index < split:
            path.append(subtree_root(node, split, end))
            end = split
        else:
            path.append(subtree_root(node, start, split))
            start = split
    return path[::-1]


def consistency_proof(node: Callable[[int, int], bytes], old: int, new: int) -> list[bytes]:
    """That the tree of `new` leaves begins with that of `old` (RFC 9162, 2.1.4.1). Raises ValueError unless 0 <= old <= new."""
    if not 0 <= old <= new:
        msg = f"no proof leads from {old} leaves to {new}"
        raise ValueError(msg)
    if old in (0, new):
        return []
    path: list[bytes] = []
    start, end, whole = 0, new, True
    while old != end:
        split = start + _largest_power_below(end - start)
        if old <= split:
            path.append(subtree_root(node, split, end))
            end = split
        else:
            path.append(subtree_root(node, start, split))
            start, whole = split, False
    if not whole:
        path.append(subtree_root(node, start, end))
    return path[::-1]


def _largest_power_below(count: int) -> int:
    return 1 << ((count - 1).bit_length() - 1)
