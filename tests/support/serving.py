"""The real server in this event loop, and a client that is as rude as it likes: bytes on a socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import uvloop
from prometheus_client import CollectorRegistry

from headrace.app.http.ports.gateway import Readiness
from headrace.app.http.server import server
from headrace.app.inside import catalogue
from headrace.app.inside.library import SourceLibrary
from headrace.app.inside.log import ShownLog
from headrace.app.requests.following import Following
from headrace.config.layout import Layout
from headrace.config.model import Limits
from headrace.knowledge.documents.store import DocumentStore
from headrace.pipeline import line

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Sequence

    from starlette.types import ASGIApp

    from headrace.app.http.ports.gateway import Offer
    from headrace.core.events import CleanDelta
    from headrace.core.flow import Answer, Opened, Received
    from headrace.core.ports import Clock, Ids
    from headrace.core.search import Passages, Search
    from headrace.core.values import Principal
    from headrace.core.vectors import Embeddings, Texts
    from tests.support.rooms import House


@dataclass
class Served:
    """A server that runs: where, how it is told to stop, and whether it has."""

    host: str
    port: int
    stop: Callable[[], object]
    ended: Callable[[], bool]

    async def over(self, within: float = 10.0) -> None:
        """Wait until it has stopped."""
        async with asyncio.timeout(within):
            while not self.ended():
                await asyncio.sleep(0.01)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @contextlib.asynccontextmanager
    async def wire(self) -> AsyncGenerator[Wire]:
        """A connection of one's own."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            yield Wire(reader, writer)
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> Response:
        """One request on a connection of its own."""
        async with self.wire() as wire:
            await wire.request(method, path, body, **headers)
            return await wire.response()


@dataclass
class Response:
    """A response, whole. Header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The error's code."""
        return self.json["error"]["code"]


@dataclass
class Wire:
    """A connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *pieces: bytes, pause: float = 0) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(pause)

    async def request(self, method: str, path: str, body: object = None, **headers: str) -> None:
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
        if content:
            lines.append(f"Content-Length: {len(content)}")
        await self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + content)

    async def response(self, within: float = 5.0) -> Response:
        """The next response, read to its end."""
        async with asyncio.timeout(within):
            status, headers = await self.head()
            if headers.get("transfer-encoding") == "chunked":
                return Response(status, headers, b"".join([piece async for piece in self.chunks()]))
            return Response(status, headers, await self.reader.readexactly(int(headers.get("content-length", 0))))

    async def head(self) -> tuple[int, dict[str, str]]:
        top = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(": ") for line in top[1:] if line)
        return int(top[0].split(" ")[1]), {name.lower(): value for name, _, value in pairs}

    async def chunks(self) -> AsyncGenerator[bytes]:
        while size := int(await self.reader.readline(), 16):
            yield (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readline()

    async def closed(self, within: float = 5.0) -> bytes:
        """What still comes before the server closes the connection."""
        async with asyncio.timeout(within):
            return await self.reader.read()


Loop: TypeAlias = "Callable[[], asyncio.AbstractEventLoop]"
LOOPS: dict[str, Loop] = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


@contextlib.asynccontextmanager
async def serving(
    application: ASGIApp, limits: Limits | None = None, *, drain: float = 5.0, loop: Loop | None = None
) -> AsyncGenerator[Served]:
    """The application behind the real server: in this event loop, or in one of its own that `loop` makes."""
    listener = socket.create_server(("127.0.0.1", 0))
    given = limits or Limits()
    host, port = listener.getsockname()[:2]
    ready = threading.Event()

    async def serve() -> None:
        await server.serve(application, listener, ready.set, lambda: given, drain=drain)

    if loop is None:
        task = asyncio.create_task(serve())
        served = Served(host, port, task.cancel, task.done)
    else:
        served = _in_a_thread(host, port, serve, loop)
    while not ready.is_set() and not served.ended():
        await asyncio.sleep(0.001)
    try:
        yield served
    finally:
        served.stop()
        await served.over()


def _in_a_thread(host: str, port: int, serve: Callable[[], Coroutine[Any, Any, None]], make: Loop) -> Served:
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = []

    async def body() -> None:
        running.append((asyncio.get_running_loop(), asyncio.ensure_future(serve())))
        with contextlib.suppress(asyncio.CancelledError):
            await running[0][1]

    def run() -> None:
        with asyncio.Runner(loop_factory=make) as runner:
            runner.run(body())

    def stop() -> None:
        if running and thread.is_alive():
            running[0][0].call_soon_threadsafe(running[0][1].cancel)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return Served(host, port, stop, lambda: not thread.is_alive())


@dataclass
class HouseGateway:
    """The inside made of a house's rooms (:mod:`tests.support.rooms`): the line, the ledger and the provider are real."""

    house: House
    limits: Limits = field(default_factory=Limits)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    hosts: Collection[str] = ()
    serves: bool = True
    sessions: Any = None
    library: Any = None
    sign_ins: Any = None
    people: Any = None
    revisions: Any = None
    shown: ShownLog | None = None

    @property
    def log(self) -> ShownLog:
        """Made when it is asked for first; it reads the house's own ledger."""
        if self.shown is None:
            self.shown = ShownLog(self.house.folder / "log", lambda: self.house.rooms)
        return self.shown

    @property
    def clock(self) -> Clock:
        return self.house.rooms.clock

    @property
    def requests(self) -> Following:
        """Over the same ledger and the rooms of the house."""
        layout = Layout(self.house.folder)
        library = SourceLibrary(layout, lambda: self.house.rooms, lambda tenant: DocumentStore(layout.documents(tenant)))
        return Following(self.house.ledger, layout, lambda: self.house.rooms, library)

    @property
    def ids(self) -> Ids:
        return self.house.rooms.ids

    def service_names(self) -> Collection[str]:
        return self.house.rooms.workspace.services.keys()

    def answer(self, received: Received) -> AsyncGenerator[Opened | CleanDelta | Answer]:
        return line.answer(received, self.house.rooms)

    async def embed(self, asked: Texts) -> Embeddings:
        return await line.embed(asked, self.house.rooms)

    async def find(self, asked: Search) -> Passages:
        return await line.find(asked, self.house.rooms)

    async def authenticate(self, credential: str) -> Principal:
        return await self.house.rooms.directory.authenticate(credential)

    def services(self, principal: Principal) -> Sequence[Offer]:
        policy = self.house.rooms.policy
        named = sorted(self.house.rooms.workspace.services.items())
        return [
            catalogue.offer(Layout(self.house.folder), self.house.rooms.workspace, form, 1_790_000_000_000_000)
            for name, form in named
            if policy.decide(principal, "ask", ("Service", name), {}).allowed
        ]

    def observes(self, principal: Principal) -> bool:
        return self.house.rooms.policy.decide(principal, "observe", ("Tenant", principal.tenant), {}).allowed

    async def readiness(self) -> Readiness:
        return Readiness(self.serves, {"ledger": "ready", "engine-local": "ready" if self.serves else "loads its weights"})
