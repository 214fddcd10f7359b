"""The Merkle tree of RFC 6962 and RFC 9162: leaf and node hashes, proofs, and their verification.

Nodes are addressed by (level, index): level 0 holds the leaf hashes, node (l, i) is the root of the complete subtree over the leaves
i·2^l … (i+1)·2^l − 1. Only complete subtrees are ever stored; every other root is folded from them.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from headrace.evidence.verify import leaf_hash, node_hash, root_from_inclusion

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

EMPTY = hashlib.sha256(b"").digest()
"""Root of the tree without leaves."""


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


def fold(roots: Sequence[bytes]) -> bytes:
    """The root over complete subtrees, largest first."""
    if not roots:
        return EMPTY
    folded = roots[-1]
    for left in reversed(roots[:-1]):
        folded = node_hash(left, folded)
    return folded


def complete_subtrees(start: int, end: int) -> list[tuple[int, int]]:
    """(level, index) of the complete subtrees that make up the leaves start…end−1 of a tree, left to right.

    `start` must be a multiple of a power of two at least as large as the range, as it is for every subtree of RFC 6962.
    """
    found: list[tuple[int, int]] = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return found


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


def consistent(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the path proves that the new tree begins with the old one (RFC 9162, 2.1.4.2)."""
    if old == new:
        return not path and old_root == new_root
    if old == 0:
        return not path and old_root == EMPTY
    if not 0 < old < new or not path:
        return False
    steps = list(path) if old & (old - 1) else [old_root, *path]
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    old_found = new_found = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            old_found, new_found = node_hash(step, old_found), node_hash(step, new_found)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            new_found = node_hash(new_found, step)
        first, last = first >> 1, last >> 1
    return last == 0 and old_found == old_root and new_found == new_root


def _largest_power_below(count: int) -> int:
    return 1 << ((count - 1).bit_length() - 1)
