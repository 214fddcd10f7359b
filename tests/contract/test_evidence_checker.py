"""The check of drafts keeps to the port EvidenceChecker: in this process, and through the knowledge process and its client."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from headrace.adapters.embedders.minilm import MiniLM
from headrace.config.layout import Layout
from headrace.knowledge.checking.checker import Checker
from headrace.knowledge.client import KnowledgeClient
from headrace.knowledge.quoting.reading import Readings
from headrace.testing.evidence_checker import EvidenceCheckerContract
from tests.providers.engine import embedder as weights

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator


@pytest.fixture(scope="module")
def here() -> Generator[Checker]:
    minilm = MiniLM(weights())
    with ThreadPoolExecutor(1) as threads:
        yield Checker(Readings(minilm, 1 << 20), threads)
    minilm.close()


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Generator[Layout]:
    weights()
    layout = Layout(tmp_path_factory.mktemp("workspace"))
    layout.state.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "headrace.app.processes.knowledge", "--workspace", str(layout.workspace), "--name", "knowledge"]
    )
    while not layout.socket("knowledge").exists():
        assert process.poll() is None, "the knowledge process ended"
    yield layout
    process.terminate()
    assert process.wait(20) == 0


class TestChecker(EvidenceCheckerContract):
    """In this process."""

    @pytest.fixture
    def checker(self, here: Checker) -> Checker:
        return here


class TestKnowledgeProcess(EvidenceCheckerContract):
    """Through the real process."""

    @pytest.fixture
    async def checker(self, layout: Layout) -> AsyncGenerator[KnowledgeClient]:
        client = KnowledgeClient(layout.socket("knowledge"))
        yield client
        await client.close()
