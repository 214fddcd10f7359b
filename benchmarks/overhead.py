"""What governance costs: the same mock provider asked directly, and through Headrace with everything on.

    python benchmarks/overhead.py [--quick] [--json FILE]

Everything on: key, policy, guards (secrets, PII) on a 1.7 KB prompt and on the answer, durable ledger record before the answer leaves,
receipt. No retrieval. On two or more cores the gateway has core 0 to itself; provider, ledger and load generator share core 1.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import harness
from load import Result, load

if TYPE_CHECKING:
    import argparse

ROOT = Path(__file__).resolve().parent.parent
PROVIDER = ROOT / "tests" / "providers" / "openai_server.py"
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
    return subprocess.run([str(Path(sys.executable).parent / "headrace"), *words], check=True, capture_output=True, text=True).stdout


def pin(pid: int, cpus: set[int]) -> None:
    """Keep a process and its threads on these cores, where there is a choice."""
    if len(os.sched_getaffinity(0)) > 1:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cpus)


def resident_mb(pid: int) -> float:
    """Resident memory of a process in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


async def measure(url: str, headers: dict[str, str], model: str, connections: int, seconds: float) -> Result:
    """One row."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": PROMPT}]}).encode()
    return await load(
        f"{url}/v1/chat/completions", body, {"Content-Type": "application/json", **headers}, connections=connections, seconds=seconds
    )


def compare(direct_url: str, url: str, key: str, seconds: float) -> dict[tuple[str, int], Result]:
    """Direct and governed, at 1 and 32 connections, in one run."""
    results: dict[tuple[str, int], Result] = {}
    for connections in (1, 32):
        results["direct", connections] = asyncio.run(measure(direct_url, {}, "mock", connections, seconds))
        results["governed", connections] = asyncio.run(measure(url, {"Authorization": f"Bearer {key}"}, "plain", connections, seconds))
    return results


def main() -> None:
    """Start everything, measure, print, write."""
    args: argparse.Namespace = harness.parser(__doc__ or "").parse_args()
    seconds = 3.0 if args.quick else 15.0
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder:
        provider = subprocess.Popen([sys.executable, str(PROVIDER)], stdout=subprocess.PIPE, text=True)
        assert provider.stdout is not None
        direct = json.loads(provider.stdout.readline())["url"]
        space = Path(folder) / "workspace"
        workspace(space, direct)
        served = subprocess.Popen(
            [str(Path(sys.executable).parent / "headrace"), "up", "--port", "0", "--workspace", str(space)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert served.stdout is not None
        try:
            url = json.loads(served.stdout.readline())["url"]
            key = json.loads(run("keys", "create", "--name", "bench", "--group", "everyone", "--json", "--workspace", str(space)))["key"]
            gateway = json.loads((space / ".headrace" / "gateway.json").read_text())["gateway"]
            pin(gateway, {0})
            pin(os.getpid(), {1})
            pin(provider.pid, {1})
            results = compare(direct, url, key, seconds)
            rss = resident_mb(gateway)
        finally:
            served.terminate()
            served.wait()
            provider.terminate()
            provider.wait()
    report(args, results, rss)


def report(args: argparse.Namespace, results: dict[tuple[str, int], Result], rss: float) -> None:
    """The table and the figures."""
    rows = [["path", "connections", "req/s", "p50 ms", "p99 ms", "not 200"]]
    for (path, connections), result in results.items():
        cells = [f"{result.per_second:,.0f}", f"{result.percentile(0.5):.2f}", f"{result.percentile(0.99):.2f}", str(result.failed)]
        rows.append([path, str(connections), *cells])
    harness.table(rows)
    direct, governed = results["direct", 1], results["governed", 1]
    figures = {
        "governed_added_p50_ms": governed.percentile(0.5) - direct.percentile(0.5),
        "governed_added_p99_ms": governed.percentile(0.99) - direct.percentile(0.99),
        "governed_rps_c1": governed.per_second,
        "governed_rps_c32": results["governed", 32].per_second,
        "rss_mb": rss,
    }
    peer = {"name": "the provider asked directly", "p50_ms": direct.percentile(0.5), "rps_c32": results["direct", 32].per_second}
    harness.write(args, figures, peer)


if __name__ == "__main__":
    main()
