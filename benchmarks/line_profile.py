"""Where a request's time goes in the gateway: its own event loop under cProfile, everything else in processes of their own.

    python benchmarks/line_profile.py [--quick] [--streamed] [--rows N] [--json FILE]

The same load as overhead.py at 8 connections; with --streamed every answer is a stream. Calls a request do not change from run to run,
whatever else the machine does: compare versions by them. Times are inflated by the profiler, most where much is called; their order tells
where to look.
"""

from __future__ import annotations

import asyncio
import cProfile
import json
import pstats
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

import harness
import overhead
from headrace.app.http.application import build
from headrace.app.http.server import server
from headrace.app.processes import installation
from headrace.app.processes.gateway import settle_in
from headrace.app.wiring import open_gateway
from headrace.config.layout import Layout

if TYPE_CHECKING:
    import argparse
    from typing import Any, TypeAlias

    Function: TypeAlias = tuple[str, int, str]
    Rows: TypeAlias = dict[Function, tuple[int, int, float, float, dict[Function, Any]]]

CONNECTIONS = 8
LOOP = "the event loop"
ASIDE = "beside requests: looking for new revisions and keys"
PARTS = {
    "metrics": ("/headrace/app/http/tallies", "/headrace/app/http/metrics", "/prometheus_client/"),
    "HTTP: connection, request, response": ("/headrace/app/http/", "/uvicorn/", "/starlette/"),
    "the line": ("/headrace/pipeline/", "/headrace/core/", "/headrace/app/ids", "/headrace/app/inside/"),
    "trace and record": ("/headrace/evidence/rec", "/headrace/evidence/verify/"),
    "who, and may they": ("/headrace/policy/",),
    "guards": ("/headrace/guardrails/",),
    "the provider: client and stream": ("/headrace/adapters/models/", "/headrace/adapters/http/"),
    "the ledger: client and frames": ("/headrace/ipc/", "/headrace/evidence/client"),
    "price, slots, routing": ("/headrace/finops/", "/headrace/routing/"),
    ASIDE: ("/headrace/adapters/stores/", "/headrace/app/revisions"),
}
"""By where the code stands. A function of the standard library counts where it is called from, so every call is in one of them; those
that nobody here calls are the event loop's own."""


async def serve(layout: Layout, profile: cProfile.Profile, ready: Path, drive: list[str]) -> None:
    """Serve under the profiler while a process drives it."""
    listener = installation.bind("127.0.0.1", 0)
    installation.listen(listener)
    async with open_gateway(layout) as gateway:
        serving = asyncio.create_task(
            server.serve(build(gateway), listener, on_ready=lambda: None, limits=lambda: gateway.limits, drain=1.0)
        )
        settle_in()
        url = installation.url_of(listener)
        warm = await asyncio.create_subprocess_exec(*drive, url, "1")
        await warm.wait()
        profile.enable()
        load = await asyncio.create_subprocess_exec(*drive, url, ready.read_text())
        await load.wait()
        profile.disable()
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving


def driven(url: str, key: str, seconds: float, *, streamed: bool) -> None:
    """The load generator's own process."""
    asked = overhead.measure(url, {"Authorization": f"Bearer {key}"}, "plain", CONNECTIONS, seconds, streamed=streamed)
    result = uvloop.run(asked)
    assert result.failed == 0


def shares(rows: Rows) -> dict[Function, dict[str, float]]:
    """For each function, how much of it belongs to which part: all of it, or as it is called from there."""
    known: dict[Function, dict[str, float]] = {}

    def share(function: Function, above: tuple[Function, ...]) -> dict[str, float]:
        part = next((name for name, places in PARTS.items() if any(place in function[0] for place in places)), None)
        if part is not None:
            return {part: 1.0}
        if function in known:
            return known[function]
        callers = rows[function][4] if function in rows and function not in above else {}
        every = sum(each[1] for each in callers.values())
        found: dict[str, float] = {} if every else {LOOP: 1.0}
        for caller, each in callers.items():
            for name, of_it in share(caller, (*above, function)).items():
                found[name] = found.get(name, 0.0) + of_it * each[1] / every
        known[function] = found
        return found

    return {function: share(function, ()) for function in rows}


def report(args: argparse.Namespace, stats: pstats.Stats) -> None:
    """Parts, then the rows with most time of their own."""
    rows: Rows = stats.stats  # pyright: ignore[reportAttributeAccessIssue]
    requests = next(row[1] for (_, _, name), row in rows.items() if name == "prompt_text")  # called once by each
    parts = dict.fromkeys((*PARTS, LOOP), (0.0, 0.0))
    for function, found in shares(rows).items():
        _, count, own, _, _ = rows[function]
        for name, of_it in found.items():
            before = parts[name]
            parts[name] = (before[0] + of_it * count / requests, before[1] + of_it * own * 1e6 / requests)
    calls = sum(count for name, (count, _) in parts.items() if name != ASIDE)
    harness.table([["part", "calls", "us"], *([name, f"{count:.0f}", f"{us:.0f}"] for name, (count, us) in parts.items())])
    sys.stdout.write(f"{calls:.0f} calls a request (without what runs beside them), over {requests:,} requests\n\n")
    top = sorted(rows.items(), key=lambda row: -row[1][1 if args.by_calls else 2])[: args.rows]
    shown = [["own us", "calls", "function"]]
    for (file, line, name), (_, count, own, _, _) in top:
        place = f"{'/'.join(Path(file).parts[-2:])}:{line} " if line else ""
        shown.append([f"{own * 1e6 / requests:.1f}", f"{count / requests:.1f}", f"{place}{name}"])
    harness.table(shown)
    figures = {"calls": calls, **{f"calls {name}": count for name, (count, _) in parts.items()}}
    harness.write(args, figures, {"name": "none"})


def main() -> None:
    """Start the rest, profile, print."""
    parser = harness.parser(__doc__)
    parser.add_argument("--rows", type=int, default=40, help="functions to show")
    parser.add_argument("--streamed", action="store_true", help="every answer is a stream")
    parser.add_argument("--by-calls", action="store_true", help="the rows with most calls, rather than most time")
    parser.add_argument("--drive", nargs="+", help="used by itself: key, address, seconds")
    args = parser.parse_args()
    if args.drive:
        key, url, seconds = args.drive
        driven(url, key, float(seconds), streamed=args.streamed)
        return
    with tempfile.TemporaryDirectory(prefix="headrace-profile-") as folder:
        provider = subprocess.Popen([sys.executable, str(overhead.PROVIDER)], stdout=subprocess.PIPE, text=True)
        assert provider.stdout is not None
        space = Path(folder) / "workspace"
        overhead.workspace(space, json.loads(provider.stdout.readline())["url"])
        overhead.run("apply", "--workspace", str(space))
        key = overhead.run("keys", "create", "--name", "p", "--tenant", "default", "--group", "members", "--workspace", str(space)).strip()
        layout = Layout(space)
        layout.make_sockets()
        ledger = subprocess.Popen([sys.executable, "-m", "headrace.app.processes.ledger", "--workspace", str(space)])
        seconds = Path(folder) / "seconds"
        seconds.write_text("2" if args.quick else "15")
        profile = cProfile.Profile()
        try:
            drive = [sys.executable, __file__, *(["--streamed"] if args.streamed else []), "--drive", key]
            uvloop.run(serve(layout, profile, seconds, drive))
        finally:
            for each in (ledger, provider):
                each.terminate()
                each.wait()
    report(args, pstats.Stats(profile))


if __name__ == "__main__":
    main()
