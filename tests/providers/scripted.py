"""HTTP servers that do as they are told, byte for byte; and a proxy."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    Script = Callable[[asyncio.StreamWriter, int], Awaitable[None]]
    """Called with each request's number, to write what answers it."""
    Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\n"
WHOLE = OK + b"Content-Length: 5\r\n\r\nhello"


@dataclass
class Server:
    """A server of one script: `answer` is called with each request on its connection."""

    url: str = ""
    requests: list[bytes] = field(default_factory=list[bytes])
    connections: int = 0
    open: int = 0


def says(*pieces: bytes, then: str = "") -> Script:
    """Write these, each by itself; `then` hang up ("close") or tear off ("abort")."""

    async def answer(writer: asyncio.StreamWriter, number: int) -> None:
        del number
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0)
        if then == "close":
            writer.close()
        if then == "abort":
            await writer.drain()
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # RST, no FIN
            writer.transport.abort()

    return answer


@contextlib.asynccontextmanager
async def listening(serve: Serve) -> AsyncGenerator[int]:
    """Serve each connection with this on a port of its own; whatever is open at the end is cut."""
    tasks: dict[asyncio.Task[object], asyncio.StreamWriter] = {}

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks[task] = writer
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task, writer in tasks.items():
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*tasks, *(each.wait_closed() for each in tasks.values()), return_exceptions=True)


@contextlib.asynccontextmanager
async def serving(answer: Script) -> AsyncGenerator[Server]:
    state = Server()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        state.connections += 1
        state.open += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
                state.requests.append(head + await reader.readexactly(length))
                await answer(writer, len(state.requests))
        finally:
            state.open -= 1

    async with listening(serve) as port:
        state.url = f"http://127.0.0.1:{port}"
        yield state


@contextlib.asynccontextmanager
async def proxy(answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> AsyncGenerator[Server]:
    """A proxy that connects to where it is told, after it has answered."""
    state = Server()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        state.requests.append(head)
        writer.write(answer)
        if not answer.startswith(b"HTTP/1.1 200"):
            return
        host, _, port = head.split()[1].decode().rpartition(":")
        there, out = await asyncio.open_connection(host, int(port))
        try:
            await asyncio.gather(carry(reader, out), carry(there, writer))
        finally:
            out.transport.abort()
            await asyncio.gather(out.wait_closed(), return_exceptions=True)

    async with listening(serve) as port:
        state.url = f"127.0.0.1:{port}"
        yield state
