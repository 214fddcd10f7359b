"""Backup and restore without a running installation: what is in the file, what is refused, and what is left when it does not end."""

from __future__ import annotations

import fcntl
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from headrace.app.acts import keys
from headrace.app.backup.restoring import restore
from headrace.app.backup.sources import lost
from headrace.app.backup.taking import take
from headrace.config.layout import Layout
from headrace.core.errors import HeadraceError, OperationFailed
from headrace.evidence.log.reader import LogReader
from headrace.knowledge.documents.store import DocumentStore
from headrace.knowledge.ingest.manifest import Manifest
from tests.support.patients import HEADRACE, everything, healthy, mounted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DYING = """
import os, signal, sys
left = int(sys.argv[1])
fsync = os.fsync
def dying(descriptor):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    fsync(descriptor)
os.fsync = dying
from headrace.app.cli.main import main
main(sys.argv[2:])
"""
"""A command that is killed when it wants to make something durable for the nth time."""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = healthy(tmp_path)
    store = DocumentStore(layout.documents("default"))
    store.put("# Fees\n", "text/markdown")
    with closing(Manifest(layout.manifest("default"))) as manifest:
        manifest.remember("weights", "these")
    (layout.workspace / "handbook").symlink_to("/srv/handbook")
    (layout.workspace / ".git").mkdir()
    (layout.workspace / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    layout.logs.mkdir()
    (layout.logs / "gateway.log").write_text("it served\n")
    return layout


def names(backup: Path) -> set[str]:
    with tarfile.open(backup) as tar:
        return set(tar.getnames())


def refused(code: str, act: Callable[[], object]) -> HeadraceError:
    with pytest.raises(HeadraceError) as caught:
        act()
    assert caught.value.code == code, caught.value
    return caught.value


def acts_of(layout: Layout, name: str) -> list[dict[str, Any]]:
    with LogReader(layout.ledger) as log:
        every = [log.at(place) for place in range(100)]
    return [dict(each["record"]) for each in every if each is not None and each["record"].get("act") == name]


@pytest.mark.parametrize("name", ["all.tar", "all.tar.gz"])
def test_what_was_backed_up_comes_back(layout: Layout, tmp_path: Path, name: str) -> None:
    taken = take(layout, tmp_path / name, signing_key=True)
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    restored = restore(tmp_path / name, tmp_path / "again")
    again = Layout(tmp_path / "again")
    for path in ("headrace.yaml", "policies/base.cedar", "people.yaml", ".gitignore"):
        assert (again.workspace / path).read_bytes() == (layout.workspace / path).read_bytes()
    assert os.readlink(again.workspace / "handbook") == "/srv/handbook"  # noqa: PTH115
    assert [each.id for each in keys.every(again)] == [each.id for each in keys.every(layout)]
    assert DocumentStore(again.documents("default")).versions() == DocumentStore(layout.documents("default")).versions()
    with closing(Manifest(again.manifest("default"))) as manifest:
        assert manifest.fact("weights") == "these"
    assert restored.ledger.size == 3
    assert acts_of(again, "backup.take")[0]["facts"] == {"backup": taken.contents.id, "signing_key": True}
    assert acts_of(again, "backup.restore")[0]["request"] == restored.record
    assert not (again.workspace / ".git").exists()
    assert not again.logs.exists()
    assert again.state.stat().st_mode & 0o777 == 0o700
    keys.create(again, keys.Wanted("new", groups=("members",)))  # its log goes on
    assert list(layout.state.glob("backup-*/")) == []


def test_the_signing_key_comes_only_when_asked_for(layout: Layout, tmp_path: Path) -> None:
    take(layout, tmp_path / "all.tar")
    assert "state/ledger/log.key" not in names(tmp_path / "all.tar")
    seed = (layout.ledger / "log.key").read_bytes().split()[1]
    assert seed not in (tmp_path / "all.tar").read_bytes()
    restored = restore(tmp_path / "all.tar", tmp_path / "again")
    assert restored.record is None
    again = Layout(tmp_path / "again")
    refused("ledger.bad_key", lambda: keys.create(again, keys.Wanted("new", groups=("members",))))
    kept = restore(tmp_path / "all.tar", tmp_path / "third", signing_key=layout.ledger / "log.key")
    assert kept.record is not None
    other = healthy(tmp_path / "other")
    (other.ledger / "log.key").write_text((layout.ledger / "log.key").read_text().replace(seed.decode(), "A" * 43 + "="))
    refused("ledger.bad_key", lambda: restore(tmp_path / "all.tar", tmp_path / "fourth", signing_key=other.ledger / "log.key"))
    assert not (tmp_path / "fourth").exists()


def test_what_is_there_is_never_written_over(layout: Layout, tmp_path: Path) -> None:
    take(layout, tmp_path / "all.tar")
    before = (tmp_path / "all.tar").read_bytes()
    refused("backup.exists", lambda: take(layout, tmp_path / "all.tar"))
    assert (tmp_path / "all.tar").read_bytes() == before
    refused("backup.inside", lambda: take(layout, layout.workspace / "all.tar"))
    seen = everything(layout.workspace)
    refused("backup.not_empty", lambda: restore(tmp_path / "all.tar", layout.workspace))
    assert everything(layout.workspace) == seen
    (tmp_path / "empty").mkdir()
    restore(tmp_path / "all.tar", tmp_path / "empty")
    (layout.ledger / "log.key").unlink()
    refused("backup.no_key", lambda: take(layout, tmp_path / "more.tar", signing_key=True))
    refused("ledger.bad_key", lambda: take(layout, tmp_path / "more.tar"))  # what cannot be recorded does not happen
    assert not (tmp_path / "more.tar").exists()


def rewritten(backup: Path, to: Path, change: Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes] | None]) -> Path:
    """The backup with members changed or (None) left out."""
    with tarfile.open(backup) as old, tarfile.open(to, "w") as new:
        for about in old:
            file = old.extractfile(about) if about.isreg() else None
            changed = change(about, file.read() if file is not None else b"")
            if changed is not None:
                changed[0].size = len(changed[1])
                new.addfile(changed[0], io.BytesIO(changed[1]))
    return to


def test_a_backup_that_is_not_whole_restores_nothing(layout: Layout, tmp_path: Path) -> None:
    backup, other = tmp_path / "all.tar", tmp_path / "other.tar"
    take(layout, backup, signing_key=True)

    def not_restored(code: str, words: str) -> None:
        assert words in refused(code, lambda: restore(other, tmp_path / "again")).message
        assert not (tmp_path / "again").exists()
        assert list(tmp_path.glob(".again*")) == []
        other.unlink()

    def only(name: str, change: Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes] | None]) -> None:
        rewritten(backup, other, lambda about, content: change(about, content) if about.name == name else (about, content))

    only("workspace/people.yaml", lambda about, content: (about, content.replace(b"members", b"m3mbers")))
    not_restored("backup.unreadable", "workspace/people.yaml is not what was backed up")
    only("state/ledger/log.vkey", lambda *_: None)
    not_restored("backup.unreadable", "state/ledger/log.vkey is missing")
    only("backup.json", lambda *_: None)
    not_restored("backup.unreadable", "no list")
    only("backup.json", lambda about, content: (about, content.replace(b'"form":1', b'"form":2')))
    not_restored("backup.newer", "newer Headrace")
    only("backup.json", lambda about, _: (about, b"{"))
    not_restored("backup.unreadable", "does not parse")
    other.write_bytes(backup.read_bytes()[:100_000])
    not_restored("backup.unreadable", "cut off or damaged")
    other.write_bytes(b"no archive at all")
    not_restored("backup.unreadable", "cut off or damaged")


@pytest.mark.parametrize("path", ["../outside", "/outside", "workspace/../../outside", "elsewhere/x", "workspace", "workspace//x"])
def test_no_path_in_a_backup_leads_out(layout: Layout, tmp_path: Path, path: str) -> None:
    take(layout, tmp_path / "all.tar")

    def change(about: tarfile.TarInfo, content: bytes) -> tuple[tarfile.TarInfo, bytes]:
        if about.name == "workspace/people.yaml":
            about.name = path
        return about, content

    bad = rewritten(tmp_path / "all.tar", tmp_path / "bad.tar", change)
    refused("backup.unreadable", lambda: restore(bad, tmp_path / "deep" / "again"))
    assert not (tmp_path / "outside").exists()
    assert not (tmp_path / "deep" / "again").exists()


def test_no_link_in_a_backup_is_made_where_another_leads(layout: Layout, tmp_path: Path) -> None:
    """Its list agrees with what it holds: whoever made it up made up both."""
    take(layout, tmp_path / "all.tar")
    (tmp_path / "home").mkdir()
    links = {"workspace/a": str(tmp_path / "home"), "workspace/a/keys": "/somewhere"}
    with tarfile.open(tmp_path / "all.tar") as old, tarfile.open(tmp_path / "bad.tar", "w") as new:
        for about in old:
            file = old.extractfile(about) if about.isreg() else None
            content = file.read() if file is not None else b""
            if about.name == "backup.json":
                listed = json.loads(content)
                listed["members"] += [{"path": path, "link": link} for path, link in links.items()]
                content = json.dumps(listed).encode()
            about.size = len(content)
            new.addfile(about, io.BytesIO(content))
        for path, link in links.items():
            about = tarfile.TarInfo(path)
            about.type, about.linkname = tarfile.SYMTYPE, link
            new.addfile(about)
    refused("backup.unreadable", lambda: restore(tmp_path / "bad.tar", tmp_path / "again"))
    assert list((tmp_path / "home").iterdir()) == []
    assert not (tmp_path / "again").exists()


def test_a_ledger_that_was_changed_before_it_was_packed(layout: Layout, tmp_path: Path) -> None:
    """Its SHA-256 holds: the list is made of what was there. The ledger's own proof does not."""
    with closing(sqlite3.connect(layout.ledger / "log.db", isolation_level=None)) as database:
        database.execute("UPDATE entries SET record = CAST(replace(record, 'keys.create', 'keys.revoke') AS BLOB) WHERE sequence = 1")
    take(layout, tmp_path / "all.tar", signing_key=True)
    assert "record 1" in refused("ledger.broken", lambda: restore(tmp_path / "all.tar", tmp_path / "again")).message
    assert not (tmp_path / "again").exists()


def test_a_store_of_a_newer_version_is_not_restored(layout: Layout, tmp_path: Path) -> None:
    with closing(sqlite3.connect(layout.control, isolation_level=None)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    take(layout, tmp_path / "all.tar", signing_key=True)
    refused("backup.newer", lambda: restore(tmp_path / "all.tar", tmp_path / "again"))


def killed(left: int, *words: str) -> bool:
    """A command killed at the nth thing that it makes durable; False when it ended before."""
    done = subprocess.run([sys.executable, "-c", DYING, str(left), *words], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode != 0


def test_a_killed_backup_leaves_nothing_under_its_name_and_the_next_one_clears_up(layout: Layout, tmp_path: Path) -> None:
    to = tmp_path / "all.tar"
    assert killed(0, "backup", str(to), "--with-signing-key", "--workspace", str(layout.workspace))
    assert not to.exists()
    assert len(list(layout.state.glob("backup-*/"))) == 1
    take(layout, to, signing_key=True)
    assert list(layout.state.glob("backup-*/")) == []
    assert list(tmp_path.glob(".*.partial")) == []
    restore(to, tmp_path / "again")


def test_a_killed_restore_leaves_nothing_there_and_the_next_one_succeeds(layout: Layout, tmp_path: Path) -> None:
    take(layout, tmp_path / "all.tar", signing_key=True)
    into = tmp_path / "again"
    for left in (0, 12, 24):
        assert killed(left, "restore", str(tmp_path / "all.tar"), "--into", str(into))
        assert not into.exists()
    restore(tmp_path / "all.tar", into)
    assert (into / "headrace.yaml").exists()
    assert list(tmp_path.glob(".again*")) == []


def test_a_full_disk(layout: Layout, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    after = '; "$@" 2>&1 || echo "ended with $?"; ls -A "$SMALL"; exec true'
    words = mounted(f"export SMALL={small}; mount -t tmpfs -o size=64k none {small}{after}")
    done = subprocess.run([*words, str(HEADRACE), "backup", str(small / "all.tar"), "--workspace", str(layout.workspace)],
                          capture_output=True, text=True, check=True, timeout=60)  # fmt: skip
    assert done.stdout.splitlines() == ["The disk is full. Make room, then try again.", "ended with 1"]
    take(layout, tmp_path / "all.tar")
    done = subprocess.run([*words, str(HEADRACE), "restore", str(tmp_path / "all.tar"), "--into", str(small / "again")],
                          capture_output=True, text=True, check=True, timeout=60)  # fmt: skip
    assert done.stdout.splitlines() == ["The disk is full. Make room, then try again.", "ended with 1"]


def test_the_commands_for_programs(layout: Layout, tmp_path: Path) -> None:
    def told(*words: str, code: int = 0) -> Any:
        command = [str(HEADRACE), *words, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout or done.stderr)

    backup, into = str(tmp_path / "all.tar"), str(tmp_path / "again")
    taken = told("backup", backup, "--workspace", str(layout.workspace))
    assert taken["signing_key"] is False
    restored = told("restore", backup, "--into", into, "--signing-key", str(layout.ledger / "log.key"))
    assert restored["records"] == 3
    assert restored["checkpoint"] == taken["checkpoint"]
    assert told("restore", backup, "--into", into, code=1)["error"]["code"] == "backup.not_empty"


def test_a_restore_tells_which_sources_its_new_place_does_not_find(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "papers").mkdir()
    sources = layout.workspace / "sources"
    sources.mkdir(exist_ok=True)
    texts = {"near": "../papers", "far": "/nowhere/at/all", "odd": "[", "none": '"a\\0b"'}
    for name, folder in texts.items():
        (sources / f"{name}.yaml").write_text(f"source: {name}\nfolder: {folder}\nreaders: {{groups: [members]}}\n")
    backup, into = tmp_path / "all.tar", tmp_path / "elsewhere" / "deep" / "again"
    for words in (("backup", str(backup), "--workspace", str(layout.workspace)), ("restore", str(backup), "--into", str(into))):
        done = subprocess.run((str(HEADRACE), *words), capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
    said = " ".join(done.stderr.split())
    assert f"sources/near.yaml reads ../papers, which from here is {into.parent}/papers, and that is not there." in said
    assert "sources/far.yaml reads /nowhere/at/all, and that is not there. What was read of it stays" in said
    assert "sources/odd.yaml" not in said
    (into.parent / "papers").mkdir()
    assert [each.file for each in lost(Layout(into)) if each.folder == "../papers"] == []


def test_one_backup_at_a_time(layout: Layout, tmp_path: Path) -> None:
    with (layout.state / "backup.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused("backup.running", lambda: take(layout, tmp_path / "all.tar"))
    with (layout.ingest_lock).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        take(layout, tmp_path / "all.tar", waiting=lock.close)  # says that it waits, and goes on when the pass has ended


def test_nothing_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(OperationFailed) as caught:
        take(Layout(tmp_path / "nowhere"), tmp_path / "all.tar")
    assert caught.value.code == "workspace.none"
