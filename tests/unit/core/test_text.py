"""A place in a clean text is a place in the raw one; labels of texts; how long a text is for a model."""

from __future__ import annotations

import pytest

from headrace.core.labels import Label
from headrace.core.measure import tokens
from headrace.core.text import Seam, raw_stretch

SEAMS = (Seam(5, 14, 5, 25), Seam(20, 25, 31, 33))


@pytest.mark.parametrize(
    ("clean", "raw"),
    [
        ((0, 5), (0, 5)),
        ((0, 14), (0, 25)),
        ((14, 20), (25, 31)),
        ((6, 9), (5, 25)),
        ((14, 22), (25, 33)),
        ((25, 30), (33, 38)),
    ],
)
def test_a_stretch_is_found_behind_masks(clean: tuple[int, int], raw: tuple[int, int]) -> None:
    assert raw_stretch(SEAMS, *clean) == raw


def test_texts_of_two_tenants_are_never_joined() -> None:
    with pytest.raises(ValueError, match="two tenants"):
        Label("acme").join(Label("umbrella"))


@pytest.mark.parametrize(
    ("text", "estimated"),
    [("", 0), ("of", 1), ("The fee is 4000.", 6), ("연회비", 6), ("internationalisation", 5)],
)
def test_a_text_is_estimated_without_a_model(text: str, estimated: int) -> None:
    assert tokens(text) == estimated
