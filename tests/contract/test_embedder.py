"""The Embedder contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.adapters.embedders.minilm import MiniLM
from headrace.testing.embedder import EmbedderContract
from tests.providers.engine import embedder as weights

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.fixture(scope="module")
def embedder() -> Generator[MiniLM]:
    minilm = MiniLM(weights())
    yield minilm
    minilm.close()


class TestMiniLM(EmbedderContract):
    """The default embedder."""
