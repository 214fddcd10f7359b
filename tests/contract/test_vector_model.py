"""The VectorModel contract: the embedder of the knowledge process, and a provider over HTTP."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from headrace.adapters.models.exchange import Endpoint
from headrace.adapters.models.openai_vectors import OpenAIVectors
from headrace.config.layout import Layout
from headrace.knowledge.vectors import OwnEmbedder
from headrace.testing.chat_model import prompt
from headrace.testing.vector_model import FEE, VectorModelContract
from tests.providers.engine import embedder as weights
from tests.providers.openai_server import provider

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from pathlib import Path

    from headrace.core.text import CleanPrompt
    from tests.providers.openai_server import Provider

OVERLONG = prompt(FEE, "word " * 300)


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Generator[Layout]:
    weights()
    layout = Layout(tmp_path_factory.mktemp("workspace"))
    layout.state.mkdir()
    command = [sys.executable, "-m", "headrace.app.processes.knowledge", "--workspace", str(layout.workspace), "--name", "knowledge"]
    process = subprocess.Popen(command)
    while not layout.socket("knowledge").exists():
        assert process.poll() is None, "the knowledge process ended"
    yield layout
    process.terminate()
    assert process.wait(20) == 0


class TestOwnEmbedder(VectorModelContract):
    """The default embedder, in the knowledge process."""

    @pytest.fixture
    async def model(self, layout: Layout) -> AsyncGenerator[OwnEmbedder]:
        own = OwnEmbedder(layout.socket("knowledge"))
        yield own
        await own.close()

    @pytest.fixture
    def overlong(self, model: OwnEmbedder) -> tuple[OwnEmbedder, CleanPrompt]:
        return model, OVERLONG

    @pytest.fixture
    async def unreachable(self, tmp_path: Path) -> AsyncGenerator[OwnEmbedder]:
        own = OwnEmbedder(tmp_path / "none.sock")
        yield own
        await own.close()


class TestProvider(VectorModelContract):
    """A provider that speaks the dialect."""

    @pytest.fixture
    async def running(self) -> AsyncGenerator[Provider]:
        async with provider() as running:
            yield running

    @pytest.fixture
    async def model(self, running: Provider) -> AsyncGenerator[OpenAIVectors]:
        vectors = OpenAIVectors(Endpoint(f"{running.url}/v1"), "good")
        yield vectors
        await vectors.close()

    @pytest.fixture
    async def overlong(self, running: Provider) -> AsyncGenerator[tuple[OpenAIVectors, CleanPrompt]]:
        vectors = OpenAIVectors(Endpoint(f"{running.url}/v1"), "too-long")
        yield vectors, OVERLONG
        await vectors.close()

    @pytest.fixture
    async def unreachable(self) -> AsyncGenerator[OpenAIVectors]:
        vectors = OpenAIVectors(Endpoint("http://127.0.0.1:9/v1"), "none")
        yield vectors
        await vectors.close()
