"""Security advisories about the packages of requirements/base.lock, by pip-audit. Part of .ci/run.

    python tools/advisories.py

Ends with 1 when an advisory has a fix and is not let through (requirements/advisories.toml: id, reason, until), or was let through until
a day that has passed. One without a fix is told and let be. When the service is not reached, that is said in one line and nothing fails:
a machine without the network can still run the checks.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements" / "base.lock"
LET = ROOT / "requirements" / "advisories.toml"
WITHIN = 300
_COMMAND = ("-m", "pip_audit", "--requirement", str(LOCK), "--disable-pip", "--no-deps", "--format", "json", "--progress-spinner", "off")


def main() -> int:
    """Ask, judge, tell."""
    try:
        done = subprocess.run(
            [sys.executable, *_COMMAND, "--timeout", "10"], capture_output=True, text=True, check=False, timeout=WITHIN, cwd=ROOT
        )
        report = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return _unreached(f"no answer within {WITHIN} s")
    except json.JSONDecodeError:
        return _unreached((done.stderr.strip().splitlines() or ["pip-audit says nothing"])[-1])
    let = tomllib.loads(LET.read_text(encoding="utf-8"))["let"]
    lines, failed = judge(report, let, dt.datetime.now(tz=dt.UTC).date())
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return int(failed)


def _unreached(why: str) -> int:
    sys.stdout.write(f"advisories: the service was not reached, nothing was checked ({why[:200]})\n")
    return 0


def judge(report: dict[str, Any], let: list[dict[str, Any]], today: dt.date) -> tuple[list[str], bool]:
    """What to tell of a report of pip-audit, and whether it fails."""
    allowed = {str(each["id"]): each for each in let}
    lines: list[str] = []
    failed, met = False, set[str]()
    for package in report["dependencies"]:
        for found in package.get("vulns", []):
            names = {found["id"], *found.get("aliases", [])}
            entry = next((allowed[name] for name in names if name in allowed), None)
            about = f"{package['name']} {package['version']}: {found['id']}"
            fixes = ", ".join(found.get("fix_versions", []))
            if entry is not None:
                met.add(str(entry["id"]))
            if entry is not None and entry["until"] >= today:
                lines.append(f"{about} is let through until {entry['until']}: {entry['reason']}")
            elif entry is not None:
                lines.append(f"{about} was let through until {entry['until']}, which has passed")
                failed = True
            elif fixes:
                lines.append(f"{about} is mended in {fixes}: make lock UPGRADE=1")
                failed = True
            else:
                lines.append(f"{about} has no fix yet")
    lines += [f"{name} is let through in {LET.name} and was not met: take it away" for name in allowed.keys() - met]
    return [*lines, f"advisories: {len(report['dependencies'])} packages asked about"], failed


if __name__ == "__main__":
    sys.exit(main())
