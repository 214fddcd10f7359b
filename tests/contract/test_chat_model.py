"""The ChatModel contract: the embedded engine, and a provider over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.adapters.models.openai import Endpoint, OpenAIChat
from headrace.testing.chat_model import ChatModelContract
from tests.providers.engine import engine
from tests.providers.openai_server import provider

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
    from pathlib import Path

    from tests.providers.engine import Engine
    from tests.providers.openai_server import Provider


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[Engine]:
    with engine(tmp_path_factory.mktemp("engine")) as running:
        yield running


class TestEmbeddedEngine(ChatModelContract):
    @pytest.fixture
    async def model(self, served: Engine) -> AsyncGenerator[OpenAIChat]:
        chat = served.chat()
        yield chat
        await chat.close()

    @pytest.fixture
    async def unreachable(self, tmp_path: Path) -> AsyncGenerator[OpenAIChat]:
        chat = OpenAIChat(Endpoint.embedded(tmp_path / "none.sock", slots=1), "none")
        yield chat
        await chat.close()

    @pytest.fixture
    def active(self, served: Engine) -> Callable[[], Awaitable[int]]:
        return served.active


class TestProvider(ChatModelContract):
    @pytest.fixture
    async def running(self) -> AsyncGenerator[Provider]:
        async with provider() as running:
            yield running

    @pytest.fixture
    async def model(self, running: Provider) -> AsyncGenerator[OpenAIChat]:
        chat = OpenAIChat(Endpoint(f"{running.url}/v1"), "obedient")
        yield chat
        await chat.close()

    @pytest.fixture
    async def unreachable(self) -> AsyncGenerator[OpenAIChat]:
        chat = OpenAIChat(Endpoint("http://127.0.0.1:9/v1"), "none")
        yield chat
        await chat.close()

    @pytest.fixture
    def active(self, running: Provider) -> Callable[[], Awaitable[int]]:
        async def count() -> int:
            return running.state.active

        return count
