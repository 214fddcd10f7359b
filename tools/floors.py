"""Holds the coverage floors: lines and branches together, a package at a time, and the modules that fall short of them by name.

.venv/bin/python tools/floors.py build/coverage/coverage.json
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

WHOLE = ("core", "evidence", "policy", "pipeline", "guardrails")
"""What a person's trust rests on: every line and every branch."""
FLOOR = 90.0
"""Per cent, for every other package."""
COUNTS = (("covered_lines", "covered_branches"), ("num_statements", "num_branches"))


@dataclass
class Package:
    """What was run of a package, and its modules that were not run whole."""

    covered: int = 0
    total: int = 0
    short: list[tuple[float, str, str]] = field(default_factory=list[tuple[float, str, str]])

    @property
    def percent(self) -> float:
        """100 for an empty package."""
        return 100.0 * self.covered / self.total if self.total else 100.0


def main() -> int:
    """Print a line for each package, and the modules of those below their floor; 1 when there is one."""
    found = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    packages: dict[str, Package] = defaultdict(Package)
    for path, module in found["files"].items():
        inside = path.partition("src/headrace/")[2]
        package = packages[inside.partition("/")[0] if "/" in inside else "headrace"]
        summary = module["summary"]
        covered, total = (summary[lines] + summary[branches] for lines, branches in COUNTS)
        package.covered += covered
        package.total += total
        if covered < total:
            package.short.append((100.0 * covered / total, path, _places(module)))
    below = 0
    for name, package in sorted(packages.items()):
        floor = 100.0 if name in WHOLE else FLOOR
        fails = package.percent < floor
        below += fails
        sys.stdout.write(f"{name:<12}{package.percent:6.1f} %  floor {floor:.0f}{'  BELOW' if fails else ''}\n")
        if fails:
            sys.stdout.writelines(f"    {percent:5.1f} %  {path}  {places}\n" for percent, path, places in sorted(package.short))
    return int(below > 0)


def _places(module: dict[str, list[object]]) -> str:
    lines = ", ".join(str(line) for line in module["missing_lines"])
    branches = ", ".join("->".join(str(each) for each in branch) for branch in module["missing_branches"] if isinstance(branch, list))
    return "; ".join(part for part in (lines and f"lines {lines}", branches and f"branches {branches}") if part)


if __name__ == "__main__":
    sys.exit(main())
