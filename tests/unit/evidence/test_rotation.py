"""The log's key changes: what was signed holds, what a retired key signs does not, and a kill at any step leaves one state."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from headrace.evidence import records, verify
from headrace.evidence.log import audit
from headrace.evidence.log.files import DATABASE, KEY_FILE, NEXT_KEY_FILE, VKEY_FILE
from headrace.evidence.log.note import LogKey, load_or_create, write_private
from headrace.evidence.log.reader import LogReader
from headrace.evidence.log.rotation import rotate, settle
from headrace.evidence.log.store import Conflict, Entry, LogStore
from headrace.evidence.verify.growth import verify_growth
from headrace.evidence.verify.keyring import succession_text
from headrace.evidence.verify.notes import open_note, read_key, receipt_text
from tests.support import ledgers

if TYPE_CHECKING:
    from headrace.core.values import Receipt

ROOT = Path(__file__).parents[3]
KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from headrace.evidence.log import rotation, store
from tests.support import ledgers
def die(left):
    def step(*_):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    def around(work):
        def stepping(*given, **named):
            step(); made = work(*given, **named); step()
            return made
        return stepping
    os.fsync, os.open, os.write = around(os.fsync), around(os.open), around(os.write)
    Path.replace, Path.open = around(Path.replace), around(Path.open)
    store.LogStore.succeed = around(store.LogStore.succeed)
    return step
for steps in range(1, 400):
    folder = Path(sys.argv[1]) / f"killed-{steps}"
    shutil.copytree(Path(sys.argv[1]) / "first", folder)
    child = os.fork()
    if child == 0:
        log = ledgers.store(folder)
        log._database.set_progress_handler(die([steps]), 20)
        rotation.rotate(log, folder, request="req_rotation", by="op", now_us=ledgers.NOW_US)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        print(steps)
        break
"""
"""A rotation on a copy of the log for each of its steps, killed there; prints the number of the first that came to its end."""


def append(store: LogStore, request: str) -> Receipt:
    entry = Entry(request, "settled", "", records.canonical(ledgers.settled(request)))
    (found,) = store.append([entry], ledgers.NOW_US)
    assert not isinstance(found, Conflict)
    return found


@pytest.fixture
def turned(tmp_path: Path) -> tuple[Path, list[str]]:
    """A log whose key changed twice: after two records, and after two more; and its keys in order."""
    store = ledgers.store(tmp_path)
    vkeys = [store.key.vkey]
    append(store, "req_0")
    append(store, "req_1")
    for number in range(2):
        rotate(store, tmp_path, request=f"req_turn{number}", by="op", now_us=ledgers.NOW_US)
        vkeys.append(store.key.vkey)
        append(store, f"req_{number}a")
    store.close()
    return tmp_path, vkeys


def links(folder: Path, request: str, *vkeys: str, **changes: Any) -> dict[str, bool]:
    with LogReader(folder) as reader:
        bundle = reader.bundle(request)
    assert bundle is not None
    return {link.name: link.holds for link in verify.verify({**bundle, **changes}, *map(read_key, vkeys))}


def test_whoever_pinned_any_of_the_keys_can_check_every_receipt(turned: tuple[Path, list[str]]) -> None:
    folder, vkeys = turned
    for pinned in vkeys:
        for request in ("req_0", "req_1", "req_turn0", "req_0a", "req_turn1", "req_1a"):
            found = links(folder, request, pinned)
            del found["text"]
            assert found == dict.fromkeys(["record", "succession", "receipt", "inclusion", "checkpoint"], True), (pinned, request)


def test_a_stranger_is_led_nowhere(turned: tuple[Path, list[str]], tmp_path: Path) -> None:
    folder, _ = turned
    (tmp_path / "other").mkdir()
    other = load_or_create(tmp_path / "other", may_create=True).vkey
    assert not links(folder, "req_0", other)["succession"]


def test_the_tree_that_ends_in_a_succession_is_signed_by_both(turned: tuple[Path, list[str]]) -> None:
    folder, vkeys = turned
    with LogReader(folder) as reader:
        note = reader.checkpoint_at(3)
        later = reader.checkpoint_at(4)
    assert note is not None
    assert later is not None
    old, new, _ = map(read_key, vkeys)
    assert [key.text for key in open_note(note, old, new)[1]] == vkeys[:2]
    with pytest.raises(verify.Broken):
        open_note(later, old)


def test_what_a_retired_key_signs_beyond_its_end_is_worth_nothing(tmp_path: Path) -> None:
    store = ledgers.store(tmp_path)
    old = store.key
    append(store, "req_0")
    rotate(store, tmp_path, request="req_turn", by="op", now_us=ledgers.NOW_US)
    beyond = append(store, "req_1")
    store.close()
    with LogReader(tmp_path) as reader:
        bundle = cast("dict[str, Any]", reader.bundle("req_1"))
        size, growth = beyond.sequence + 1, cast("dict[str, Any]", reader.growth(1))
    forged = base64.b64encode(old.private.sign(receipt_text(old.name, beyond.sequence, beyond.leaf, beyond.time_us))).decode()
    bundle["receipt"] = {**bundle["receipt"], "signature": forged}
    receipt = next(link for link in verify.verify(bundle, read_key(old.vkey)) if link.name == "receipt")
    assert not receipt.holds
    assert "is not its to sign" in receipt.why
    kept = old.checkpoint(size, bytes(32))
    assert {link.name: link.holds for link in verify_growth(growth, kept, read_key(old.vkey))}["kept"] is False


CHANGES: dict[str, Any] = {
    "another act": lambda shown: _record(shown, act="workspace.apply"),
    "no note": lambda shown: _record(shown, facts={}),
    "one signature": lambda shown: _record(shown, facts={"note": _note(shown).rpartition("— ")[0]}),
    "another log": lambda shown: _record(shown, facts={"note": _note(shown).replace("\nheadrace.local", "\nheadrace.locax", 1)}),
    "a line more": lambda shown: _record(shown, facts={"note": _note(shown).replace("\n\n", "\nmore\n\n", 1)}),
    "no JSON": lambda shown: {**shown, "record": "{"},
    "another place": lambda shown: {**shown, "index": shown["index"] - 1},
    "no path": lambda shown: {**shown, "hashes": []},
    "another path": lambda shown: {**shown, "hashes": shown["hashes"][::-1]},
}


def _note(shown: dict[str, Any]) -> str:
    return json.loads(shown["record"])["facts"]["note"]


def _record(shown: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**shown, "record": json.dumps({**json.loads(shown["record"]), **changes}, ensure_ascii=False)}


@pytest.mark.parametrize("change", CHANGES)
def test_a_succession_that_was_changed_is_named(turned: tuple[Path, list[str]], change: str) -> None:
    folder, vkeys = turned
    with LogReader(folder) as reader:
        shown = cast("list[dict[str, Any]]", reader.successions(6)["succession"])
    assert not links(folder, "req_0", vkeys[0], succession=[CHANGES[change](shown[0]), shown[1]])["succession"]


@pytest.mark.parametrize("other", ["another purpose", "another name"])
def test_what_both_keys_signed_for_something_else_is_no_succession(tmp_path: Path, other: str) -> None:
    """A note under both signatures counts only for what it says: a succession, of one log."""
    store = ledgers.store(tmp_path)
    old, new = store.key, LogKey.new("headrace.local/other" if other == "another name" else store.key.name)
    text = succession_text(old.name, old.vkey, new.vkey)
    note = new.sign_too(old.sign_note(text.replace("succession", "greeting") if other == "another purpose" else text))
    record = records.act("ledger.rotate_key", act_id="req_turn", time_us=ledgers.NOW_US, by="op", facts={"note": note})
    store.append([Entry("req_turn", "act", "", records.canonical(record))], ledgers.NOW_US)
    store.close()
    shown = {"record": records.canonical(record).decode(), "index": 0, "hashes": []}
    with LogReader(tmp_path) as reader:
        bundle = cast("dict[str, Any]", reader.bundle("req_turn"))
    found = {link.name: link for link in verify.verify({**bundle, "succession": [shown]}, read_key(old.vkey))}
    assert (found["succession"].holds, found["succession"].why) == (False, "a succession is not of its form")


def test_a_chain_with_a_gap_holds_nothing_together(turned: tuple[Path, list[str]]) -> None:
    folder, vkeys = turned
    store = LogStore(folder, load_or_create(folder, may_create=False))
    rotate(store, folder, request="req_turn2", by="op", now_us=ledgers.NOW_US)
    store.close()
    with LogReader(folder) as reader:
        shown = cast("list[dict[str, Any]]", reader.successions(7)["succession"])
    assert not links(folder, "req_0", vkeys[0], succession=[shown[0], shown[2]])["succession"]


def test_the_same_rotation_again_changes_nothing(tmp_path: Path) -> None:
    store = ledgers.store(tmp_path)
    first = rotate(store, tmp_path, request="req_turn", by="op", now_us=ledgers.NOW_US)
    vkey = store.key.vkey
    again = rotate(store, tmp_path, request="req_turn", by="op", now_us=ledgers.NOW_US)
    assert (again.sequence, again.signature, store.key.vkey) == (first.sequence, first.signature, vkey)
    store.close()


def test_the_old_private_key_is_nowhere_in_the_folder(tmp_path: Path) -> None:
    store = ledgers.store(tmp_path)
    before = (tmp_path / KEY_FILE).read_text().split()[1].encode()
    held = os.open(tmp_path / KEY_FILE, os.O_RDONLY)  # the very file that held it
    rotate(store, tmp_path, request="req_turn", by="op", now_us=ledgers.NOW_US)
    assert not any(os.pread(held, 1000, 0))
    os.close(held)
    store.close()
    assert [each.name for each in tmp_path.iterdir() if before in each.read_bytes()] == []


def test_a_new_key_that_was_not_written_whole_is_thrown_away(tmp_path: Path) -> None:
    """A power cut may leave zeros where the new key was to stand: the old one is in force."""
    store = ledgers.store(tmp_path)
    vkey = store.key.vkey
    store.close()
    (tmp_path / NEXT_KEY_FILE).write_bytes(bytes(100))
    settle(tmp_path)
    assert not (tmp_path / NEXT_KEY_FILE).exists()
    assert load_or_create(tmp_path, may_create=False).vkey == vkey


@pytest.mark.parametrize("left", ["no log", "a log of the first release", "a log whose key never changed"])
def test_a_new_key_that_no_record_names_is_thrown_away(tmp_path: Path, left: str) -> None:
    """A folder that was put together from a backup, say: what the log does not name signs nothing."""
    store = ledgers.store(tmp_path)
    vkey = store.key.vkey
    store.close()
    write_private(tmp_path / NEXT_KEY_FILE, LogKey.new("headrace.local/1"))
    if left == "no log":
        (tmp_path / DATABASE).unlink()
    elif left == "a log of the first release":
        _of_the_first_release(tmp_path)
    settle(tmp_path)
    assert not (tmp_path / NEXT_KEY_FILE).exists()
    assert load_or_create(tmp_path, may_create=False).vkey == vkey


def _of_the_first_release(folder: Path) -> None:
    """It knew of no change of keys, and numbered no form."""
    with contextlib.closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as database:
        database.execute("DROP TABLE successions")
        database.execute("PRAGMA user_version=0")


def test_a_log_of_the_first_release_is_read_proved_and_gone_on_with(tmp_path: Path) -> None:
    store = ledgers.store(tmp_path)
    vkey = store.key.vkey
    append(store, "req_0")
    store.close()
    _of_the_first_release(tmp_path)
    assert links(tmp_path, "req_0", vkey)["checkpoint"]
    with contextlib.closing(sqlite3.connect(tmp_path / DATABASE)) as database:
        assert audit.whole(database, [read_key(vkey)]).size == 1
    store = ledgers.store(tmp_path)
    rotate(store, tmp_path, request="req_turn", by="op", now_us=ledgers.NOW_US)
    store.close()
    assert all(holds for name, holds in links(tmp_path, "req_turn", vkey).items() if name != "text")


def test_killed_at_any_step_one_key_is_in_force_and_everything_verifies(tmp_path: Path) -> None:
    first = tmp_path / "first"
    store = ledgers.store(first)
    old = store.key.vkey
    append(store, "req_0")
    store.close()
    seed = (first / KEY_FILE).read_text().split()[1].encode()
    states: list[bool] = []
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True, check=True, cwd=ROOT)
    for steps in range(1, int(done.stdout) + 1):
        folder = tmp_path / f"killed-{steps}"
        settle(folder)
        store = LogStore(folder, load_or_create(folder, may_create=False))
        states.append(store.key.vkey != old)
        append(store, "req_1")
        store.close()
        assert not (folder / NEXT_KEY_FILE).exists()
        assert (folder / VKEY_FILE).read_text().strip() == store.key.vkey
        for request in ("req_0", "req_1"):
            found = links(folder, request, old)
            assert all(holds for name, holds in found.items() if name != "text"), (steps, found)
        if states[-1]:
            assert [each.name for each in folder.iterdir() if seed in each.read_bytes()] == [], steps
    assert states == sorted(states), "the old key was in force again after the new one"
    assert states.count(False) > 5
    assert states.count(True) > 5
