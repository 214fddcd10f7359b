"""The supervisor: starts the processes of one installation, restarts those that die, and stops them in order.

    ledger → gateway, knowledge, engine-*, ingest

A child that dies is restarted after a pause that doubles from 0.2 s to 10 s and starts over once the child has lived for 30 s. Stopping
goes the other way: the gateway drains first, the ledger goes last.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.config.layout import Layout

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
HEALTHY_AFTER = 30.0
STOP_WITHIN = 35.0
"""Seconds. Longer than the gateway's own drain."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Child:
    """A process to keep running: its name (also of its socket and log) and the module that is its body."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict[str, str])
    descriptors: tuple[int, ...] = ()
    """Open files that it inherits."""


class Supervisor:
    """Keeps children running. Use :meth:`start` and :meth:`stop`; a child is one task that watches one process."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self.restarts: dict[str, int] = {}
        """How often each child was restarted."""

    @property
    def names(self) -> list[str]:
        """The children that are kept running, also those between two lives."""
        return list(self._tasks)

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the children that run now."""
        return {name: process.pid for name, process in self._processes.items() if process.returncode is None}

    def log_of(self, name: str) -> Path:
        """The file that a child's output goes to."""
        return self._layout.logs / f"{name}.log"

    async def start(self, child: Child) -> None:
        """Start a child and keep it running until it is stopped."""
        self._layout.logs.mkdir(parents=True, exist_ok=True)
        self.restarts.setdefault(child.name, 0)
        await self._spawn(child)
        self._tasks[child.name] = asyncio.create_task(self._watch(child))

    async def stop(self, name: str) -> None:
        """Stop a child: SIGTERM, and SIGKILL when it does not end in time. Unknown names are passed over."""
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        process = self._processes.pop(name, None)
        if process is not None:
            await self.end(name, process)

    async def end(self, name: str, process: asyncio.subprocess.Process) -> None:
        """SIGTERM, and SIGKILL when it does not end in time."""
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_WITHIN):
                await process.wait()
        except TimeoutError:
            _log.error("%s did not end within %g s and was killed", name, STOP_WITHIN)
            process.kill()
            await process.wait()

    async def adopt(self, child: Child, successor: asyncio.subprocess.Process) -> asyncio.subprocess.Process | None:
        """Keep `successor` running as the child from now on; the process that was the child until now, which goes on by itself."""
        task = self._tasks.pop(child.name, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        before = self._processes.get(child.name)
        self._processes[child.name] = successor
        self.restarts.setdefault(child.name, 0)
        self._tasks[child.name] = asyncio.create_task(self._watch(child))
        return before

    async def _spawn(self, child: Child) -> asyncio.subprocess.Process:
        with contextlib.suppress(FileNotFoundError):
            self._layout.socket(child.name).unlink()  # left by one that was killed: nobody shall take it for a living one
        process = self._processes[child.name] = await self.launch(child)
        return process

    async def launch(self, child: Child) -> asyncio.subprocess.Process:
        """A process of this child that nobody watches yet. Raises OSError when the machine refuses."""
        command = (sys.executable, "-P", "-m", child.module, "--workspace", str(self._layout.workspace), *child.arguments)
        # -P: whatever lies in the folder that we were started in (json.py, http.py) is no module of ours
        with self.log_of(child.name).open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **child.environment},
                start_new_session=True,
                pass_fds=child.descriptors,
            )

    async def _watch(self, child: Child) -> None:
        pause = FIRST_PAUSE
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            code = await self._processes[child.name].wait()
            if loop.time() - began >= HEALTHY_AFTER:
                pause = FIRST_PAUSE
            _log.warning("%s ended with %d; it starts again in %g s (its log: %s)", child.name, code, pause, self.log_of(child.name))
            pause = await self._again(child, pause)

    async def _again(self, child: Child, pause: float) -> float:
        """Start a child anew after a pause, and as long as the machine refuses (no memory, no files, a full disk); the next pause."""
        while True:
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            self.restarts[child.name] += 1
            try:
                await self._spawn(child)
            except OSError as error:
                _log.error("%s cannot be started (%s); it is tried again in %g s", child.name, error.strerror, pause)
            else:
                return pause

    async def first_breath(self, name: str, ready: Path, within: float) -> None:
        """Wait until a child listens on its socket. Raises OperationFailed with its last words when it does not."""
        deadline = asyncio.get_running_loop().time() + within
        while not ready.exists():
            if self.restarts.get(name, 0) > 1 or asyncio.get_running_loop().time() > deadline:
                raise self.not_started(name)
            await asyncio.sleep(0.01)

    def not_started(self, name: str) -> OperationFailed:
        """That a child does not start, with its last words."""
        said = f"The {name} process does not start: {self._last_words(name)}"
        return OperationFailed(said, code="operation.start_failed", mend=f"See {self.log_of(name)}.")

    def _last_words(self, name: str) -> str:
        lines = self.log_of(name).read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it left no word."
