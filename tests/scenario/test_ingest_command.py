"""``headrace ingest`` from outside: the real stores, the real embedder, and a pass that is killed."""

from __future__ import annotations

import fcntl
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from headrace.app.ingest.watcher import _Watcher
from headrace.config.layout import Layout
from headrace.knowledge.documents.store import DocumentStore
from tests.providers.engine import embedder as weights
from tests.support.data import shared_data
from tests.support.documents import docx, pdf
from tests.support.searching import held, vectors_in

if TYPE_CHECKING:
    from collections.abc import Sequence

WITHIN = 120


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A workspace over a folder with a document of each kind, and two that cannot be read."""
    weights()
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "returns.md").write_text("# Returns\n\nGoods come back within thirty days.\n\n## Costs\n\nReturns are free.\n")
    (docs / "notes.txt").write_text("The office closes at six.\n")
    (docs / "fees.html").write_text("<h1>Fees</h1><p>There are no fees.</p>")
    (docs / "lease.pdf").write_bytes(pdf([["The lease runs for five years."], ["Pets are allowed."]]))
    (docs / "leave.docx").write_bytes(docx([("Heading1", "Leave"), ("", "R&D has 25 days, too.")]))
    (docs / "broken.pdf").write_bytes(b"%PDF-1.7\n" + b"\x93" * 300)
    (docs / "picture.png").write_bytes(b"\x89PNG")
    workspace = tmp_path / "workspace"
    run("init", "--workspace", str(workspace), "--docs", str(docs))
    run("apply", "--workspace", str(workspace))
    return tmp_path


def start(*words: str) -> subprocess.Popen[str]:
    command = (str(Path(sys.executable).with_name("headrace")), *words)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def run(*words: str, code: int = 0) -> str:
    process = start(*words)
    out, err = process.communicate(timeout=WITHIN)
    assert process.returncode == code, err
    return out if code == 0 else err


def ingest(home: Path, *words: str) -> dict[str, object]:
    return json.loads(run("ingest", "--workspace", str(home / "workspace"), "--json", *words))


def stored(home: Path) -> list[tuple[object, ...]]:
    """Every passage and its vector, as the store holds them."""
    folder = Layout(home / "workspace").knowledge("default")
    documents = DocumentStore(folder / "documents")
    rows = held(folder)
    for row in rows:
        assert documents.slice(row.version, row.start, row.end) == row.text
    vectors = {key: str(vector) for key, vector in vectors_in(folder).items()}
    return sorted((row.id, row.document, row.version, row.start, row.end, row.place, row.heading, row.acl, vectors[row.id]) for row in rows)


def names(failed: object) -> list[str]:
    assert isinstance(failed, list)
    return [each["document"] for each in failed]


def test_documents_are_read_and_followed(home: Path) -> None:
    first = ingest(home)
    assert (first["documents"], first["new"], first["passages"], first["vectors"]) == (5, 5, 7, 7)
    assert names(first["failed"]) == ["documents/broken.pdf", "documents/picture.png"]
    rows = stored(home)
    assert len({row[0] for row in rows}) == len(rows)
    again = ingest(home)
    assert (again["unchanged"], again["new"], again["changed"]) == (5, 0, 0)
    assert stored(home) == rows
    (home / "docs" / "notes.txt").write_text("The office closes at five.\n")
    (home / "docs" / "fees.html").unlink()
    third = ingest(home)
    assert (third["documents"], third["changed"], third["deleted"], third["passages"]) == (4, 1, 1, 6)
    text = run("ingest", "--workspace", str(home / "workspace"), "--source", "documents")
    assert "documents  6 found (4 unchanged, 2 unreadable)" in text
    assert "documents/broken.pdf: It is broken: it cannot be parsed." in text
    assert "vectors    6 of 6" in text


def test_what_is_not_so_ends_with_one(home: Path) -> None:
    workspace = str(home / "workspace")
    assert 'Did you mean "documents"?' in run("ingest", "--workspace", workspace, "--source", "document", code=1)
    assert "headrace init" in run("ingest", "--workspace", str(home / "none"), code=1)
    (home / "docs").rename(home / "gone")
    process = start("ingest", "--workspace", workspace, "--json")
    out, _ = process.communicate(timeout=WITHIN)
    assert process.returncode == 1
    assert names(json.loads(out)["failed"]) == ["documents/"]


def test_a_second_pass_waits_for_the_first(home: Path) -> None:
    layout = Layout(home / "workspace")
    with layout.ingest_lock.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = start("ingest", "--workspace", str(layout.workspace))
        assert waiting.stderr is not None
        assert waiting.stderr.readline() == "waiting for another pass to end\n"
    out, _ = waiting.communicate(timeout=WITHIN)
    assert "passages   7" in out


async def test_the_watcher_brings_the_pass_and_then_rests(home: Path) -> None:
    layout = Layout(home / "workspace")
    watcher = _Watcher(layout)
    old = time.time() - 60
    for path in (home / "docs").iterdir():
        os.utime(path, (old, old))
    assert await watcher.look() > 0
    assert len(stored(home)) == 7


def killed_at_random(command: Sequence[str], seconds: float) -> bool:
    process = start(*command)
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return True
    return False


@pytest.mark.long
def test_the_real_pass_killed_again_and_again_ends_as_if_left_alone(home: Path) -> None:
    pages = sorted(shared_data("knowledge/docs/handbooks/18f_guides").rglob("*.md"))[:120]
    for number, page in enumerate(pages):
        (home / "docs" / f"{number}.md").write_bytes(page.read_bytes())
    other = home / "other"
    other.mkdir()
    run("init", "--workspace", str(other / "workspace"), "--docs", str(home / "docs"))
    run("apply", "--workspace", str(other / "workspace"))
    began = time.monotonic()
    ingest(other)
    took = time.monotonic() - began
    chance = random.Random(5)
    command = ("ingest", "--workspace", str(home / "workspace"), "--json")
    kills = sum(killed_at_random(command, chance.uniform(0.3, 1.0) * took) for _ in range(12))
    assert kills
    ingest(home)
    assert stored(home) == stored(other)
