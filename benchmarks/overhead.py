"""What governance costs: the same mock provider asked directly, and through Headrace with everything on.

    python benchmarks/overhead.py [--quick] [--json FILE]

Everything on: key, policy, guards (secrets, PII) on a 1.7 KB prompt and on the answer, durable ledger record before the answer leaves,
receipt. No retrieval. On two or more cores the gateway has core 0 to itself; provider, ledger and load generator share core 1.

A commit costs what the disk takes: the same write and fdatasync is timed beside it. "us/req" is the gateway's own processor time for one
request, which neighbours on the machine change least.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

import harness
from load import Result, load

if TYPE_CHECKING:
    import argparse

ROOT = Path(__file__).resolve().parent.parent
PROVIDER = ROOT / "tests" / "providers" / "openai_server.py"
HEADRACE = str(Path(sys.executable).parent / "headrace")
WARM = 1.0
"""Seconds before counting begins."""
PARAGRAPH = "The quarterly review lists every open order, who placed it, what is late and why; the team answers within two days. "
PROMPT = (PARAGRAPH * 15)[:1700]


def workspace(folder: Path, provider_url: str) -> None:
    """A workspace with one plain service in front of the mock provider, guards on."""
    run("init", "--workspace", str(folder))
    for kind in ("services", "deployments", "sources"):
        for path in (folder / kind).glob("*.yaml"):
            path.unlink()
    (folder / "deployments" / "mock.yaml").write_text(
        f"deployment: mock\nprovider:\n  url: {provider_url}/v1\n  model: mock\n"
        "price:\n  - 0.15 EUR per 1M input tokens\n  - 0.60 EUR per 1M output tokens\n"
    )
    guards = "guards:\n  input: {secrets: refuse, pii: mask}\n  output: {secrets: refuse, pii: mask}\n"
    (folder / "services" / "plain.yaml").write_text(f"service: plain\nmodels:\n  - deployment: mock\n{guards}")


def run(*words: str) -> str:
    """A headrace command; its standard output."""
    return subprocess.run([HEADRACE, *words], check=True, capture_output=True, text=True).stdout


def pin(pid: int, cpus: set[int]) -> None:
    """Keep a process and its threads on these cores, where there is a choice."""
    if len(os.sched_getaffinity(0)) > 1:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cpus)


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(each) for thread in Path(f"/proc/{pid}/task").iterdir() for each in (thread / "children").read_text().split()]


def processor_s(pid: int) -> float:
    """Processor time of a process so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def commit_ms(folder: Path, times: int = 100) -> float:
    """Median time of a write of 2 KB and its fdatasync in this folder."""
    took: list[float] = []
    with (folder / "commit").open("wb", buffering=0) as file:
        for _ in range(times):
            began = time.perf_counter()
            file.write(b"x" * 2048)
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return sorted(took)[times // 2] * 1000


def resident_mb(pid: int) -> float:
    """Resident memory of a process in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


async def measure(url: str, headers: dict[str, str], model: str, connections: int, seconds: float, *, streamed: bool = False) -> Result:
    """One row."""
    body = json.dumps({"model": model, "stream": streamed, "messages": [{"role": "user", "content": PROMPT}]}).encode()
    return await load(
        f"{url}/v1/chat/completions",
        body,
        {"Content-Type": "application/json", **headers},
        connections=connections,
        seconds=seconds,
        warm=WARM,
    )


@dataclass
class Measured:
    """Results by path and connections, and what stood beside them."""

    results: dict[tuple[str, int], Result] = field(default_factory=dict)
    processor_us: dict[int, float] = field(default_factory=dict)
    rss_mb: float = 0.0
    commit_ms: float = 0.0


def compare(direct_url: str, url: str, key: str, gateway: int, seconds: float) -> Measured:
    """Direct and governed, at 1 and 32 connections, in one run."""
    measured = Measured()
    uvloop.run(measure(url, {"Authorization": f"Bearer {key}"}, "plain", 8, 1.0))
    for connections in (1, 32):
        measured.results["direct", connections] = uvloop.run(measure(direct_url, {}, "mock", connections, seconds))
        before = processor_s(gateway)
        governed = uvloop.run(measure(url, {"Authorization": f"Bearer {key}"}, "plain", connections, seconds))
        spent = (processor_s(gateway) - before) * seconds / (seconds + WARM)
        measured.results["governed", connections] = governed
        measured.processor_us[connections] = 1e6 * spent / max(1, len(governed.latencies))
    measured.rss_mb = resident_mb(gateway)
    return measured


def main() -> None:
    """Start everything, measure, print, write."""
    args: argparse.Namespace = harness.parser(__doc__).parse_args()
    seconds, cores = 3.0 if args.quick else 15.0, os.sched_getaffinity(0)
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder:
        provider = subprocess.Popen([sys.executable, str(PROVIDER)], stdout=subprocess.PIPE, text=True)
        assert provider.stdout is not None
        direct = json.loads(provider.stdout.readline())["url"]
        space = Path(folder) / "workspace"
        workspace(space, direct)
        served = subprocess.Popen([HEADRACE, "up", "--port", "0", "--workspace", str(space)], stdout=subprocess.PIPE, text=True)
        assert served.stdout is not None
        try:
            url = json.loads(served.stdout.readline())["url"]
            key = run("keys", "create", "--name", "bench", "--tenant", "default", "--group", "members", "--workspace", str(space)).strip()
            gateway = json.loads((space / ".headrace" / "gateway.json").read_text())["gateway"]
            for pid in (os.getpid(), provider.pid, *children(served.pid)):
                pin(pid, {0} if pid == gateway else {1})
            measured = compare(direct, url, key, gateway, seconds)
            measured.commit_ms = commit_ms(Path(folder))
        finally:
            served.terminate()
            served.wait()
            provider.terminate()
            provider.wait()
    os.sched_setaffinity(0, cores)
    report(args, measured)


def report(args: argparse.Namespace, measured: Measured) -> None:
    """The table and the figures."""
    rows = [["path", "connections", "req/s", "p50 ms", "p99 ms", "us/req", "not 200"]]
    for (path, connections), result in measured.results.items():
        own = f"{measured.processor_us[connections]:.0f}" if path == "governed" else ""
        cells = [f"{result.per_second:,.0f}", f"{result.percentile(0.5):.2f}", f"{result.percentile(0.99):.2f}", own, str(result.failed)]
        rows.append([path, str(connections), *cells])
    harness.table(rows)
    sys.stdout.write(f"a write and fdatasync alone: {measured.commit_ms:.2f} ms; gateway: {measured.rss_mb:.0f} MB\n")
    direct, governed = measured.results["direct", 1], measured.results["governed", 1]
    figures = {
        "governed_added_p50_ms": governed.percentile(0.5) - direct.percentile(0.5),
        "governed_added_p99_ms": governed.percentile(0.99) - direct.percentile(0.99),
        "governed_rps_c1": governed.per_second,
        "governed_rps_c32": measured.results["governed", 32].per_second,
        "governed_cpu_us_c32": measured.processor_us[32],
        "commit_ms": measured.commit_ms,
        "rss_mb": measured.rss_mb,
    }
    rest = {"p50_ms": direct.percentile(0.5), "rps_c32": measured.results["direct", 32].per_second}
    harness.write(args, figures, {"name": "the provider asked directly", **rest})


if __name__ == "__main__":
    main()
