"""CONTRIBUTING.md leads to a first change: its differences are put in and its commands run, in a clone of the project."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import ROOT, blocks

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "CONTRIBUTING.md"
WHOLE = {"make check", "make test"}
"""What .ci/run runs, on everything."""
MINUTES = 2


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as a newcomer has it, with an environment that is installed: this one's packages, the clone's own sources."""
    folder = tmp_path_factory.mktemp("newcomer") / "headrace"
    shutil.copytree(
        ROOT, folder, ignore=shutil.ignore_patterns(".git", ".venv", "__pycache__", "build", "workspace", ".hypothesis", "node_modules")
    )
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / ".venv"], check=True)
    packages = folder / ".venv" / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    (packages / "these.pth").write_text(f"{folder / 'src'}\n{sysconfig.get_path('purelib')}\n")
    locks = b"".join(path.read_bytes() for path in [*sorted((folder / "requirements").glob("*.lock")), folder / "pyproject.toml"])
    stamp = ["dev", hashlib.sha256(locks).hexdigest(), str(folder), sysconfig.get_python_version()]
    (folder / ".venv" / "installed").write_text("".join(f"{line}\n" for line in stamp))
    _git(folder, "init", "--quiet")
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message", "As it was found")
    return folder


def test_a_newcomer_comes_to_a_first_change(clone: Path) -> None:
    ran: list[str] = []
    for block in blocks(PAGE):
        if block.kind == "diff":
            _git(clone, "apply", "-", given=block.body)
        elif block.kind == "console" and not block.read_only:
            for line, command, code in block.commands():
                if command not in WHOLE:
                    _run(clone, line, command, code)
                    ran.append(command)
    assert len(ran) >= 3
    assert _git(clone, "log", "--format=%s", "-1").strip() == "Who writes weeks is told of days"
    assert _git(clone, "status", "--porcelain") == ""


def _run(clone: Path, line: int, command: str, code: int) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE", "MAKE", "MFLAGS"))}
    done = subprocess.run(
        ["bash", "-c", command], cwd=clone, env=_author(environment), capture_output=True, text=True, timeout=60 * MINUTES, check=False
    )
    assert done.returncode == code, f"CONTRIBUTING.md:{line}: {command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def _git(folder: Path, *words: str, given: str = "") -> str:
    done = subprocess.run(
        ["git", *words], cwd=folder, env=_author(dict(os.environ)), input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _author(environment: dict[str, str]) -> dict[str, str]:
    who = {
        f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "New"), ("EMAIL", "new@example.org"))
    }
    return {**environment, **who}
