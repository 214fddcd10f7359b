"""What every benchmark shares: its arguments, the machine it ran on, a table, and the JSON that programs read.

harness.parser(description)          --quick, --json FILE
harness.table(rows)                  the first row is the head
harness.write(args, figures, peer)   the machine, and the JSON
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser that knows ``--quick`` (seconds instead of minutes; the figures are rougher) and ``--json FILE``."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--quick", action="store_true", help="a short run: the order of magnitude")
    made.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as JSON")
    return made


def machine() -> dict[str, object]:
    """What the figures depend on: cores that may be used, processor, memory in MB, kernel, Python."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _first(Path("/proc/cpuinfo"), "model name") or platform.machine(),
        "memory_mb": int((_first(Path("/proc/meminfo"), "MemTotal") or "0 kB").split()[0]) // 1024,
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns; the first row is the head, and every column but the first is set to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        rest = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        sys.stdout.write("  ".join((row[0].ljust(widths[0]), *rest)).rstrip() + "\n")


def write(args: argparse.Namespace, figures: Mapping[str, float], peer: Mapping[str, object]) -> None:
    """Print the machine, and write figures, peer (what ran beside it for comparison) and machine to ``--json FILE`` when it was given."""
    here = machine()
    sys.stdout.write("machine: " + ", ".join(f"{name} {value}" for name, value in here.items()) + "\n")
    if args.json is not None:
        content = {"figures": {name: float(f"{value:.6g}") for name, value in figures.items()}, "peer": peer, "machine": here}
        args.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _first(path: Path, name: str) -> str | None:
    """The first value under this name in a file of ``name : value`` lines, where there is such a file."""
    if not path.exists():
        return None
    found = (line.partition(":") for line in path.read_text(encoding="utf-8").splitlines() if line.startswith(name))
    return next((value.strip() for _, _, value in found), None)
