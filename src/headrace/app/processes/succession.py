"""Every process followed by one of the code that is installed now, and no request lost.

The supervisor holds the listening socket, so connections wait while nobody takes them; it goes like this:

    look     the new code, in a process of its own, brings the control store up to date and reads what is in force
    beside   new engines and a new knowledge process load beside the old ones, on sockets of another name
    ledger   is followed by the new one; gateways wait for it as they do when it is restarted
    turn     the new sockets get the old ones' names: whoever connects from now on reaches the new processes
    gateway  a new one serves on the same listening socket; the old one then takes nothing new, ends its answers, and goes
    rest     the old engines and the old knowledge process have nobody left to answer, and go; ingest starts anew

What does not start ends it there: until `ledger` nothing has changed, and the old processes serve on. The supervisor itself goes on
with the code that it was started with.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from headrace.core.errors import HeadraceError, OperationFailed
from headrace.knowledge.client import KnowledgeClient

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from headrace.app.processes.supervisor import Child, Supervisor
    from headrace.config.layout import Layout

NEXT = ".next"
"""Ends the name of a process, and of its socket, until it has the place of the one before it."""
LOOK_WITHIN = 60.0
LOADS_WITHIN = 60.0
LEDGER_WITHIN = 20.0
GATEWAY_WITHIN = 30.0
_LOOK = 0.02
_PREPARE = "headrace.app.processes.prepare"


class Succession:
    """One change of all processes."""

    def __init__(self, layout: Layout, supervisor: Supervisor) -> None:
        self._layout = layout
        self._supervisor = supervisor

    async def run(self, ledger: Child, loading: Sequence[Child], gateway: Child, ingest: Child) -> None:
        """`loading` are the processes that load something: engines, knowledge. Raises OperationFailed with the reason why not."""
        await self._look(ledger)
        beside: dict[str, Process] = {}
        try:
            for child in loading:
                beside[child.name] = await self._supervisor.launch(_named(child))
            for child in loading:
                await self._until(child, beside[child.name], self._loaded(child), LOADS_WITHIN)
        except BaseException:
            await asyncio.gather(*(self._supervisor.end(name, process) for name, process in beside.items()))
            for name in beside:
                self._socket(name).unlink(missing_ok=True)
            raise
        await self._follow_ledger(ledger)
        old = {child.name: await self._turn(child, beside[child.name]) for child in loading}
        await self._follow_gateway(gateway)
        await asyncio.gather(*(self._supervisor.end(name, process) for name, process in old.items() if process is not None))
        await self._supervisor.stop(ingest.name)
        await self._supervisor.start(ingest)

    async def _look(self, like: Child) -> None:
        process = await self._supervisor.launch(replace(like, name="prepare", module=_PREPARE, arguments=()))
        try:
            async with asyncio.timeout(LOOK_WITHIN):
                code = await process.wait()
        except TimeoutError:
            await self._supervisor.end("prepare", process)
            code = 1
        if code:
            raise self._supervisor.not_started("prepare")

    async def _until(self, child: Child, process: Process, ready: Callable[[], Awaitable[bool]], within: float) -> None:
        """Wait until a process that nobody watches is ready. Raises OperationFailed with its last words when it ends, or takes too long."""
        deadline = asyncio.get_running_loop().time() + within
        while not await ready():
            if process.returncode is not None or asyncio.get_running_loop().time() > deadline:
                raise self._supervisor.not_started(child.name)
            await asyncio.sleep(_LOOK)

    def _loaded(self, child: Child) -> Callable[[], Awaitable[bool]]:
        """An engine's socket appears once it has loaded; the knowledge process says so."""
        socket = self._socket(child.name)

        async def listens() -> bool:
            return socket.exists()

        async def searches() -> bool:
            client = KnowledgeClient(socket)
            try:
                await client.ready()
            except HeadraceError:
                return False
            finally:
                await client.close()
            return True

        return searches if child.name == "knowledge" else listens

    async def _turn(self, child: Child, process: Process) -> Process | None:
        """The new process has the name from now on; the old one, which still answers whom it was answering."""
        before = await self._supervisor.adopt(child, process)
        with contextlib.suppress(FileNotFoundError):  # it died since it was ready: the supervisor starts it again under its name
            self._socket(child.name).rename(self._layout.socket(child.name))
        return before

    async def _follow_ledger(self, ledger: Child) -> None:
        """One log has one writer: the old one commits what was asked of it and goes before the new one comes."""
        await self._supervisor.stop(ledger.name)
        await self._supervisor.start(ledger)
        await self._supervisor.first_breath(ledger.name, self._layout.socket(ledger.name), LEDGER_WITHIN)

    async def _follow_gateway(self, gateway: Child) -> None:
        arguments = (*gateway.arguments[:-1], str(self._announced().get("instance", "")))
        process = await self._supervisor.launch(replace(gateway, arguments=arguments))

        async def serves() -> bool:
            return self._announced().get("gateway") == process.pid

        try:
            await self._until(gateway, process, serves, GATEWAY_WITHIN)
        except OperationFailed:
            await self._supervisor.end(gateway.name, process)
            raise
        before = await self._supervisor.adopt(gateway, process)
        if before is not None:
            await self._supervisor.end(gateway.name, before)

    def _announced(self) -> dict[str, object]:
        try:
            return msgspec.json.decode(self._layout.address.read_bytes(), type=dict[str, object])
        except (FileNotFoundError, msgspec.DecodeError):
            return {}

    def _socket(self, name: str) -> Path:
        return self._layout.socket(f"{name}{NEXT}")


def _named(child: Child) -> Child:
    """The child under the name that it has until it is ready."""
    arguments = list(child.arguments)
    at = arguments.index("--name") + 1
    arguments[at] = f"{child.name}{NEXT}"
    return replace(child, arguments=tuple(arguments))
