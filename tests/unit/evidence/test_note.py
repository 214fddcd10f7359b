"""Signed notes, checkpoints and the key file."""

from __future__ import annotations

import base64
import json
import os
import stat
from typing import TYPE_CHECKING

import pytest

from headrace.core.errors import OperationFailed
from headrace.evidence.log.files import KEY_FILE, VKEY_FILE
from headrace.evidence.log.note import LogKey, load_or_create
from headrace.evidence.verify import Broken, Unreadable, key_of, read_key
from headrace.evidence.verify.notes import open_note, read_checkpoint
from tests.support.data import shared_data

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SIGNATURE = "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
EXAMPLE = f"This is an example message.\n\n— example.com/foo {SIGNATURE}\n"


@pytest.fixture
def key(tmp_path: Path) -> LogKey:
    return load_or_create(tmp_path, may_create=True)


def test_the_example_of_the_specification_opens() -> None:
    assert open_note(EXAMPLE, read_key(EXAMPLE_KEY))[0] == "This is an example message.\n"


def test_the_shared_vectors_open() -> None:
    vectors = json.loads(shared_data("ledger/vectors.json").read_text())
    signed = vectors["signed_note"]
    assert open_note(signed["note"], read_key(signed["verifier_key"]))[0] == signed["note"].rpartition("\n\n")[0] + "\n"
    for each in vectors["checkpoint_text"]:
        origin, size, root = read_checkpoint(each["text"])
        assert (origin, size, base64.b64encode(root).decode()) == (each["origin"], each["size"], each["hash_b64"])


def test_a_checkpoint_opens_with_the_published_key(key: LogKey) -> None:
    text, _ = open_note(key.checkpoint(3, bytes(32)), read_key(key.vkey))
    assert read_checkpoint(text) == (key.name, 3, bytes(32))


def test_signatures_of_others_are_passed_over(key: LogKey, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = load_or_create(tmp_path / "other", may_create=True)
    note = key.checkpoint(1, bytes(32))
    both = note + other.checkpoint(1, bytes(32)).rpartition("\n\n")[2]
    assert open_note(both, read_key(key.vkey))[0] == note.rpartition("\n\n")[0] + "\n"
    namesake = LogKey(key.name, other.private)
    both = namesake.sign_note("text\n") + key.sign_note("text\n").rpartition("\n\n")[2]
    assert open_note(both, read_key(key.vkey))[0] == "text\n"


@pytest.mark.parametrize(
    ("note", "why"),
    [
        ("text\n", "not a signed note"),
        ("text\n\n— a b=", "not a signed note"),
        ("te\txt\n\n— a bbbb\n", "not a signed note"),
        ("text\n\n- a bbbb\n", "a signature line is malformed"),
        ("text\n\n— other bbbb\n", "no signature of a key that is trusted"),
        ("text\n\n— example.com/foo b\n", "a signature is not base64"),
        ("text\n\n— example.com/foo bbb=\n", "a signature is not in canonical base64"),
        ("text\n\n— example.com/foo bbbb\n", "no signature of a key that is trusted"),
        (EXAMPLE.replace("an example", "no example"), "its signature does not hold"),
    ],
)
def test_what_is_no_note_of_the_key_is_broken(note: str, why: str) -> None:
    with pytest.raises(Broken, match=why):
        open_note(note, read_key(EXAMPLE_KEY))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log\n1\n",
        "log\n1\nAAAA",
        "log\n01\nAAAA\n",
        "log\n-1\nAAAA\n",
        "log\n1\n\nAAAA\n",
        "log\n1\nAAA\n",
        "log\n1\nAAB=\n",
        f"log\n{'9' * 5000}\nAAAA\n",
    ],
)
def test_what_is_no_checkpoint_is_broken(text: str) -> None:
    with pytest.raises(Broken):
        read_checkpoint(text)


@pytest.mark.parametrize(
    "text",
    [
        "no key",
        "name+00000000+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        EXAMPLE_KEY.replace("530d903a", "zz0d903a"),
        EXAMPLE_KEY[:-4],
        EXAMPLE_KEY.replace("+Aek", "+Bek"),
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    ],
)
def test_what_is_no_key_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        read_key(text)


def test_a_key_is_given_as_itself_or_as_a_file(key: LogKey, tmp_path: Path) -> None:
    assert key_of(key.vkey).name == key_of(str(tmp_path / VKEY_FILE)).name == key.name
    with pytest.raises(Unreadable, match="no key can be read"):
        key_of(str(tmp_path / "none"))
    (tmp_path / "binary").write_bytes(b"\xff")
    with pytest.raises(Unreadable, match="no key can be read"):
        key_of(str(tmp_path / "binary"))
    (tmp_path / "words").write_text("# to be filled\n")
    with pytest.raises(Unreadable, match="it holds none"):
        key_of(str(tmp_path / "words"))


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path, key: LogKey) -> None:
    path = tmp_path / KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_uid == os.getuid()
    assert load_or_create(tmp_path, may_create=False).vkey == key.vkey == (tmp_path / VKEY_FILE).read_text().strip()
    assert key.private.private_bytes_raw().hex() not in repr(key)


def test_the_public_key_is_published_again_when_it_is_gone(tmp_path: Path, key: LogKey) -> None:
    (tmp_path / VKEY_FILE).unlink()
    load_or_create(tmp_path, may_create=False)
    assert (tmp_path / VKEY_FILE).read_text().strip() == key.vkey


@pytest.mark.parametrize("content", [b"", b"name", b"name notbase64", b"name AAAA", b"\xff\xfe"])
def test_a_damaged_key_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / KEY_FILE).write_bytes(content)
    with pytest.raises(OperationFailed, match="cannot be read") as failed:
        load_or_create(tmp_path, may_create=True)
    assert failed.value.code == "ledger.bad_key"
    assert (tmp_path / KEY_FILE).read_bytes() == content


def test_a_key_that_is_gone_is_not_replaced_once_there_are_records(tmp_path: Path) -> None:
    with pytest.raises(OperationFailed, match="signing key is gone"):
        load_or_create(tmp_path, may_create=False)
    assert not list(tmp_path.iterdir())


def test_a_key_of_another_log_is_refused(tmp_path: Path, key: LogKey) -> None:
    (tmp_path / VKEY_FILE).write_text(EXAMPLE_KEY)
    with pytest.raises(OperationFailed, match=r"not the one of log\.vkey"):
        load_or_create(tmp_path, may_create=False)
    assert key.vkey != EXAMPLE_KEY
