"""What a durable, signed record costs: appends over the real socket to the real ledger process.

    python benchmarks/ledger.py [--quick] [--json FILE] [--folder DIR]

1, 32 and 256 writers each append settled records (about 2 KB, as the line writes them) and wait for every receipt before the next; one
client process, one connection, as a gateway has it. Beside it, in the same run and on the same disk: a loop that inserts and commits the
same bytes with plain SQLite (WAL, synchronous=FULL), and a bare fdatasync.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import harness
from headrace.app.ids import RandomIds
from headrace.config.layout import Layout
from headrace.core.errors import Unavailable
from headrace.core.values import Money, Usage
from headrace.evidence import records
from headrace.evidence.client import LedgerClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.core.values import Facts

WRITERS = (1, 32, 256)
STAGES = ("received", "admitted", "screened", "grounded", "routed", "reserved", "generated", "checked", "released")
IDS = RandomIds()


def record() -> Facts:
    """A settled record of the usual size, of a request of its own."""
    now = time.time_ns() // 1000
    head = records.Head(IDS.request(), now - 1500, now, "gw_bench", "default", "ana", "hr_benchmark", "help", "7f3c" * 16)
    facts: Facts = {"policies": ["members-may-ask"], "findings": [], "characters": 240, "version": "b41e" * 16, "considered": 1}
    stages: list[Facts] = [{"stage": name, "began_us": 100, "us": 250, "facts": facts} for name in STAGES]
    commitments = {"prompt": "sha256:" + "0a" * 32, "answer": "sha256:" + "1b" * 32}
    usage, cost = Usage(310, 0, 42, 0.25), Money(Decimal("0.000001"), "EUR")
    return records.settled(head, stages, outcome="answered", error=None, usage=usage, cost=cost, commitments=commitments)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[tuple[Path, int]]:
    """The ledger process over a workspace in `folder`: its socket and its process id."""
    layout = Layout(folder / "workspace")
    command = [sys.executable, "-m", "headrace.app.processes.ledger", "--workspace", str(layout.workspace)]
    layout.workspace.mkdir()
    with subprocess.Popen(command) as process:
        try:
            yield layout.socket("ledger"), process.pid
        finally:
            process.terminate()


async def reached(socket: Path) -> LedgerClient:
    """A client, once the process answers."""
    client = LedgerClient(socket)
    deadline = time.monotonic() + 20
    while True:
        try:
            await client.ready()
        except Unavailable:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.02)
        else:
            return client


async def append(client: LedgerClient, writers: int, seconds: float) -> tuple[float, list[float]]:
    """Records per second, and the latency of each append in ms, after a second of warming."""
    counting = time.perf_counter() + min(1.0, seconds / 3)
    ends = counting + seconds
    latencies: list[float] = []

    async def one() -> None:
        while (began := time.perf_counter()) < ends:
            await client.append(record())
            if began >= counting:
                latencies.append((time.perf_counter() - began) * 1000)

    await asyncio.gather(*(one() for _ in range(writers)))
    return len(latencies) / (time.perf_counter() - counting), sorted(latencies)


async def measure(socket: Path, seconds: float) -> dict[int, tuple[float, list[float]]]:
    """Every number of writers in turn."""
    client = await reached(socket)
    found = {writers: await append(client, writers, seconds) for writers in WRITERS}
    await client.close()
    return found


def plain_sqlite(folder: Path, seconds: float) -> tuple[float, list[float]]:
    """The peer: insert and commit in a loop, nothing signed, nothing hashed, no socket."""
    body = records.canonical(record())
    latencies: list[float] = []
    with contextlib.closing(sqlite3.connect(folder / "plain.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE entries (sequence INTEGER PRIMARY KEY, record BLOB)")
        started = time.perf_counter()
        while (began := time.perf_counter()) < started + seconds:
            database.execute("INSERT INTO entries (record) VALUES (?)", (body,))
            latencies.append((time.perf_counter() - began) * 1000)
    return len(latencies) / seconds, sorted(latencies)


def bare_sync(folder: Path, times: int) -> list[float]:
    """Milliseconds of writing 4 KB and one fdatasync, each time at the end of the file."""
    found: list[float] = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(times):
            began = time.perf_counter()
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            found.append((time.perf_counter() - began) * 1000)
    return sorted(found)


def at(ordered: list[float], share: float) -> float:
    """The value that this share of the ordered values stays within."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def resident_mb(pid: int) -> float:
    """Resident memory of a process in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Measure, print, write."""
    parser = harness.parser(__doc__)
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure (default: the temporary folder)")
    args = parser.parse_args()
    seconds = 3.0 if args.quick else 15.0
    with tempfile.TemporaryDirectory(prefix="headrace-bench-", dir=args.folder) as name:
        folder = Path(name)
        plain_rate, plain = plain_sqlite(folder, seconds)
        sync = bare_sync(folder, 200 if args.quick else 1000)
        with serving(folder) as (socket, pid):
            found = asyncio.run(measure(socket, seconds))
            resident = resident_mb(pid)
    rows = [["path", "writers", "records/s", "p50 ms", "p99 ms"]]
    for writers, (rate, latencies) in found.items():
        rows.append(["headrace ledger", str(writers), f"{rate:,.0f}", f"{at(latencies, 0.5):.2f}", f"{at(latencies, 0.99):.2f}"])
    rows.append(["plain SQLite, insert and commit", "1", f"{plain_rate:,.0f}", f"{at(plain, 0.5):.2f}", f"{at(plain, 0.99):.2f}"])
    rows.append(["bare write and fdatasync", "1", f"{1000 * len(sync) / sum(sync):,.0f}", f"{at(sync, 0.5):.2f}", f"{at(sync, 0.99):.2f}"])
    harness.table(rows)
    figures = {f"records_per_s_{writers}": rate for writers, (rate, _) in found.items()}
    figures |= {f"append_p50_ms_{writers}": at(latencies, 0.5) for writers, (_, latencies) in found.items()}
    figures |= {f"append_p99_ms_{writers}": at(latencies, 0.99) for writers, (_, latencies) in found.items()}
    figures["ledger_rss_mb"] = resident
    peer = {"name": "plain SQLite, insert and commit", "records_per_s": plain_rate, "p50_ms": at(plain, 0.5)}
    peer["fdatasync_p50_ms"] = at(sync, 0.5)
    harness.write(args, figures, peer)


if __name__ == "__main__":
    main()
