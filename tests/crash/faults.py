"""What befalls an installation: a process killed, a disk full or read-only, a sync that fails, a clock set back. Each is mended.

Disks are real: the ledger's folder is a small tmpfs of its own, filled to its last byte or mounted read-only (as root). Syncs fail because
strace, attached to the ledger's process, makes the system call fail. Clocks are set in every process (tests/crash/clock).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from headrace.config.layout import Layout
from tests.crash import calls
from tests.crash.line_kills import children

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.installation import Installation

DISK = "64m"
CLOCK = Path(__file__).parent / "clock"
HOUR = 3600
PROCESSES = ("gateway", "ledger", "engine", "knowledge", "ingest", "supervisor")
MOUNT_WITHIN = 10.0


class Fault(Protocol):
    """Strikes once. Both run in a thread."""

    def strike(self, installation: Installation) -> None:
        """Let it happen."""
        ...

    def mend(self, installation: Installation) -> None:
        """Take away what does not go by itself. Never a repair of what is ours: no file of the log is touched."""
        ...


@dataclass(frozen=True)
class Kill:
    """SIGKILL to one process; `everything` to all of them at once, as when the power goes."""

    process: str

    def strike(self, installation: Installation) -> None:
        pids = children(installation.process.pid)
        if self.process in {"supervisor", "everything"}:
            installation.process.kill()
        for name, pid in pids.items():
            if self.process in {name, "everything"}:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def mend(self, installation: Installation) -> None:
        """Nothing: it is the installation's own to come back."""


@dataclass(frozen=True)
class FullDisk:
    """The ledger's disk is filled to its last byte, and freed."""

    def strike(self, installation: Installation) -> None:
        with contextlib.suppress(OSError), self._filling(installation).open("wb") as filling:
            while True:
                filling.write(bytes(1 << 16))
                filling.flush()

    def mend(self, installation: Installation) -> None:
        self._filling(installation).unlink(missing_ok=True)

    @staticmethod
    def _filling(installation: Installation) -> Path:
        return Layout(installation.workspace).ledger / "somebody-elses-file"


@dataclass(frozen=True)
class ReadOnlyDisk:
    """The gateway and the ledger are killed, and find the disk read-only when they come back: with files open it cannot be made so."""

    def strike(self, installation: Installation) -> None:
        until = time.monotonic() + MOUNT_WITHIN
        while True:
            Kill("ledger").strike(installation)
            Kill("gateway").strike(installation)
            with contextlib.suppress(subprocess.CalledProcessError):
                remount(Layout(installation.workspace).ledger, "ro")
                return
            assert time.monotonic() < until, "the disk cannot be made read-only"

    def mend(self, installation: Installation) -> None:
        remount(Layout(installation.workspace).ledger, "rw")


@dataclass
class FailingSync:
    """Every sync of the ledger's process fails with EIO for a while."""

    tracer: subprocess.Popen[bytes] | None = None

    def strike(self, installation: Installation) -> None:
        pid = children(installation.process.pid)["ledger"]
        failing = "inject=fdatasync,fsync:error=EIO"
        self.tracer = subprocess.Popen(["strace", "-f", "-qq", "-p", str(pid), "-e", failing, "-o", "/dev/null"], stderr=subprocess.DEVNULL)

    def mend(self, installation: Installation) -> None:
        assert self.tracer is not None
        self.tracer.terminate()
        self.tracer.wait(30)


@dataclass(frozen=True)
class ClockBack:
    """Every process's clock is set back by an hour; it stays there."""

    clock: Path

    def strike(self, installation: Installation) -> None:
        self.clock.write_text(str(int(self.clock.read_text() or 0) - HOUR))

    def mend(self, installation: Installation) -> None:
        """Nothing: it must do."""


def every(clock: Path) -> dict[str, Callable[[], Fault]]:
    """Every fault that can be made here, by its name."""
    found: dict[str, Callable[[], Fault]] = {f"kill {name}": (lambda name=name: Kill(name)) for name in (*PROCESSES, "everything")}
    found["clock set back"] = lambda: ClockBack(clock)
    if not calls.missing():
        found["syncs fail"] = FailingSync
    if may_mount():
        found |= {"disk full": FullDisk, "disk read-only": ReadOnlyDisk}
    return found


def may_mount() -> bool:
    """Whether this system lets us have disks of our own."""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False, capture_output=True)
        if done.returncode == 0:
            subprocess.run(["umount", folder], check=True)
        return done.returncode == 0


@contextlib.contextmanager
def disk(folder: Path) -> Iterator[None]:
    """A small disk of its own under this folder for the block, where that can be had."""
    folder.mkdir(parents=True, mode=0o700)
    mounted = may_mount()
    if mounted:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0700", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(folder: Path, how: str) -> None:
    """Read-only (``ro``) or not (``rw``). Raises CalledProcessError while somebody writes there."""
    subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True, capture_output=True)
