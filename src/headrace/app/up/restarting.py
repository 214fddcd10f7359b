"""``headrace restart`` and the installation that it asks: a signal, and a file that says how it went."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from headrace.app.processes.installation import address
from headrace.core.errors import HeadraceError, OperationFailed

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from headrace.config.layout import Layout

SIGNAL: Final = signal.SIGUSR2
"""Asks an installation to renew its processes. Not SIGHUP: a terminal that is closed sends that, and means the end."""
WITHIN: Final = 240.0
"""Seconds: models load, and a long answer is let end."""
_LOOK = 0.05


class Outcome(msgspec.Struct, frozen=True):
    """How the nth restart of an installation went. `why` is empty when every process is a new one."""

    number: int
    seconds: float
    why: str = ""
    mend: str = ""


async def restarts(layout: Layout, asked: asyncio.Event, renew: Callable[[], Awaitable[None]]) -> None:
    """Renew whenever it is asked, and write down how it went; for ever."""
    number = 0
    layout.restart.unlink(missing_ok=True)
    while True:
        await asked.wait()
        asked.clear()
        number += 1
        began = time.monotonic()
        why = mend = ""
        try:
            await renew()
        except HeadraceError as error:
            why, mend = error.message, error.mend or ""
        _write(layout, Outcome(number, round(time.monotonic() - began, 2), why, mend))


def restart(layout: Layout) -> Outcome:
    """Have the installation that runs renew its processes; return when it has. Raises OperationFailed when none runs, when it cannot do
    that, or when the new code does not start."""
    running = address(layout)
    if running is None:
        msg = f"Nothing serves the workspace {layout.workspace}."
        raise OperationFailed(msg, code="operation.not_running", mend=f"Start it: headrace up --workspace {layout.workspace}")
    pid, before = int(str(running["pid"])), _read(layout)
    if not _heeds(pid):
        msg = "The installation that runs was started by a Headrace that cannot renew itself."
        raise OperationFailed(msg, code="operation.no_restart", mend="Stop it and start it again, this once.")
    os.kill(pid, SIGNAL)
    deadline = time.monotonic() + WITHIN
    while (after := _read(layout)) is None or (before is not None and after.number <= before.number):
        if time.monotonic() > deadline or address(layout) is None:
            msg = "The installation has not said how the restart went."
            raise OperationFailed(msg, code="operation.restart_unknown", mend="See headrace doctor.")
        time.sleep(_LOOK)
    if after.why:
        msg = f"The new processes did not take over: {after.why}"
        raise OperationFailed(msg, code="operation.not_restarted", mend=f"{after.mend} See headrace doctor for what serves now.".strip())
    return after


def _read(layout: Layout) -> Outcome | None:
    try:
        return msgspec.json.decode(layout.restart.read_bytes(), type=Outcome)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _write(layout: Layout, outcome: Outcome) -> None:
    beside = layout.restart.with_suffix(".new")
    beside.write_bytes(msgspec.json.encode(outcome))
    beside.replace(layout.restart)


def _heeds(pid: int) -> bool:
    """Whether the process catches the signal; one that does not would be ended by it."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (SIGNAL - 1) & 1)
    return False
