"""One installation: the processes that a revision asks for, started, kept in step with new revisions, and stopped in order."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import socket
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

import msgspec

from headrace.app.processes import engines
from headrace.app.processes.succession import Succession
from headrace.app.processes.supervisor import Child, Supervisor
from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from headrace.config.layout import Layout
    from headrace.config.model import Workspace

BACKLOG = 1024
LOOKS = 25
LOOK_PAUSE = 0.01
"""Tries to get hold of a workspace, and seconds between them."""
LEDGER_WITHIN = 45.0
"""Longer than a ledger waits for one before it."""
GATEWAY_WITHIN = 30.0
RETIRE_EVERY = 1.0
IDLE_LOOKS = 5
"""Looks in a row that find a dropped engine idle before it is stopped: longer than the gateway takes to turn to the new revision."""
SMALL_ARENAS = {"MALLOC_ARENA_MAX": "2"}
"""Native libraries start many threads; glibc would give each an arena of its own."""
LEDGER = Child("ledger", "headrace.app.processes.ledger")
INGEST = Child("ingest", "headrace.app.processes.ingest", environment=SMALL_ARENAS)


@contextmanager
def exclusive(layout: Layout) -> Generator[None]:
    """Hold the workspace for the block. Raises OperationFailed, naming who holds it."""
    layout.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with layout.lock.open("a+") as lock:
        if not _taken_alone(lock):
            raise OperationFailed(
                f"This workspace is already served{_by_whom(layout)}.",
                code="operation.already_running",
                mend="Use that one, or stop it first.",
            )
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _taken_alone(lock: IO[str]) -> bool:
    """Whether the lock could be had. Somebody who only looks (:func:`address`) holds it for a moment too, so once is not enough."""
    for _ in range(LOOKS):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(LOOK_PAUSE)
        else:
            return True
    return False


def _by_whom(layout: Layout) -> str:
    running = address(layout)
    return f" at {running['url']} (process {running['pid']})" if running else ""


def address(layout: Layout) -> Mapping[str, object] | None:
    """Where the running installation is reached; None when none runs.

    What stands in the file is believed of the process that holds this workspace's lock alone: one that was killed leaves the file, its
    number goes to another program, and a copy of a workspace has it too.
    """
    found = address_of(layout)
    return found if found and str(found.get("pid")) == _holder(layout) else None


def address_of(layout: Layout) -> Mapping[str, object]:
    """What stands in the file, whoever wrote it; nothing when it is not there."""
    try:
        return msgspec.json.decode(layout.address.read_bytes(), type=dict[str, object])
    except (FileNotFoundError, msgspec.DecodeError):
        return {}


def _holder(layout: Layout) -> str | None:
    """The process id, in digits, of the one that holds the workspace; None when nobody does."""
    try:
        with layout.lock.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return lock.read()
    except FileNotFoundError:
        pass
    return None


class Installation:
    """The processes of one workspace while it is served."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.supervisor = Supervisor(layout)
        self._running: set[str] = set()
        self._retiring: dict[str, asyncio.Task[None]] = {}
        self._changing = asyncio.Lock()

    async def start(self, workspace: Workspace, listener: socket.socket) -> None:
        """Start every process; return once the gateway serves on `listener`. Models may still be loading: ``/readyz`` tells.

        Raises OperationFailed with the reason.
        """
        listen(listener)
        self._layout.address.unlink(missing_ok=True)
        await self.supervisor.start(LEDGER)
        await self.supervisor.start(gateway(listener))
        await self.follow(workspace)
        await self.supervisor.first_breath("ledger", self._layout.socket("ledger"), LEDGER_WITHIN)
        await self.supervisor.first_breath("gateway", self._layout.address, GATEWAY_WITHIN)
        await self.supervisor.start(INGEST)

    async def follow(self, workspace: Workspace) -> None:
        """Start what the revision adds, and retire what it drops: an engine answers what it was asked before it is stopped."""
        async with self._changing:
            await self._follow(workspace)

    async def renew(self, workspace: Workspace, listener: socket.socket) -> None:
        """Every process anew, by the code that is installed now, without losing a request (:mod:`headrace.app.processes.succession`).

        Raises OperationFailed when the new code does not start; then the old processes serve on.
        """
        async with self._changing:
            await self._follow(workspace)
            children = [child for name, child in _wanted(workspace).items() if name in self.supervisor.names]
            await Succession(self._layout, self.supervisor).run(LEDGER, children, gateway(listener), INGEST)

    async def _follow(self, workspace: Workspace) -> None:
        wanted = _wanted(workspace)
        for name, process in wanted.items():
            if retiring := self._retiring.pop(name, None):
                retiring.cancel()  # wanted again, and still there
            elif name not in self._running:
                await self.supervisor.start(process)
        for name in self._running - wanted.keys():
            self._retiring[name] = asyncio.create_task(self._retire(name))
        self._running = set(wanted)

    async def stop(self) -> None:
        """Stop taking requests, finish those under way, then stop the rest; the ledger goes last."""
        for retiring in self._retiring.values():
            retiring.cancel()
        await self.supervisor.stop("gateway")
        others = [name for name in self.supervisor.names if name != "ledger"]
        await asyncio.gather(*(self.supervisor.stop(name) for name in others))
        await self.supervisor.stop("ledger")
        self._layout.address.unlink(missing_ok=True)
        self._layout.clear_sockets()

    async def _retire(self, name: str) -> None:
        """Stop a process that no revision wants any more, once the gateway has turned away from it and it has nothing to do."""
        idle = 0
        while idle < IDLE_LOOKS:
            await asyncio.sleep(RETIRE_EVERY)
            busy = name.startswith(engines.PREFIX) and await asyncio.to_thread(engines.busy, self._layout.socket(name))
            idle = 0 if busy else idle + 1
        del self._retiring[name]
        await self.supervisor.stop(name)


def _wanted(workspace: Workspace) -> dict[str, Child]:
    """The processes that the revision needs beside ledger, gateway and ingest."""
    wanted: dict[str, Child] = {}
    for deployment, form in workspace.deployments.items():
        if form.embedded is not None:
            name = engines.process_of(deployment, form.embedded)
            arguments = ("--name", name, "--form", engines.written(form.embedded))
            wanted[name] = Child(name, "headrace.app.processes.engine", arguments, SMALL_ARENAS)
    if workspace.searches:
        arguments = ("--name", "knowledge")
        wanted["knowledge"] = Child("knowledge", "headrace.app.processes.knowledge", arguments, SMALL_ARENAS)
    return wanted


def gateway(listener: socket.socket) -> Child:
    """The gateway on a listening socket."""
    descriptor = listener.fileno()
    arguments = ("--fd", str(descriptor), "--beside", "")
    return Child("gateway", "headrace.app.processes.gateway", arguments, descriptors=(descriptor,))


def bind(host: str, port: int) -> socket.socket:
    """The socket that the gateway is going to serve on. It takes the address at once and no connection before :func:`listen`; the
    supervisor keeps it, so that a restarted gateway loses no attempt to connect.

    Raises OperationFailed when the address is taken or not ours.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
    except socket.gaierror as error:
        msg = f"{host} is no address of this machine ({error.strerror})."
        raise OperationFailed(msg, code="operation.no_such_address", mend="Use 127.0.0.1, or an address that this machine has.") from error
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise _taken(host, port, error) from error
    return listener


def listen(listener: socket.socket) -> None:
    """Begin to take connections; they wait for the gateway. Raises OperationFailed when another program listens there since."""
    try:
        listener.listen(BACKLOG)
    except OSError as error:
        host, port = listener.getsockname()[:2]
        raise _taken(host, port, error) from error


def _taken(host: str, port: int, error: OSError) -> OperationFailed:
    if error.errno == errno.EADDRINUSE:
        return OperationFailed(
            f"Port {port} of {host} is in use by another program.",
            code="operation.port_in_use",
            mend="Choose another: --port, or make up PORT=…",
        )
    mend = "Ports below 1024 need more rights." if error.errno == errno.EACCES else "Use an address that this machine has."
    return OperationFailed(f"Port {port} of {host} cannot be listened on ({error.strerror}).", code="operation.cannot_listen", mend=mend)


def url_of(listener: socket.socket) -> str:
    """The address that clients use."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
