"""Where a second start's work goes, process by process: ``startup.py --profile``.

`modules` are those that importing a process's program loads: the same from run to run, so versions are compared by them. `import s` is the
processor time of that, and the packages are those with most of it (``-X importtime``). `ready s` is the processor time of the running
process once everything is ready: what it has beyond its imports went into weights, databases and looking round.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import harness

PROGRAMS = {
    "up": "headrace.app.cli.up",
    "gateway": "headrace.app.processes.gateway",
    "ledger": "headrace.app.processes.ledger",
    "knowledge": "headrace.app.processes.knowledge",
    "engine": "headrace.app.processes.engine",
    "ingest": "headrace.app.processes.ingest",
}
PACKAGES = 5
"""How many packages are named of each."""
_COUNT = "import {}, sys, time; print(len(sys.modules), time.process_time())"


def processor_s(pid: int) -> float:
    """Processor time of a process so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def imported(program: str) -> tuple[int, float, list[str]]:
    """Modules, processor time in seconds, and the packages with their shares of it."""
    counted = subprocess.run([sys.executable, "-c", _COUNT.format(program)], check=True, capture_output=True, text=True).stdout.split()
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", f"import {program}"], check=True, capture_output=True, text=True
    ).stderr
    spent: Counter[str] = Counter()
    for line in told.splitlines():
        own, _, rest = line.removeprefix("import time:").partition("|")
        if own.strip().isdecimal():
            spent[rest.rpartition("|")[2].strip().partition(".")[0]] += int(own)
    packages = [f"{name} {100 * us / spent.total():.0f} %" for name, us in spent.most_common(PACKAGES)]
    return int(counted[0]), float(counted[1]), packages


def _python(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], check=True, capture_output=True, text=True)


def report(ready: dict[str, float]) -> dict[str, float]:
    """The table; `ready` is each process's processor time. The figures for programs."""
    rows, figures = [["process", "modules", "import s", "ready s", "most of the import"]], dict[str, float]()
    for name, program in PROGRAMS.items():
        modules, seconds, packages = imported(program)
        spent = f"{ready[name]:.2f}" if name in ready else ""
        rows.append([name, str(modules), f"{seconds:.2f}", spent, ", ".join(packages)])
        figures |= {f"modules_{name}": modules, f"import_cpu_s_{name}": seconds, f"ready_cpu_s_{name}": ready.get(name, 0.0)}
    harness.table(rows)
    return figures
