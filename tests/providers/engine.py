"""The real embedded engine in a process of its own, on the default language model.

python tests/providers/engine.py SOCKET SLOTS CONTEXT
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from headrace.adapters.engines import llama
from headrace.adapters.models.openai import Endpoint, OpenAIChat
from headrace.adapters.weights.catalogue import EMBEDDER, LANGUAGE, built_in
from headrace.adapters.weights.store import ModelStore, default_folder
from headrace.config.model import EmbeddedEngine

if TYPE_CHECKING:
    from collections.abc import Generator


def weights(model: str) -> Path:
    """The folder of a built-in model, fetched into the per-user store where it is missing."""
    store = ModelStore(default_folder())
    store.pull(built_in()[model])
    return store.path(model)


def language() -> Path:
    """The default language model's folder."""
    return weights(LANGUAGE)


def embedder() -> Path:
    """The default embedder's folder."""
    return weights(EMBEDDER)


@dataclass(frozen=True)
class Engine:
    """An engine that runs: its process and its socket."""

    process: subprocess.Popen[bytes]
    socket: Path
    slots: int

    def chat(self) -> OpenAIChat:
        """A model of its own, for the event loop that it is used in."""
        return OpenAIChat(Endpoint.embedded(self.socket, slots=self.slots), LANGUAGE)

    async def get(self, path: str) -> str:
        """What the engine says of itself."""
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(self.socket))) as session,
            session.get(f"http://engine{path}") as response,
        ):
            return await response.text()

    async def post(self, path: str, body: object) -> str:
        """What the engine answers."""
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(self.socket))) as session,
            session.post(f"http://engine{path}", json=body) as response,
        ):
            return await response.text()

    async def active(self) -> int:
        """Slots that are being worked on."""
        return (await self.get("/slots")).count('"is_processing":true')


@contextlib.contextmanager
def engine(folder: Path, *, slots: int = 4, context: int = 4096) -> Generator[Engine]:
    """A running engine, ended with the block."""
    language()
    socket = folder / "engine.sock"
    process = subprocess.Popen([sys.executable, "-m", "tests.providers.engine", str(socket), str(slots), str(context)])
    try:
        deadline = time.monotonic() + 30
        while not socket.exists():
            assert time.monotonic() < deadline, "the engine does not start"
            with contextlib.suppress(subprocess.TimeoutExpired):
                assert process.wait(0.02) is None, "the engine ended"
        yield Engine(process, socket, slots)
    finally:
        process.terminate()
        process.wait(20)


if __name__ == "__main__":
    form = EmbeddedEngine(model=LANGUAGE, slots=int(sys.argv[2]), context=int(sys.argv[3]))
    asyncio.run(llama.serve(form, language(), Path(sys.argv[1])))
