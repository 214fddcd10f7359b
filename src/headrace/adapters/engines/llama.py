"""The embedded engine: llama.cpp, serving the OpenAI dialect on a Unix socket, as the body of a child process."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import importlib
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from collections.abc import Generator

SMALL_WEIGHTS = 256 << 20
"""Bytes. Below, one thread writes faster than two, by half: they would meet hundreds of times a token, for little work in between."""
MOST_THREADS = 8
STDERR = 2
_NATIVE = "headrace.adapters.engines.native"
_X86 = ("x86_64", "amd64")
_NEEDED = ("avx", "avx2", "bmi2", "f16c", "fma")
"""What the built library uses without asking; on a CPU that lacks one it would be killed by SIGILL."""


class Form(Protocol):
    """What is to be served: a deployment's ``embedded`` (:class:`headrace.config.model.EmbeddedEngine`)."""

    @property
    def model(self) -> str:
        """Its name."""
        ...

    @property
    def slots(self) -> int:
        """Answers at one time."""
        ...

    @property
    def context(self) -> int:
        """Tokens over all slots."""
        ...

    @property
    def threads(self) -> int | None:
        """None: what suits the weights and the machine."""
        ...


class _Native(Protocol):
    """The module that is imported late."""

    def start(self, weights: Path, socket: Path, *, slots: int, context: int, writing: int, reading: int) -> object: ...


async def serve(engine: Form, weights: Path, socket: Path) -> None:
    """Serve a model on `socket` (mode 0600) until cancelled. The socket appears once the model is loaded.

    `weights` is a GGUF file or a model's folder with one. Raises OperationFailed when this machine or these weights will not do.
    """
    # A thread of the engine that waits for the others must sleep. Spinning, it holds the core that they need: with more work on the machine
    # than cores, an answer took ten times as long. The library reads this when it is loaded, which preflight does.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    preflight()
    native = importlib.import_module(_NATIVE)  # only now: importing it runs native code
    # llama.cpp listens before it has loaded: it does so under another name, and the socket that others look for means that it is ready.
    early = socket.with_name(f"~{socket.name}")  # it takes only names that end in .sock
    for left in (early, socket):
        left.unlink(missing_ok=True)
    server = await asyncio.to_thread(_start, cast("_Native", native), engine, gguf_of(weights), early)
    mine = early.stat().st_ino
    try:
        with _mute():
            early.rename(socket)
            await asyncio.Event().wait()
    finally:
        del server  # stops it; answers under way are broken off, which their readers see
        with contextlib.suppress(FileNotFoundError):
            if os.stat(socket).st_ino == mine:  # noqa: PTH116 - calls that do not block; else a successor listens under this name now
                os.unlink(socket)  # noqa: PTH108


@contextlib.contextmanager
def _mute() -> Generator[None]:
    """Nothing is written to standard error: there the library prints grammars and patterns that it cannot read, and those are made of
    what clients sent. What it says while it loads is of the model alone."""
    sys.stderr.flush()
    kept = os.dup(STDERR)
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - it is no path of ours
        os.dup2(nowhere.fileno(), STDERR)
    try:
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)


def _start(native: _Native, engine: Form, file: Path, socket: Path) -> object:
    socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    writing, reading = threads_of(engine, file, len(os.sched_getaffinity(0)))
    try:
        server = native.start(file, socket, slots=engine.slots, context=engine.context, writing=writing, reading=reading)
    except RuntimeError as error:
        msg = f'llama.cpp cannot serve the model "{engine.model}"; the lines above say why.'
        mend = f"Check its weights: headrace models verify {engine.model}"
        raise OperationFailed(msg, code="models.load_failed", param=file.name, mend=mend) from error
    socket.chmod(0o600)
    return server


def threads_of(engine: Form, file: Path, cores: int) -> tuple[int, int]:
    """Threads of a step that writes one token, and of one that reads a prompt or writes several answers on. One core is left for the
    processes that talk to people."""
    if engine.threads is not None:
        return engine.threads, engine.threads
    reading = max(1, min(cores - 1, MOST_THREADS))
    return 1 if file.exists() and file.stat().st_size < SMALL_WEIGHTS else reading, reading


def preflight() -> None:
    """Look whether this machine can run the engine, before its library is loaded. Raises OperationFailed that says what it lacks."""
    lacking = lacking_features(platform.machine(), Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    if lacking:
        msg = f"This machine's CPU lacks {', '.join(lacking).upper()}, and the embedded engine needs it."
        raise OperationFailed(msg, code="models.cpu_too_old", mend="Use a machine with AVX2, or connect a model served elsewhere.")
    try:
        ctypes.CDLL("libgomp.so.1")
    except OSError as error:
        msg = "The system library libgomp is not installed, and the embedded engine needs it."
        raise OperationFailed(msg, code="models.no_libgomp", mend="On Debian or Ubuntu: apt-get install libgomp1") from error


def lacking_features(machine: str, cpuinfo: str) -> tuple[str, ...]:
    """What the engine needs and the CPU described by ``/proc/cpuinfo`` does not have. Other machines than x86 lack nothing."""
    if machine.lower() not in _X86:
        return ()
    flags = " ".join(line.partition(":")[2] for line in cpuinfo.splitlines() if line.startswith("flags")).split()
    return tuple(feature for feature in _NEEDED if feature not in flags)


def gguf_of(weights: Path) -> Path:
    """The GGUF file: `weights` itself, or the one in that folder. Raises OperationFailed when there is none, or more than one."""
    if not weights.is_dir():
        return weights
    found = sorted(weights.glob("*.gguf"))
    if len(found) != 1:
        msg = f"A language model's folder holds one GGUF file, and this one has {len(found)}."
        raise OperationFailed(msg, code="models.load_failed", param=str(weights))
    return found[0]
