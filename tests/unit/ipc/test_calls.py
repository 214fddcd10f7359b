"""Calls between processes: answers, errors, lost and slow servers, clients that leave or do not read."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket as sockets
import stat
from typing import TYPE_CHECKING

import msgspec
import pytest

from headrace.core.errors import BadRequest, ConfigurationFaults, HeadraceError, Unavailable
from headrace.ipc import frames, server
from headrace.ipc.client import Client
from headrace.ipc.server import MOST_CALLS, Serving
from tests.support.ledgers import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NIL = msgspec.msgpack.encode(None)


class Methods:
    """A small process: what it was asked, and how it answers."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.running = 0
        self.most = 0
        self.cancelled = 0

    async def echo(self, payload: bytes) -> bytes:
        return payload

    async def wait(self, payload: bytes) -> bytes:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        return payload

    async def refuse(self, payload: bytes) -> bytes:
        raise BadRequest("no", code="test.no", param=str(len(payload)), mend="ask otherwise")

    def refuse_at_once(self, payload: bytes) -> asyncio.Future[bytes]:
        raise BadRequest("not even begun", code="test.no")

    async def strange(self, payload: bytes) -> bytes:
        class StrangeError(HeadraceError):
            """Of a class that the other side does not know."""

        raise StrangeError("strange", code="test.strange")

    async def faults(self, payload: bytes) -> bytes:
        raise ConfigurationFaults("faults", [payload])

    async def defect(self, payload: bytes) -> bytes:
        raise RuntimeError(payload)

    async def give_up(self, payload: bytes) -> bytes:
        raise asyncio.CancelledError

    async def large(self, payload: bytes) -> bytes:
        return msgspec.msgpack.encode(bytes(msgspec.msgpack.decode(payload, type=int)))

    def table(self) -> dict[str, server.Method]:
        names = ("echo", "wait", "refuse", "refuse_at_once", "strange", "faults", "defect", "give_up", "large")
        return {name: getattr(self, name) for name in names}


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "it.sock"


@pytest.fixture
async def methods() -> Methods:
    return Methods()


@pytest.fixture
async def serving(socket: Path, methods: Methods) -> AsyncIterator[Serving]:
    listening = await server.serve(socket, methods.table())
    yield listening
    methods.gate.set()
    await listening.drain()


@pytest.fixture
async def client(serving: Serving, socket: Path) -> AsyncIterator[Client]:
    del serving  # it only has to be there
    asking = Client(socket, "test")
    yield asking
    await asking.close()


async def test_an_answer_comes_back_to_its_own_call(client: Client, methods: Methods) -> None:
    slow = asyncio.create_task(client.call("wait", msgspec.msgpack.encode("slow")))
    answers = await asyncio.gather(*(client.call("echo", msgspec.msgpack.encode(each)) for each in range(100)))
    assert [msgspec.msgpack.decode(answer) for answer in answers] == list(range(100))
    methods.gate.set()
    assert msgspec.msgpack.decode(await slow) == "slow"


@pytest.mark.usefixtures("serving")
async def test_only_the_owner_can_connect(socket: Path) -> None:
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600


async def test_errors_keep_class_code_place_and_mend(client: Client) -> None:
    with pytest.raises(BadRequest, match="no") as refused:
        await client.call("refuse", NIL)
    assert (refused.value.code, refused.value.param, refused.value.mend) == ("test.no", "1", "ask otherwise")
    with pytest.raises(BadRequest, match="not even begun"):
        await client.call("refuse_at_once", NIL)


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("strange", "test.strange"),
        ("faults", "workspace.faults"),
        ("defect", "internal.error"),
        ("give_up", "internal.error"),
        ("none", "internal.no_such_method"),
    ],
)
async def test_other_errors_are_errors_too(client: Client, method: str, code: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    with pytest.raises(HeadraceError) as failed:
        await client.call(method, NIL)
    assert failed.value.code == code


async def test_large_answers_pass_and_too_large_ones_are_refused(client: Client) -> None:
    assert len(await client.call("large", msgspec.msgpack.encode(20_000_000))) > 20_000_000
    with pytest.raises(HeadraceError, match="over the limit"):
        await client.call("large", msgspec.msgpack.encode(frames.LARGEST_FRAME))
    with pytest.raises(frames.FrameTooLarge):
        await client.call("echo", msgspec.msgpack.encode(bytes(frames.LARGEST_FRAME)))
    assert await client.call("echo", NIL) == NIL


async def test_nobody_there(tmp_path: Path) -> None:
    client = Client(tmp_path / "none", "ledger")
    with pytest.raises(Unavailable) as gone:
        await client.call("echo", NIL)
    assert gone.value.code == "internal.ledger_unavailable"
    await client.close()


async def test_a_server_that_goes_away_ends_its_calls_and_the_next_connects_anew(socket: Path, methods: Methods) -> None:
    first = await server.serve(socket, methods.table())
    client = Client(socket, "test")
    waiting = [asyncio.create_task(client.call("wait", NIL)) for _ in range(3)]
    await until(lambda: methods.running == 3)
    for connection in list(first._connections):
        connection.abort()
    first.close()
    for each in waiting:
        with pytest.raises(Unavailable, match="is not there"):
            await each
    await until(lambda: methods.cancelled == 3)
    async with await server.serve(socket, methods.table()):
        assert await client.call("echo", NIL) == NIL
        await client.close()
    await client.close()


async def test_calls_of_a_new_connection_outlive_the_old_one(socket: Path, methods: Methods) -> None:
    """The end of a connection is told to its own calls only, however late it is noticed."""
    async with await server.serve(socket, methods.table()):
        client = Client(socket, "test")
        assert await client.call("echo", NIL) == NIL
        old = client._link
        assert old is not None
        assert old._transport is not None
        old._transport.close()  # connection_lost comes in a later turn of the loop
        with pytest.raises(Unavailable, match="is not there"):
            await old.ask("echo", NIL, None)
        calls = [asyncio.create_task(client.call("echo", msgspec.msgpack.encode(each))) for each in range(5)]
        assert [msgspec.msgpack.decode(await each) for each in calls] == list(range(5))
        await client.close()


async def test_a_slow_answer_is_not_waited_for_longer_than_asked(client: Client, methods: Methods) -> None:
    with pytest.raises(Unavailable, match="does not answer in time") as slow:
        await client.call("wait", NIL, within=0.02)
    assert slow.value.code == "internal.test_slow"
    methods.gate.set()
    assert await client.call("wait", NIL, within=20) == NIL


async def test_a_caller_may_leave(client: Client, methods: Methods) -> None:
    leaving = asyncio.create_task(client.call("wait", NIL, within=20))
    await until(lambda: methods.running == 1)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    methods.gate.set()
    assert await client.call("echo", NIL) == NIL


async def test_closing_the_client_ends_its_calls(client: Client, methods: Methods) -> None:
    waiting = asyncio.create_task(client.call("wait", NIL))
    await until(lambda: methods.running == 1)
    await client.close()
    with pytest.raises(Unavailable):
        await waiting


async def test_closing_while_connecting_leaves_no_connection(client: Client, serving: Serving) -> None:
    call = asyncio.create_task(client.call("echo", NIL))
    await asyncio.sleep(0)
    await client.close()
    with contextlib.suppress(Unavailable):
        await call
    await client.close()
    await connections(serving, 0)


async def test_draining_answers_what_was_asked(client: Client, methods: Methods, serving: Serving) -> None:
    waiting = [asyncio.create_task(client.call("wait", msgspec.msgpack.encode(each))) for each in range(5)]
    await until(lambda: methods.running == 5)
    draining = asyncio.create_task(serving.drain())
    await asyncio.sleep(0)
    late = asyncio.create_task(client.call("echo", NIL))
    await asyncio.sleep(0.01)
    methods.gate.set()
    assert [msgspec.msgpack.decode(await each) for each in waiting] == list(range(5))
    await draining
    with pytest.raises(Unavailable):
        await late


async def test_not_too_many_calls_of_one_client_run_at_one_time(client: Client, methods: Methods) -> None:
    payload = msgspec.msgpack.encode(bytes(3000))
    calls = [asyncio.create_task(client.call("wait", payload)) for _ in range(MOST_CALLS * 2)]
    await until(lambda: methods.running >= MOST_CALLS)
    await asyncio.sleep(0.02)
    assert methods.most < MOST_CALLS * 2
    methods.gate.set()
    assert all(await asyncio.gather(*calls))


async def test_a_client_that_does_not_read_is_not_read_from(socket: Path, serving: Serving) -> None:
    reader, writer = await asyncio.open_unix_connection(str(socket))
    call = msgspec.msgpack.encode((1, "large", 1_000_000))
    writer.write(frames.pack(call))
    (connection,) = await connections(serving, 1)
    await until(lambda: connection._flowing is not None)
    assert connection._transport is not None
    assert not connection._transport.is_reading()
    (length,) = frames.LENGTH.unpack(await reader.readexactly(4))
    await reader.readexactly(length)
    await until(lambda: connection._flowing is None)
    assert connection._transport.is_reading()
    writer.close()
    await writer.wait_closed()


async def test_a_client_waits_for_a_server_that_does_not_read(socket: Path) -> None:
    silent = sockets.socket(sockets.AF_UNIX)
    silent.bind(str(socket))
    silent.listen()
    client = Client(socket, "test")
    payload = msgspec.msgpack.encode(bytes(4_000_000))
    first = asyncio.create_task(client.call("echo", payload))
    await until(lambda: client._link is not None and client._link._flowing is not None)
    second = asyncio.create_task(client.call("echo", payload))
    await asyncio.sleep(0.01)
    assert client._link is not None
    assert client._link._last == 1
    client._link.abort()
    for each in (first, second):
        with pytest.raises(Unavailable):
            await each
    await client.close()
    silent.close()


@pytest.mark.parametrize(
    "bad", [frames.LENGTH.pack(frames.LARGEST_FRAME + 1), frames.pack(b"\xc1"), frames.pack(msgspec.msgpack.encode(1))]
)
async def test_a_bad_frame_drops_its_connection_only(client: Client, socket: Path, bad: bytes, caplog: pytest.LogCaptureFixture) -> None:
    assert await client.call("echo", NIL) == NIL
    reader, writer = await asyncio.open_unix_connection(str(socket))
    writer.write(bad)
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
    assert "sent a bad frame" in caplog.text
    assert await client.call("echo", NIL) == NIL


async def test_a_bad_answer_drops_the_connection(socket: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4)
        writer.write(frames.pack(msgspec.msgpack.encode([99, "ok", None])) + frames.pack(b"\xc1"))
        await writer.drain()
        writer.close()

    garbling = await asyncio.start_unix_server(connected, path=str(socket))
    client = Client(socket, "test")
    with pytest.raises(Unavailable):
        await client.call("echo", NIL)
    assert "the test process, which sent a bad frame" in caplog.text
    await client.close()
    garbling.close()


async def connections(serving: Serving, count: int) -> list[server._Answering]:
    await until(lambda: len(serving._connections) == count)
    return list(serving._connections)
