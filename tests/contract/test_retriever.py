"""Search keeps to the port Retriever: in this process, and through the knowledge process and its client."""

from __future__ import annotations

import itertools
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from headrace.adapters.embedders.minilm import MiniLM
from headrace.config.layout import Layout
from headrace.knowledge.client import KnowledgeClient
from headrace.knowledge.quoting.quote import Quoter
from headrace.testing.retriever import RetrieverContract
from tests.providers.engine import embedder as weights
from tests.support.searching import fill as fill_folder
from tests.support.searching import retrieval

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Sequence
    from pathlib import Path

    from headrace.core.values import StoredPassage
    from headrace.knowledge.search.retrieve import Retrieval

_numbers = itertools.count()


@pytest.fixture(scope="module")
def minilm() -> Generator[MiniLM]:
    embedder = MiniLM(weights())
    yield embedder
    embedder.close()


@pytest.fixture
def tenant() -> str:
    return f"t{next(_numbers)}"


@pytest.fixture
def other_tenant() -> str:
    return f"t{next(_numbers)}"


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Generator[Layout]:
    weights()
    layout = Layout(tmp_path_factory.mktemp("workspace"))
    layout.state.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "headrace.app.processes.knowledge", "--workspace", str(layout.workspace), "--name", "knowledge"]
    )
    socket = layout.socket("knowledge")
    while not socket.exists():
        assert process.poll() is None, "the knowledge process ended"
    yield layout
    process.terminate()
    assert process.wait(20) == 0


class TestRetrieval(RetrieverContract):
    """In this process."""

    @pytest.fixture
    def retriever(self, minilm: MiniLM, tmp_path: Path) -> Generator[Retrieval]:
        with retrieval(tmp_path, minilm, Quoter(minilm)) as found:
            yield found

    @pytest.fixture
    def fill(self, minilm: MiniLM, tmp_path: Path) -> Callable[[str, Sequence[StoredPassage]], object]:
        return lambda tenant, passages: fill_folder(tmp_path / tenant, passages, minilm)


class TestKnowledgeProcess(RetrieverContract):
    """Through the real process, which another one writes for."""

    @pytest.fixture
    async def retriever(self, layout: Layout) -> AsyncGenerator[KnowledgeClient]:
        client = KnowledgeClient(layout.socket("knowledge"))
        yield client
        await client.close()

    @pytest.fixture
    def fill(self, minilm: MiniLM, layout: Layout) -> Callable[[str, Sequence[StoredPassage]], object]:
        return lambda tenant, passages: fill_folder(layout.knowledge(tenant), passages, minilm)
