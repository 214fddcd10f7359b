"""The whole application over a house's rooms, served, and ways to ask it."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.app.http.application import build
from headrace.app.http.openai import chat
from headrace.config.model import Limits
from tests.support.rooms import KEY, house
from tests.support.serving import HouseGateway, Served, Wire, serving

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.support.rooms import House
    from tests.support.serving import Response

PATH = chat.PATH
LIMITS = Limits.model_validate({"body": "50 KB", "body within": "400 ms"})


@dataclass
class Api:
    """The whole application, served."""

    served: Served
    house: House
    gateway: HouseGateway

    async def chat(self, service: str, text: str = "hi", *, key: str = KEY, **more: object) -> Response:
        body = {"model": service, "messages": [{"role": "user", "content": text}], **more}
        return await self.served.ask("POST", PATH, body, Authorization=f"Bearer {key}")

    @contextlib.asynccontextmanager
    async def stream(self, service: str, text: str = "hi", **more: object) -> AsyncGenerator[Wire]:
        async with self.served.wire() as there:
            body = {"model": service, "messages": [{"role": "user", "content": text}], "stream": True, **more}
            await there.request("POST", PATH, body, Authorization=f"Bearer {KEY}")
            yield there

    async def metrics(self) -> str:
        return (await self.served.ask("GET", "/metrics")).body.decode()

    async def said(self, words: str) -> bool:
        """Do the metrics say so?"""
        return words in await self.metrics()

    async def size(self) -> int:
        """Records in the log."""
        return await self.house.ledger.ready()

    async def settled(self, request: str) -> bool:
        """Has the request its last record?"""
        return any(record["kind"] == "settled" for record in await self.house.records(request))


@contextlib.asynccontextmanager
async def serving_api(limits: Limits = LIMITS, *, drain: float = 5.0) -> AsyncGenerator[Api]:
    """The application over a house of its own."""
    async with house() as built:
        gateway = HouseGateway(built, limits)
        async with serving(build(gateway), drain=drain) as served:
            yield Api(served, built, gateway)


def events(body: bytes) -> list[Any]:
    """The events of a stream, parsed; ``[DONE]`` stays a string."""
    lines = [line.removeprefix(b"data: ") for line in body.split(b"\n\n") if line]
    return [line.decode() if line == b"[DONE]" else json.loads(line) for line in lines]


def text(events: list[Any]) -> str:
    """The text of the answer in them."""
    return "".join(choice["delta"].get("content", "") for event in events if "choices" in event for choice in event["choices"])
