"""An exported log, and a log against itself: checked offline by the verifier, in one file of its own too; what was changed is named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from headrace.app.cli.log import command as log_command
from headrace.app.cli.verify import command as verify_command
from headrace.config.layout import Layout
from headrace.evidence import verify
from headrace.evidence.log.reader import LogReader
from headrace.evidence.log.rotation import rotate
from headrace.evidence.log.store import Entry
from headrace.evidence.verify.export import Exported, verify_export
from headrace.evidence.verify.growth import verify_growth
from headrace.evidence.verify.notes import Unreadable
from headrace.evidence.verify.standalone import source
from tests.support import ledgers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RECORDS = 600


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a log of 600 records and one change of its key, in the middle."""
    workspace = tmp_path_factory.mktemp("workspace")
    folder = Layout(workspace).ledger
    store = ledgers.store(folder)
    for at in range(0, RECORDS, 100):
        store.append([Entry(f"req_{n}", "settled", "", b'{"n":%d}' % n) for n in range(at, at + 100)], ledgers.NOW_US)
        if at == 200:
            (workspace / "first.vkey").write_text(store.key.vkey)
            rotate(store, folder, request="req_turn", by="op", now_us=ledgers.NOW_US)
    store.close()
    with LogReader(folder) as reader:
        for size in (100, 301, 401):
            (workspace / f"kept-{size}").write_text(str(reader.checkpoint_at(size)))
    return workspace


@pytest.fixture(scope="module")
def exported(workspace: Path) -> Path:
    target = workspace / "export"
    done = CliRunner().invoke(log_command, ["export", str(target), "--workspace", str(workspace)])
    assert done.exit_code == 0, done.output
    assert "601 of 601 records" in done.output
    return target


def check(given: Path, *words: str) -> dict[str, str]:
    """What the command says that is broken, and why."""
    done = CliRunner().invoke(verify_command, [str(given), *words, "--json"])
    return {each["name"]: each["why"] for each in json.loads(done.stdout)["links"] if not each["holds"]}


def test_an_export_verifies_with_either_key_and_from_every_checkpoint(workspace: Path, exported: Path) -> None:
    for key in (workspace / "first.vkey", Layout(workspace).ledger / "log.vkey"):
        for kept in ("kept-100", "kept-301", "kept-401"):
            assert check(exported, "--key", str(key), "--since", str(workspace / kept)) == {}


def test_an_export_verifies_by_the_standalone_file(workspace: Path, exported: Path, tmp_path: Path) -> None:
    packed = tmp_path / "log.tar.gz"
    assert CliRunner().invoke(log_command, ["export", str(packed), "--workspace", str(workspace)]).exit_code == 0
    for given in (packed, exported):
        command = [sys.executable, "-I", "-c", source(), str(given), "--key", str(workspace / "first.vkey")]
        done = subprocess.run([*command, "--since", str(workspace / "kept-100")], capture_output=True, text=True, check=False, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert [line.split()[:2] for line in done.stdout.splitlines()] == [
            ["holds", name] for name in ("succession", "checkpoint", "tree", "records", "kept", "consistency")
        ]


def test_a_range_and_hashes_alone(workspace: Path, tmp_path: Path) -> None:
    said: dict[str, str] = {}
    for name, words in {"range": ["--from", "300", "--to", "310"], "hashes": ["--hashes"], "then": ["--size", "301"]}.items():
        target = tmp_path / name
        assert CliRunner().invoke(log_command, ["export", str(target), *words, "--workspace", str(workspace), "--json"]).exit_code == 0
        assert check(target, "--key", str(workspace / "first.vkey")) == {}
        links = verify_export(Exported(target), None, verify.key_of(str(workspace / "first.vkey")))
        said[name] = next(link.why for link in links if link.name == "records")
    assert said["range"].startswith("256 of 601 records")
    assert said["hashes"] == "no records are here, hashes alone"
    assert said["then"].startswith("301 of 301")


def _flip(path: Path, at: int = 40) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(bytes(content))


def _other_root(path: Path) -> None:
    lines = path.read_text().split("\n")
    path.write_text("\n".join([*lines[:2], ledgers.base64_of(bytes(32)), *lines[3:]]))


CHANGES: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "a hash": (lambda folder: _flip(folder / "tile/0/000"), {"tree", "records"}),
    "a hash at the edge": (lambda folder: _flip(folder / "tile/0/002.p/89"), {"tree", "records"}),
    "a hash above": (lambda folder: _flip(folder / "tile/1/000.p/2"), {"tree"}),
    "a record": (lambda folder: _flip(folder / "tile/entries/001", 20), {"records"}),
    "a record cut": (lambda folder: (folder / "tile/entries/001").write_bytes(b"\x00\x09abc"), {"records"}),
    "a tile of another length": (lambda folder: (folder / "tile/0/000").write_bytes(bytes(64)), {"tree", "records"}),
    "a tile away": (lambda folder: (folder / "tile/1/000.p/2").unlink(), {"tree"}),
    "the hashes of records away": (lambda folder: (folder / "tile/0/001").unlink(), {"records"}),
    "the edge away": (lambda folder: (folder / "tile/0/002.p/89").unlink(), {"tree", "records"}),
    "the checkpoint": (lambda folder: _other_root(folder / "checkpoint"), {"checkpoint", "tree", "succession"}),
    "the succession": (lambda folder: (folder / "succession.json").write_text('{"succession": []}'), {"checkpoint"}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_in_an_export_is_named(workspace: Path, exported: Path, tmp_path: Path, change: str) -> None:
    make, wanted = CHANGES[change]
    shutil.copytree(exported, tmp_path / "copy")
    make(tmp_path / "copy")
    assert set(check(tmp_path / "copy", "--key", str(workspace / "first.vkey"))) == wanted


@pytest.mark.parametrize("content", [None, b"\xff", b"{", b"[]", b'{"succession": 1}'])
def test_what_is_no_export_is_unreadable(workspace: Path, exported: Path, tmp_path: Path, content: bytes | None) -> None:
    shutil.copytree(exported, tmp_path / "copy")
    if content is None:
        (tmp_path / "copy" / "checkpoint").unlink()
    else:
        (tmp_path / "copy" / "succession.json").write_bytes(content)
    done = CliRunner().invoke(verify_command, [str(tmp_path / "copy"), "--key", str(workspace / "first.vkey")])
    assert done.exit_code == 2


def test_a_file_that_stands_twice_in_a_tar_is_unreadable(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        for _ in range(2):
            tar.addfile(tarfile.TarInfo("checkpoint"))
    with pytest.raises(Unreadable, match="twice"):
        Exported(tmp_path / "x.tar")
    (tmp_path / "x.tar").write_bytes(b"no tar")
    with pytest.raises(Unreadable, match="cannot be read as a folder"):
        Exported(tmp_path / "x.tar")


def test_what_else_lies_in_an_export_is_passed_over(workspace: Path, exported: Path, tmp_path: Path) -> None:
    """Somebody's notes beside the log are no part of it, and what they say is not looked at."""
    shutil.copytree(exported, tmp_path / "copy")
    (tmp_path / "copy" / "README").write_bytes(b"\xff")
    assert check(tmp_path / "copy", "--key", str(workspace / "first.vkey")) == {}


def test_an_export_that_somebody_packed_is_read_as_it_is(workspace: Path, exported: Path, tmp_path: Path) -> None:
    """As tar does it: folders are members too, and names begin with a dot."""
    with tarfile.open(tmp_path / "log.tar", "w") as tar:
        tar.add(exported, ".")
    words = ["--key", str(workspace / "first.vkey"), "--since", str(workspace / "kept-301")]
    assert check(tmp_path / "log.tar", *words) == {}


def test_a_chain_of_keys_that_leads_to_no_pinned_one_is_named(workspace: Path, exported: Path, tmp_path: Path) -> None:
    """Whoever pinned another log's key is told that of this one nothing leads to it: of an export, and of a growth."""
    ledgers.store(tmp_path / "other").close()
    key = str(tmp_path / "other" / "log.vkey")
    assert check(exported, "--key", key)["succession"] == "the chain of keys holds none that is pinned"
    with LogReader(Layout(workspace).ledger) as reader:
        growth = reader.growth(301)
    assert growth is not None
    links = verify_growth(growth, (workspace / "kept-301").read_text(), verify.key_of(key))
    assert {link.name: link.holds for link in links}["succession"] is False


def test_a_growth_from_a_file_goes_on_from_what_was_kept(workspace: Path, tmp_path: Path) -> None:
    with LogReader(Layout(workspace).ledger) as reader:
        (tmp_path / "growth.json").write_text(json.dumps(reader.growth(301)))
    words = ["--since", str(workspace / "kept-301"), "--key", str(workspace / "first.vkey")]
    assert check(tmp_path / "growth.json", *words) == {}
    assert set(check(tmp_path / "growth.json", *words[2:], "--since", str(workspace / "kept-100"))) == {"consistency"}


def test_a_tile_in_the_middle_that_is_missing_is_named(tmp_path: Path) -> None:
    """65,536 records whose hashes are left out are vouched for by the level above, which then must be there."""
    key, root = ledgers.key(tmp_path), bytes(range(32))
    (tmp_path / "log" / "tile/2/000.p").mkdir(parents=True)
    (tmp_path / "log" / "tile/2/000.p/1").write_bytes(root)
    (tmp_path / "log" / "checkpoint").write_text(key.checkpoint(1 << 16, root))
    assert check(tmp_path / "log", "--key", key.vkey) == {"tree": "a tile of level 1 is missing: 0"}


def test_a_checkpoint_over_more_records_than_anybody_can_count_is_no_labour(tmp_path: Path) -> None:
    """Whoever packs a log says how large it is: one tile is enough to speak of 2^56 records."""
    key, root = ledgers.key(tmp_path), bytes(range(32))
    (tmp_path / "log" / "tile/7/000.p").mkdir(parents=True)
    (tmp_path / "log" / "tile/7/000.p/1").write_bytes(root)
    (tmp_path / "log" / "tile/entries").mkdir()
    for name in ("000", "x001", "other"):
        (tmp_path / "log" / "tile/entries" / name).write_bytes(b"")
    (tmp_path / "log" / "checkpoint").write_text(key.checkpoint(1 << 56, root))
    why = check(tmp_path / "log", "--key", key.vkey)
    assert why == {"tree": "a tile of level 6 is missing: 0", "records": "the records from 0 on are not those that were hashed"}


def test_a_record_too_long_for_the_form_is_said_and_its_hash_can_be_exported(tmp_path: Path) -> None:
    """tlog-tiles has two bytes for a length."""
    store = ledgers.store(Layout(tmp_path).ledger)
    store.append([Entry("req_1", "act", "", b"x" * (1 << 16))], ledgers.NOW_US)
    store.close()
    words = ["export", "--workspace", str(tmp_path), "--json"]
    done = CliRunner().invoke(log_command, [*words, str(tmp_path / "whole")])
    assert done.exit_code == 1
    assert json.loads(done.stderr)["error"]["code"] == "ledger.long_record"
    assert CliRunner().invoke(log_command, [*words, str(tmp_path / "hashes"), "--hashes"]).exit_code == 0
    assert check(tmp_path / "hashes", "--workspace", str(tmp_path)) == {}


def test_nothing_is_written_over(workspace: Path, exported: Path) -> None:
    done = CliRunner().invoke(log_command, ["export", str(exported), "--workspace", str(workspace), "--json"])
    assert json.loads(done.stderr)["error"]["code"] == "ledger.exists"
    done = CliRunner().invoke(log_command, ["export", str(exported / "x"), "--size", "7", "--workspace", str(workspace), "--json"])
    assert json.loads(done.stderr)["error"]["code"] == "ledger.no_such_size"


def test_the_workspaces_own_log_goes_on_from_what_was_kept(workspace: Path) -> None:
    for kept in ("kept-100", "kept-301", "kept-401"):
        words = ["--since", str(workspace / kept), "--key", str(workspace / "first.vkey"), "--workspace", str(workspace)]
        done = CliRunner().invoke(verify_command, words)
        assert (done.exit_code, done.output.count("holds")) == (0, 4), done.output


HISTORIES: dict[str, tuple[int, int, str]] = {
    "rewritten": (100, 3, "rewritten: the tree of"),
    "truncated": (401, 99, "truncated: 401 records were signed for"),
    "forked": (401, 3, "forked: two trees of"),
}


@pytest.mark.parametrize("history", HISTORIES)
def test_another_history_is_called_by_its_name(tmp_path: Path, history: str) -> None:
    """The log's keeper has its key, and signs whatever it likes: only the checkpoint that somebody kept tells."""
    size, differs, said = HISTORIES[history]
    store = ledgers.store(tmp_path / "first")
    key = store.key
    store.append([Entry(f"req_{n}", "act", "", b"%d" % n) for n in range(size)], ledgers.NOW_US)
    store.close()
    with LogReader(tmp_path / "first") as reader:
        kept = str(reader.checkpoint())
    (tmp_path / "second").mkdir()
    for name in ("log.key", "log.vkey"):
        shutil.copy(tmp_path / "first" / name, tmp_path / "second")
    store = ledgers.store(tmp_path / "second")
    count = {"rewritten": 150, "truncated": 99, "forked": 401}[history]
    store.append([Entry(f"req_{n}", "act", "", b"%d" % (n if n != differs else -1)) for n in range(count)], ledgers.NOW_US)
    store.close()
    with LogReader(tmp_path / "second") as reader:
        growth = reader.growth(min(size, count))
    assert growth is not None
    found = {link.name: link for link in verify_growth(growth, kept, verify.read_key(key.vkey))}
    assert [name for name, link in found.items() if not link.holds] == ["consistency"]
    assert found["consistency"].why.startswith(said)
    other = ledgers.store(tmp_path / "third")
    elsewhere = other.key.checkpoint(5, bytes(32))
    other.close()
    found = {link.name: link for link in verify_growth(growth, elsewhere, verify.read_key(key.vkey))}
    assert "another log" in found["consistency"].why
