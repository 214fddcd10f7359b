"""What a newcomer types: ``make up``, on this machine, with a workspace of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.providers.engine import embedder, language
from tests.support.installation import HEADRACE, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

WITHIN = 180


@pytest.fixture(autouse=True)
def models() -> None:
    """The default models: fetching them is a test of its own (test_models_command.py)."""
    language()
    embedder()


@pytest.fixture
def handbook(tmp_path: Path) -> Path:
    folder = tmp_path / "the handbook"
    folder.mkdir()
    (folder / "travel.md").write_text(
        "# Booking hotels and trains\n\nHotels are booked by the travel desk, trains by everybody for themselves.\n"
    )
    (folder / "scan.pdf").write_bytes(b"%PDF-1.4 broken")
    return folder


def make_up(workspace: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--silent", "up", f"WORKSPACE={workspace}", "PORT=0", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=WITHIN, check=False, stdin=subprocess.DEVNULL)


def test_the_first_minute_asks_three_services_and_proves_each_answer(tmp_path: Path) -> None:
    done = make_up(tmp_path / "w", "ONCE=1")
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert len(re.findall(r"record \d+ · verified offline ✓", said)) == 3
    for wanted in (
        "everything stays on this machine",
        "SHA-256",
        "passages (searchable now;",
        "http://127.0.0.1:",
        "/console/",
        "hr_live_",
    ):
        assert wanted in said, said
    assert re.search(r"^help .*\n(?s:.)*\[1\] documents/\S+, line \d+", said, re.MULTILINE)
    for title in ("help", "local, streamed", "extract"):
        assert re.search(rf"^{title} +\"", said, re.MULTILINE)
    assert "from openai import OpenAI" in said
    assert not (tmp_path / "w" / ".headrace" / "gateway.json").exists()


def test_other_documents_on_a_workspace_that_exists_and_what_could_not_be_read(tmp_path: Path, handbook: Path) -> None:
    assert make_up(tmp_path / "w", "ONCE=1").returncode == 0
    done = make_up(tmp_path / "w", "ONCE=1", f"DOCS={handbook}")
    assert done.returncode == 0, done.stderr
    assert "2 documents, 1 passages" in done.stdout
    assert re.search(r"1 skipped:\n +documents/scan\.pdf: \S+", done.stdout), done.stdout
    assert '"What is said about Booking hotels and trains?"' in done.stdout


def test_a_folder_that_is_not_there_leaves_nothing(tmp_path: Path) -> None:
    done = make_up(tmp_path / "w", "ONCE=1", "DOCS=/no/such/folder")
    assert done.returncode != 0
    assert "There is no folder /no/such/folder." in done.stderr
    assert not (tmp_path / "w").exists()


def test_a_port_in_use_is_said_before_anything_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = make_up(tmp_path / "w", f"PORT={port}")
    assert done.returncode != 0
    assert f"Port {port} of 127.0.0.1 is in use by another program. Choose another: --port, or make up PORT=" in done.stderr
    assert not (tmp_path / "w").exists()


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path, Path]]:
    """``make up`` that serves, with what it says in a file."""
    said = tmp_path / "said"
    command = ["make", "--silent", "up", f"WORKSPACE={tmp_path / 'w'}", "PORT=0"]
    with said.open("w") as out, subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, text=True, start_new_session=True) as process:
        try:
            deadline = time.monotonic() + WITHIN
            while "Serving until Ctrl-C." not in said.read_text():
                assert process.poll() is None, said.read_text()
                assert time.monotonic() < deadline, said.read_text()
                time.sleep(0.05)
            yield process, tmp_path / "w", said
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def test_a_second_one_beside_it_is_refused_and_ctrl_c_ends_it_in_order(serving: tuple[subprocess.Popen[str], Path, Path]) -> None:
    process, workspace, said = serving
    second = make_up(workspace, "ONCE=1")
    assert second.returncode != 0
    assert "This workspace is already served at http://127.0.0.1:" in second.stderr
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: make and everything it started
    process.wait(60)
    assert process.returncode in {0, 2, 130, -signal.SIGINT}, said.read_text()
    assert "Traceback" not in said.read_text()
    assert not (workspace / ".headrace" / "gateway.json").exists()
    deadline = time.monotonic() + 5
    while left := _processes(workspace):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def test_a_disk_that_is_full_is_said_and_nothing_is_half_made(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if (
        os.geteuid()
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=False, capture_output=True).returncode
    ):
        pytest.skip("a small disk can only be made by root, where mounting is allowed")
    try:
        (disk / "ballast").write_bytes(b"x" * 60_000)
        done = make_up(disk / "w", "ONCE=1")
        assert done.returncode != 0
        assert re.search(r"space|room|full", done.stderr), done.stderr
        assert "Traceback" not in done.stderr
        assert not (disk / "w" / "headrace.yaml").exists() or _whole(disk / "w")
    finally:
        subprocess.run(["umount", disk], check=True)


def test_once_and_docs_go_with_the_first_minute_only(tmp_path: Path) -> None:
    done = subprocess.run([HEADRACE, "up", "--once", "--workspace", tmp_path / "w"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "go with --first-minute" in done.stderr


def test_the_virtual_environment_that_make_makes_has_the_command() -> None:
    activated = f"source {ROOT}/.venv/bin/activate && command -v headrace"
    if not (ROOT / ".venv").is_dir() or shutil.which("bash") is None:
        pytest.skip("this run is not in the environment that make makes")
    found = subprocess.run(["bash", "-c", activated], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == str(ROOT / ".venv" / "bin" / "headrace")


def _whole(workspace: Path) -> bool:
    return subprocess.run([HEADRACE, "check", "--workspace", workspace], capture_output=True, check=False).returncode == 0


def _processes(workspace: Path) -> list[str]:
    """Processes of this workspace that still run."""
    found: list[str] = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = each.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if "headrace" in words and str(workspace) in words:
            found.append(words)
    return found
