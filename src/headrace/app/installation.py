"""One installation: the processes that a revision asks for, started, kept in step with new revisions, and stopped in order."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from headrace.app.processes.supervisor import Child, Supervisor
from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from headrace.config.layout import Layout
    from headrace.config.model import Workspace

LEDGER_WITHIN = 20.0
GATEWAY_WITHIN = 30.0
SMALL_ARENAS = {"MALLOC_ARENA_MAX": "2"}
"""Native libraries start many threads; glibc would give each an arena of its own."""


@asynccontextmanager
async def exclusive(layout: Layout) -> AsyncGenerator[None]:
    """Hold the workspace for the block. Raises OperationFailed, naming who holds it."""
    layout.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with layout.lock.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OperationFailed(
                f"This workspace is already served{_by_whom(layout)}.",
                code="operation.already_running",
                mend="Use that one, or stop it first.",
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _by_whom(layout: Layout) -> str:
    running = address(layout)
    return f" at {running['url']} (process {running['pid']})" if running else ""


def address(layout: Layout) -> Mapping[str, object] | None:
    """Where the running installation is reached; None when none runs."""
    try:
        found: dict[str, object] = msgspec.json.decode(layout.address.read_bytes(), type=dict[str, object])
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    try:
        os.kill(int(str(found["pid"])), 0)
    except (ProcessLookupError, ValueError, KeyError):
        return None
    return found


class Installation:
    """The processes of one workspace while it is served."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.supervisor = Supervisor(layout)
        self._running: dict[str, object] = {}

    async def start(self, workspace: Workspace, listener: socket.socket) -> None:
        """Start every process; return once the gateway serves on `listener`. Models may still be loading: ``/readyz`` tells.

        Raises OperationFailed with the reason.
        """
        await self.supervisor.start(Child("ledger", "headrace.app.processes.ledger"))
        await self.follow(workspace)
        await self.supervisor.first_breath("ledger", self._layout.socket("ledger"), LEDGER_WITHIN)
        self._layout.address.unlink(missing_ok=True)
        descriptor = listener.fileno()
        await self.supervisor.start(
            Child("gateway", "headrace.app.processes.gateway", ("--fd", str(descriptor)), descriptors=(descriptor,))
        )
        await self.supervisor.first_breath("gateway", self._layout.address, GATEWAY_WITHIN)
        await self.supervisor.start(Child("ingest", "headrace.app.processes.ingest"))

    async def follow(self, workspace: Workspace) -> None:
        """Start what the revision adds, stop what it drops, restart engines whose form changed."""
        wanted = _wanted(workspace)
        for name in [name for name, (_, form) in wanted.items() if self._running.get(name, form) != form]:
            await self.supervisor.stop(name)
            del self._running[name]
        for name in self._running.keys() - wanted.keys():
            await self.supervisor.stop(name)
            del self._running[name]
        for name, (process, form) in wanted.items():
            if name not in self._running:
                self._running[name] = form
                await self.supervisor.start(process)

    async def stop(self) -> None:
        """Stop taking requests, finish those under way, then stop the rest; the ledger goes last."""
        await self.supervisor.stop("gateway")
        others = [name for name in self.supervisor.pids if name != "ledger"]
        await asyncio.gather(*(self.supervisor.stop(name) for name in others))
        await self.supervisor.stop_all(["ledger"])
        self._layout.address.unlink(missing_ok=True)


def _wanted(workspace: Workspace) -> dict[str, tuple[Child, object]]:
    """The processes that the revision needs beside ledger, gateway and ingest, and what each was started for."""
    wanted: dict[str, tuple[Child, object]] = {
        f"engine-{name}": (
            Child(f"engine-{name}", "headrace.app.processes.engine", ("--deployment", name), environment=SMALL_ARENAS),
            form.embedded,
        )
        for name, form in workspace.deployments.items()
        if form.embedded is not None
    }
    if workspace.sources:
        wanted["knowledge"] = (Child("knowledge", "headrace.app.processes.knowledge", environment=SMALL_ARENAS), None)
    return wanted


def listen(host: str, port: int) -> socket.socket:
    """The socket that the gateway serves on; the supervisor keeps it, so that a restarted gateway loses no connection attempt.

    Raises OperationFailed when the address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        why = "is in use by another program" if error.errno == errno.EADDRINUSE else f"cannot be listened on ({error.strerror})"
        raise OperationFailed(f"Port {port} of {host} {why}.", code="operation.port_in_use", mend="Choose another with --port.") from error
    return listener


def url_of(listener: socket.socket) -> str:
    """The address that clients use."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
