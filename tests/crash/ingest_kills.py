"""Passes that kill themselves with SIGKILL at their n-th step, for every n. Run by test_ingest_kill.py; prints one JSON object.

A step is each call of progress, and each moment before and after every write to the passage store, to the manifest and of a text. For each
n: a copy of the state, a pass that dies at step n, then a pass that ends; the store must then equal that of a pass that was never killed.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import sys
from pathlib import Path

from headrace.knowledge.documents.store import DocumentStore
from headrace.knowledge.ingest import run as running
from headrace.knowledge.ingest import run_pass
from headrace.knowledge.ingest.manifest import Manifest
from tests.support.ingestion import HashEmbedder, parts, source
from tests.support.sqlite_passages import SqlitePassages

running.BATCH_DOCUMENTS = 2
WRITES = {
    SqlitePassages: ("replace", "relabel", "add_vectors", "optimize"),
    Manifest: ("enter", "touch", "relabel", "forget", "keep_vectors", "sweep_vectors", "kept_versions", "use_weights"),
    DocumentStore: ("put", "sweep"),
}


class Fuse:
    """Kills this process at its n-th step."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, kind: type, name: str) -> None:
        method = getattr(kind, name)

        @functools.wraps(method)
        def stepping(*args: object) -> object:
            self.step()
            result = method(*args)
            self.step()
            return result

        setattr(kind, name, stepping)


def a_pass(docs: Path, state: Path, steps: int) -> None:
    """In a process of its own, which dies at a step; 0 for a pass that ends."""
    fuse = Fuse(steps)
    for kind, names in WRITES.items():
        for name in names:
            fuse.around(kind, name)
    rules = [("hr/**", "hr")] if (docs / "second").exists() else []
    given = parts(state, SqlitePassages(state / "passages.db"), HashEmbedder())
    run_pass(given, [source("docs", docs, rules)], lambda _: fuse.step())
    given.manifest.close()


def forked(docs: Path, state: Path, steps: int) -> bool:
    """Run a pass in a child; whether it was killed."""
    pid = os.fork()
    if pid == 0:
        a_pass(docs, state, steps)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if not os.WIFSIGNALED(status) and os.WEXITSTATUS(status):
        sys.exit(f"a pass failed at step {steps}")
    return os.WIFSIGNALED(status)


def outcome(state: Path) -> list[tuple[object, ...]]:
    """What the store holds, and whether every text is there to which its passages point."""
    store = SqlitePassages(state / "passages.db")
    documents = DocumentStore(state / "documents")
    for each in store.passages():
        if documents.slice(each.version, each.start, each.end) != each.text:
            sys.exit(f"{each.document} does not resolve")
    return [*store.rows(), tuple(sorted(documents.versions()))]


def kills(docs: Path, start: Path, work: Path) -> int:
    """Kill a pass that begins with a copy of `start` at each of its steps; returns how many there were."""
    want_folder = work / "uninterrupted"
    shutil.copytree(start, want_folder)
    forked(docs, want_folder, 0)
    want = outcome(want_folder)
    steps = 0
    while True:
        steps += 1
        state = work / str(steps)
        shutil.copytree(start, state)
        killed = forked(docs, state, steps)
        forked(docs, state, 0)
        if outcome(state) != want:
            sys.exit(f"after a kill at step {steps} the store differs")
        shutil.rmtree(state)
        if not killed:
            return steps - 1


def main() -> None:
    """A first pass, then one over changed documents."""
    root = Path(sys.argv[1])
    docs, empty = root / "docs", root / "empty"
    (docs / "hr").mkdir(parents=True)
    empty.mkdir()
    for number in range(5):
        (docs / f"{number}.md").write_text(f"# Title {number}\n\nThe same words.\n\n## Part\n\nWords of {number}.\n")
    (docs / "hr" / "pay.md").write_text("Pay comes on the 25th.")
    (docs / "bad.txt").write_bytes(b"\x00")
    first = kills(docs, empty, root / "first")
    for path in docs.glob("*.md"):
        os.utime(path, (1, 1))
    (docs / "0.md").write_text("# Title 0\n\nThe same words.\n\n## Part\n\nNew words.\n")
    (docs / "1.md").unlink()
    (docs / "2.md").write_bytes(b"\x00\x01")
    (docs / "bad.txt").write_text("Mended.")
    (docs / "second").write_text("The second pass.")
    second = kills(docs, root / "first" / "uninterrupted", root / "second")
    sys.stdout.write(json.dumps({"first": first, "second": second}))


if __name__ == "__main__":
    main()
