"""A workspace for the doctor: healthy, until a test makes one thing wrong for real."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from headrace.adapters.stores.control import ControlStore
from headrace.app.acts import keys
from headrace.app.acts.changes import apply
from headrace.app.doctor.rounds import examine
from headrace.app.doctor.subject import Subject
from headrace.config import template
from headrace.config.layout import Layout
from tests.providers.engine import embedder, language
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from headrace.app.doctor.finding import Finding

HEADRACE = Path(sys.executable).parent / "headrace"
NOBODY = 65534


def healthy(folder: Path) -> Layout:
    """A workspace in force, with a document and a key that lasts, in which there is nothing to find."""
    shutil.copytree(_made(), folder, dirs_exist_ok=True)
    return Layout(folder / "workspace")


@cache
def _made() -> Path:
    """One, for all tests of this process to copy."""
    language()
    embedder()
    folder = Path(tempfile.mkdtemp(prefix="headrace-patient-"))
    atexit.register(shutil.rmtree, folder)
    documents = folder / "texts"
    documents.mkdir()
    (documents / "a.md").write_text("# A\n")
    layout = Layout(folder / "workspace")
    template.write(layout.workspace, None, checkout=folder)
    edit(layout.workspace, "sources/documents.yaml", "folder: documents ", "folder: ../texts ")
    apply(layout, by="test")
    keys.create(layout, keys.Wanted("desk", groups=("members",)))
    return folder


def found(layout: Layout, *, host: str = "127.0.0.1", port: int = 0) -> dict[str, Finding]:
    """What the doctor finds, by code."""
    return {each.code: each for _, findings in examine(Subject(layout, host, port)) for each in findings}


def found_as(layout: Layout, user: int) -> dict[str, str]:
    """What the doctor finds as another user, in words by code: in a child that has become that user, after all is loaded."""
    found(layout)
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setuid(user)
            os.write(sending, json.dumps({code: each.what for code, each in found(layout).items()}).encode())
        finally:
            os._exit(0)
    os.close(sending)
    with open(receiving, encoding="utf-8") as answer:  # noqa: PTH123
        words: dict[str, str] = json.load(answer)
    os.waitpid(child, 0)
    return words


def told(layout: Layout, *before: str, code: int = 1) -> dict[str, Any]:
    """What ``headrace doctor --json`` tells, by code, when it is started by `before` (a shell's limits, another mount…)."""
    command = [*before, str(HEADRACE), "doctor", "--json", "--port", "0", "--workspace", str(layout.workspace)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stderr + done.stdout
    return {each["code"]: each for each in json.loads(done.stdout)["findings"]}


def shell(words: str) -> tuple[str, ...]:
    """A command that does something and then becomes the one that follows."""
    return ("bash", "-c", f'set -e; {words}; exec "$@"', "bash")


def mounted(words: str) -> tuple[str, ...]:
    """The same where mounts are its own. Skips the test where they cannot be had."""
    probe = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False) if shutil.which("unshare") else None
    if probe is None or probe.returncode:
        pytest.skip("needs mounts of its own (unshare --mount as root), which are not to be had here")
    return ("unshare", "--mount", *shell(words))


def as_root() -> None:
    """Skips the test for others."""
    if os.getuid():
        pytest.skip("needs root, to be another user")


def everything(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file below, with its mode, time and content."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_mode, path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    }


def valid_keys(layout: Layout) -> list[str]:
    """Ids of the keys that are kept."""
    with closing(ControlStore(layout.control)) as store:
        return [each.id for each in store.list_keys()]
