"""Ledgers for tests: records as the line writes them, the log served in this process or in one of its own."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import resource
import subprocess
import sys
import time
from decimal import Decimal
from typing import TYPE_CHECKING

from headrace.app.ids import RandomIds
from headrace.core.values import Money, Usage
from headrace.evidence import records, sequencer
from headrace.evidence.client import LedgerClient
from headrace.evidence.commitment import commit
from headrace.evidence.log.merkle import leaf_hash, node_hash
from headrace.evidence.log.note import load_or_create
from headrace.evidence.log.store import LogStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from headrace.core.values import Facts
    from headrace.evidence.log.note import LogKey

IDS = RandomIds()
NOW_US = 1_790_000_000_000_000
SERVE = (
    "import asyncio,signal,sys\nfrom pathlib import Path\nfrom headrace.evidence import sequencer\n"
    "async def main():\n"
    " task = asyncio.ensure_future(sequencer.serve(Path(sys.argv[1]), Path(sys.argv[2])))\n"
    " asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)\n"
    " try:\n  await task\n"
    " except asyncio.CancelledError: pass\n"
    "asyncio.run(main())\n"
)
"""The process body, as its entry point runs it, for a folder and a socket of one's own."""


def head(request: str | None = None, instance: str = "gw_1") -> records.Head:
    """Who asked for what."""
    return records.Head(
        request=request or IDS.request(),
        received_us=NOW_US,
        time_us=NOW_US + 1500,
        instance=instance,
        tenant="acme",
        principal="ana",
        key="hr_k3",
        service="help",
        revision="7f3c",
    )


def stages() -> list[Facts]:
    """What two rooms did."""
    return [
        {"stage": "received", "began_us": 0, "us": 0, "facts": {"endpoint": "/v1/chat/completions", "characters": 12}},
        {"stage": "admitted", "began_us": 3, "us": 210, "facts": {"policies": ["members-may-ask"], "obligations": []}},
    ]


def opened(request: str | None = None, instance: str = "gw_1") -> Facts:
    """The record before the first byte of a stream."""
    return records.opened(head(request, instance), stages())


def settled(
    request: str | None = None, *, outcome: str = "answered", instance: str = "gw_1", texts: Mapping[str, tuple[bytes, str]] | None = None
) -> Facts:
    """The record of an end; `texts` are salt and text by name, as they are committed to."""
    return records.settled(
        head(request, instance),
        stages(),
        outcome=outcome,
        error=None if outcome == "answered" else "guard.refused",
        usage=Usage(31, 2, 9, 0.25),
        cost=Money(Decimal("0.000001"), "EUR"),
        commitments={name: commit(salt, text) for name, (salt, text) in (texts or {}).items()},
    )


def act() -> Facts:
    """A governed act."""
    return records.act("workspace.apply", act_id=IDS.request(), time_us=NOW_US, by="ana", facts={"revision": "7f3c"})


def store(folder: Path) -> LogStore:
    """The writer's side of a log in `folder`, opened as the sequencer does."""
    folder.mkdir(parents=True, exist_ok=True)
    return LogStore(folder, key(folder))


def key(folder: Path) -> LogKey:
    """The key of the log in `folder`."""
    return load_or_create(folder, may_create=True)


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962's definition of the root over leaf hashes, word for word: slow, and independent of the code under test."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(tree_root(leaves[:split]), tree_root(leaves[split:]))


def root_of(entries: Sequence[bytes]) -> bytes:
    """The root over entries."""
    return tree_root([leaf_hash(entry) for entry in entries])


@contextlib.asynccontextmanager
async def serving(folder: Path, socket: Path) -> AsyncIterator[LedgerClient]:
    """The log served in this process; a client of it."""
    task = asyncio.create_task(sequencer.serve(folder, socket))
    await until(lambda: socket.exists() or task.done())
    client = LedgerClient(socket)
    try:
        if task.done():
            await task
        yield client
    finally:
        await client.close()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(true: Callable[[], bool], within: float = 20.0) -> None:
    """Wait until it is so. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(0.002)


@contextlib.contextmanager
def process(folder: Path, socket: Path, *before: str) -> Iterator[subprocess.Popen[bytes]]:
    """The log served by a process of its own, once it listens; `before` is a command that starts it (strace…)."""
    socket.unlink(missing_ok=True)
    with subprocess.Popen([*before, sys.executable, "-c", SERVE, str(folder), str(socket)]) as child:
        try:
            deadline = time.monotonic() + 30
            while not socket.exists():
                assert child.poll() is None, "the ledger process ended"
                assert time.monotonic() < deadline, "the ledger process does not listen"
                child_pause()
            yield child
        finally:
            child.kill()


@contextlib.contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """What a full disk does to this process: no file may grow beyond this many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def child_pause() -> None:
    """Let the child run."""
    time.sleep(0.005)


def parsed(content: bytes) -> dict[str, object]:
    """A JSON object."""
    found = json.loads(content)
    assert isinstance(found, dict)
    return found


def base64_of(content: bytes) -> str:
    """Bytes as base64 text."""
    return base64.b64encode(content).decode()
