"""The parent's side of the conversion child: started when first needed, watched while it works, killed when it goes over a limit."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from headrace.adapters.converters.worker import LENGTH, Reply, Request
from headrace.core.conversion import TOO_SLOW
from headrace.core.errors import ConversionFailed, Unavailable

_LOOK_EVERY = 0.05
_PIECE = 1 << 16
_START_WITHIN = 30.0
_END_WITHIN = 2.0
_DATA_SHARE = 2
"""The kernel's limit counts memory that is set aside and never touched, so it is set higher than the one that is watched."""
_WHOLE_REPLY = 256 * 1024 * 1024
_DIVIDE = "Divide it into several files."
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may take: seconds, and bytes of memory that the child uses."""

    seconds: float = 60.0
    memory: int = 1 << 30
    files: int = 500
    """Files after which the child is replaced by a fresh one: a leak in native code stays small."""


class _ChildDiedError(Exception):
    """The child ended by itself while it worked on a file."""


class Child:
    """One conversion at a time, in a child that lives for many. Use it from one thread that lives as long as it: the kernel ties the
    child's life to the thread that started it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._served = 0

    @property
    def pid(self) -> int | None:
        """Process id of the child, while there is one."""
        return self._process.pid if self._process else None

    def convert(self, request: Request, within: float | None = None) -> Reply:
        """What the child made of a file. Raises ConversionFailed when it goes over a limit (`within`: fewer seconds than any file may
        take) or crashes, each with its reason."""
        seconds = min(self._limits.seconds, within or self._limits.seconds)
        if self._served >= self._limits.files:
            self.close()
        fresh = self._served == 0
        try:
            return self._ask(request, seconds)
        except _ChildDiedError as death:
            if fresh:
                raise _crashed(death) from death
        try:  # it may have died of what files before this one left behind: once more, in a fresh child
            return self._ask(request, seconds)
        except _ChildDiedError as death:
            raise _crashed(death) from death

    def close(self) -> None:
        """End the child. Idempotent."""
        process, self._process, self._served = self._process, None, 0
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _ask(self, request: Request, seconds: float) -> Reply:
        process = self._process or self._start()
        self._served += 1
        body = msgspec.msgpack.encode(request)
        try:
            return self._exchange(process, LENGTH.pack(len(body)) + body, seconds)
        except (ConversionFailed, _ChildDiedError):
            self.close()
            raise

    def _start(self) -> subprocess.Popen[bytes]:
        command = (sys.executable, "-I", "-m", "headrace.adapters.converters.worker", str(self._limits.memory * _DATA_SHARE))
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "2"},  # nothing of ours: an environment may hold secrets
            start_new_session=True,
        )
        self._process = process
        for pipe in (process.stdin, process.stdout):
            os.set_blocking(_open(pipe).fileno(), False)
        try:
            self._exchange(process, b"", _START_WITHIN)
        except (ConversionFailed, _ChildDiedError) as error:
            self.close()
            msg = "The converter does not start."
            raise Unavailable(msg, code="ingest.no_converter", mend="See that the installation is complete: pip check.") from error
        return process

    def _exchange(self, process: subprocess.Popen[bytes], sending: bytes, seconds: float) -> Reply:
        """Send a frame and receive one, with an eye on the clock and on the child's memory."""
        deadline = time.monotonic() + seconds
        unsent = memoryview(sending)
        received = bytearray()
        entrance, exit_ = _open(process.stdin), _open(process.stdout)
        with selectors.DefaultSelector() as ready:
            ready.register(exit_, selectors.EVENT_READ)
            if unsent:
                ready.register(entrance, selectors.EVENT_WRITE)
            while not _whole(received):
                self._watch(process, deadline, seconds)
                for key, _ in ready.select(_LOOK_EVERY):
                    if key.fileobj is exit_:
                        _take(process, exit_, received)
                    else:
                        unsent = unsent[_give(process, entrance, unsent) :]
                        if not unsent:
                            ready.unregister(entrance)
        return msgspec.msgpack.decode(bytes(received[LENGTH.size :]), type=Reply)

    def _watch(self, process: subprocess.Popen[bytes], deadline: float, seconds: float) -> None:
        if time.monotonic() > deadline:
            mend = "Divide it, or try again when the machine is less busy: headrace ingest --full."
            raise ConversionFailed(f"It took longer than {seconds:g} s.", code=TOO_SLOW, mend=mend)
        if _resident(process.pid) > self._limits.memory:
            reason = f"It needs more than {self._limits.memory >> 20} MiB of memory."
            raise ConversionFailed(reason, code="ingest.too_large", mend=_DIVIDE)


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        msg = "the child was started without a pipe"
        raise TypeError(msg)
    return pipe


def _whole(received: bytearray) -> bool:
    """Whether a whole frame is there."""
    if len(received) < LENGTH.size:
        return False
    (length,) = LENGTH.unpack(received[: LENGTH.size])
    if length > _WHOLE_REPLY:
        raise ConversionFailed("Its text is too long.", code="ingest.too_large", mend=_DIVIDE)
    return len(received) >= LENGTH.size + length


def _take(process: subprocess.Popen[bytes], pipe: IO[bytes], received: bytearray) -> None:
    piece = os.read(pipe.fileno(), _PIECE)
    if not piece:
        raise _death(process)
    received += piece


def _give(process: subprocess.Popen[bytes], pipe: IO[bytes], unsent: memoryview) -> int:
    try:
        return os.write(pipe.fileno(), unsent[:_PIECE])
    except BrokenPipeError:
        raise _death(process) from None


def _crashed(death: _ChildDiedError) -> ConversionFailed:
    if str(death) == signal.SIGABRT.name:  # how native code ends when it is refused memory
        return ConversionFailed("It needs more memory than is allowed (SIGABRT).", code="ingest.too_large", mend=_DIVIDE)
    return ConversionFailed(f"The converter crashed on it ({death}).", mend="Open it, and save it anew.")


def _death(process: subprocess.Popen[bytes]) -> _ChildDiedError:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_END_WITHIN)  # it has let its pipes go, so it is ending: let it say of what
    process.kill()
    code = process.wait()
    return _ChildDiedError(signal.Signals(-code).name if code < 0 else f"exit {code}")


def _resident(pid: int) -> int:
    """Bytes of memory that a process uses now; 0 when it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return 0
