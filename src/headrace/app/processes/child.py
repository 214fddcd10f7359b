"""What every child process does first: say who it is in its log, follow its parent into death, and end in order on SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.core.errors import HeadraceError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from headrace.config.layout import Layout

_PR_SET_PDEATHSIG = 1
EXIT_FAILED = 1
ONE_WORD_S = 5.0
"""Seconds in which further signals say what the first one said: the kernel sends one for each thread of a parent that is killed. Later ones
mean that the child shall not finish what is under way."""
_parent = os.getppid()
_log = logging.getLogger(__name__)


def arguments(description: str, *names: str) -> argparse.Namespace:
    """``--workspace`` and the named options of a child."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--workspace", type=Path, required=True)
    for name in names:
        parser.add_argument(f"--{name}", required=True)
    return parser.parse_args()


def die_with_parent() -> None:
    """Get SIGTERM when the parent is gone, also when it was killed: nothing is left running without its supervisor."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if orphaned():
        sys.exit(EXIT_FAILED)


def orphaned() -> bool:
    """Is the parent gone that this process was started by?"""
    return os.getppid() != _parent


def run(
    name: str,
    layout: Layout,
    body: Callable[[Layout], Coroutine[object, object, None]],
    loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> None:
    """Run a child's body until it ends or SIGTERM cancels it, in asyncio's own event loop or the one that `loop` makes. Never returns:
    ends the process."""
    die_with_parent()
    os.umask(0o077)
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {name} %(levelname)s %(message)s", stream=sys.stderr)
    try:
        layout.make_sockets()
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(_until_told(body(layout)))
    except HeadraceError as error:
        _log.error("%s", error)
        sys.exit(EXIT_FAILED)
    sys.exit(0)


async def _until_told(work: Coroutine[object, object, None]) -> None:
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    told: list[float] = []

    def end() -> None:
        if not told or loop.time() - told[0] >= ONE_WORD_S:
            task.cancel()
        told.append(loop.time())

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    with contextlib.suppress(asyncio.CancelledError):
        await task
