"""The fused order of two arms."""

from __future__ import annotations

import pytest

from headrace.core.values import Hit
from headrace.knowledge.search.fuse import DENSE_WEIGHT, SEEN, dense_weight, fuse


def keys(words: list[Hit], meaning: list[Hit], share: float = 0.5) -> list[int]:
    return [each.key for each in fuse(words, meaning, share)]


def test_nothing_from_nothing() -> None:
    assert fuse([], []) == []


def test_scores_are_scaled_within_their_arm_and_added() -> None:
    fused = fuse([Hit(1, 30.0), Hit(2, 20.0), Hit(3, 10.0)], [Hit(3, 0.9), Hit(2, 0.7), Hit(4, 0.1)], 0.5)
    assert [(each.key, round(each.score, 4)) for each in fused] == [(2, 0.625), (1, 0.5), (3, 0.5), (4, 0.0)]
    assert fused[0].ranks == {"bm25": 2, "dense": 2}
    assert fused[0].scores == {"bm25": 20.0, "dense": 0.7}
    assert fused[1].ranks == {"bm25": 1}


def test_an_arm_that_brought_nothing_leaves_the_others_order() -> None:
    hits = [Hit(7, 3.0), Hit(5, 2.0), Hit(6, 1.0)]
    assert keys(hits, []) == keys([], hits) == [7, 5, 6]


@pytest.mark.parametrize(("share", "first"), [(0.0, 1), (1.0, 2)])
def test_the_share_decides(share: float, first: int) -> None:
    assert keys([Hit(1, 9.0), Hit(2, 1.0)], [Hit(2, 0.9), Hit(1, 0.1)], share)[0] == first


def test_arms_need_not_be_in_order_and_ties_are_settled() -> None:
    assert keys([Hit(3, 1.0), Hit(2, 1.0), Hit(1, 1.0)], []) == [1, 2, 3]
    assert keys([Hit(1, 1.0), Hit(2, 5.0)], []) == [2, 1]


def test_a_question_longer_than_the_embedder_sees_leans_on_its_words() -> None:
    assert dense_weight(0) == dense_weight(SEEN) == DENSE_WEIGHT
    assert dense_weight(4 * SEEN) == pytest.approx(DENSE_WEIGHT / 4)
