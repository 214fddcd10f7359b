"""How quickly Headrace is there, and what it weighs: imports, help, a second start, and the memory of every process with its models loaded.

    python benchmarks/startup.py [--quick] [--profile] [--json FILE]

`ready` is the line that ``headrace up`` prints once it serves; `warm` is when ``/readyz`` answers 200. Memory is read once the documents
and the model have answered: resident (RSS), and proportional (PSS), whose sum counts once the pages that processes share.
With --profile instead: where the work of a second start goes (:mod:`startup_profile`).
"""

from __future__ import annotations

import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import harness
import startup_profile

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
HEADRACE = Path(sys.executable).parent / "headrace"
SETTLE_WITHIN = 120.0
QUESTIONS = {"help": "How do I return to an earlier revision?", "local": "Say hello."}
KB = 1024


@dataclass(frozen=True)
class Start:
    """One start: seconds until it said that it serves, and until everything was ready."""

    ready: float
    warm: float


@dataclass(frozen=True)
class Memory:
    """One process: what it is, its resident and its proportional memory in MB."""

    name: str
    rss: float
    pss: float


def timed(command: Sequence[str], times: int) -> float:
    """The median time of a command in milliseconds, from start to end."""
    taken: list[float] = []
    for _ in range(times + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken[1:])  # the first one reads files that nobody had read


def imported(module: str, times: int) -> float:
    """The median time that importing a module takes in a new interpreter, in milliseconds, without the interpreter's own start."""
    code = f"import time; began = time.perf_counter(); import {module}; print(time.perf_counter() - began)"
    taken = [float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout) for _ in range(times + 1)]
    return statistics.median(taken[1:]) * 1000


class Served:
    """An installation on a workspace, from its start to its end."""

    def __init__(self, workspace: Path) -> None:
        began = time.perf_counter()
        self._workspace = workspace
        command = [str(HEADRACE), "up", "--port", "0", "--workspace", str(workspace)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url: str = json.loads(self.process.stdout.readline())["url"]
        ready = time.perf_counter() - began
        while not self._is_warm():
            time.sleep(0.02)
        self.start = Start(ready, time.perf_counter() - began)

    def _is_warm(self) -> bool:
        there = urlsplit(self.url)
        with closing(http.client.HTTPConnection(str(there.hostname), there.port, timeout=10)) as connection:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.client.OK

    def ask_everything(self) -> None:
        """Once from the documents and once by the model, so that whatever loads late is loaded; then wait until nothing is being read."""
        for service, question in QUESTIONS.items():
            ask = [str(HEADRACE), "ask", question, "--service", service, "--workspace", str(self._workspace)]
            subprocess.run(ask, check=True, stdout=subprocess.DEVNULL)
        until = time.monotonic() + SETTLE_WITHIN
        while any(each.name == "ingest_pass" for each in self.memory()):
            assert time.monotonic() < until, "the documents are still being read"
            time.sleep(0.2)

    def memory(self) -> list[Memory]:
        """Every process of the installation; the first is ``headrace up`` itself."""
        return [_memory(pid) for pid in _descendants(self.process.pid)]

    def worked(self) -> dict[str, float]:
        """Processor time of each process until now, in seconds."""
        return {_memory(pid).name: startup_profile.processor_s(pid) for pid in _descendants(self.process.pid)}

    def stop(self) -> None:
        """As Ctrl-C does."""
        self.process.terminate()
        self.process.wait()


def _descendants(pid: int) -> list[int]:
    children = [int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()]
    return [pid, *(each for child in children for each in _descendants(child))]


def _memory(pid: int) -> Memory:
    words = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")
    name = words[words.index("-m") + 1].rpartition(".")[2] if "-m" in words else "up"
    sizes = {line.split(":")[0]: int(line.split()[1]) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]}
    return Memory(name, sizes["Rss"] / KB, sizes["Pss"] / KB)


def measure(times: int, starts: int) -> tuple[dict[str, float], list[Start], list[Memory]]:
    """Everything, on a workspace made for the occasion, whose first start does not count."""
    figures = {
        "import_ms": imported("headrace", times),
        "help_ms": timed([str(HEADRACE), "--help"], times),
        "python_ms": timed([sys.executable, "-c", "pass"], times),
    }
    if (ROOT / ".venv" / "installed").exists():
        figures["make_ms"] = timed([str(ROOT / "tools" / "setup.sh"), "base"], times)
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder:
        workspace = Path(folder) / "workspace"
        for command in ("init", "apply", "ingest"):
            subprocess.run([str(HEADRACE), command, "--workspace", str(workspace)], check=True, stdout=subprocess.DEVNULL)
        seen: list[Start] = []
        for turn in range(starts + 1):
            served = Served(workspace)
            try:
                if turn:
                    seen.append(served.start)
                if turn == starts:
                    served.ask_everything()
                    memory = served.memory()
            finally:
                served.stop()
    return figures, seen, memory


def profiled() -> dict[str, float]:
    """The processor time of each process of a second start until everything is ready, in seconds."""
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder:
        workspace = Path(folder) / "workspace"
        for command in ("init", "apply", "ingest"):
            subprocess.run([str(HEADRACE), command, "--workspace", str(workspace)], check=True, stdout=subprocess.DEVNULL)
        Served(workspace).stop()
        served = Served(workspace)
        try:
            return served.worked()
        finally:
            served.stop()


def main() -> None:
    """Measure, print, write."""
    parser = harness.parser(__doc__)
    parser.add_argument("--profile", action="store_true", help="where the work of a second start goes")
    args: argparse.Namespace = parser.parse_args()
    if args.profile:
        harness.write(args, startup_profile.report(profiled()), {"name": "none"})
        return
    figures, starts, memory = measure(*((5, 1) if args.quick else (30, 5)))
    figures["second_start_s"] = statistics.median(each.ready for each in starts)
    figures["second_start_warm_s"] = statistics.median(each.warm for each in starts)
    rows = [["what", "median"], ["import headrace", f"{figures['import_ms']:.1f} ms"], ["headrace --help", f"{figures['help_ms']:.0f} ms"]]
    rows += [["python -c pass", f"{figures['python_ms']:.0f} ms"]]
    rows += [["make, nothing to install", f"{figures['make_ms']:.0f} ms"]] if "make_ms" in figures else []
    rows += [
        ["second start: serves", f"{figures['second_start_s']:.2f} s"],
        ["second start: all is ready", f"{figures['second_start_warm_s']:.2f} s"],
    ]
    harness.table(rows)
    harness.table([["process", "RSS MB", "PSS MB"], *([each.name, f"{each.rss:.0f}", f"{each.pss:.0f}"] for each in memory)])
    for each in memory:
        figures[f"rss_{each.name}_mb"] = figures.get(f"rss_{each.name}_mb", 0.0) + each.rss
    figures["rss_all_mb"] = sum(each.rss for each in memory)
    figures["pss_all_mb"] = sum(each.pss for each in memory)
    harness.table([["all processes", "RSS MB", "PSS MB"], ["sum", f"{figures['rss_all_mb']:.0f}", f"{figures['pss_all_mb']:.0f}"]])
    harness.write(args, figures, {"name": "an empty Python program", "python_ms": figures["python_ms"]})


if __name__ == "__main__":
    main()
