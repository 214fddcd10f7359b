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
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(EXIT_FAILED)


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
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
