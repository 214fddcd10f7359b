"""The control store: revisions, the pointer, keys, sessions, migrations."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import inspect

from headrace.adapters.stores import control
from headrace.adapters.stores.control import SCHEMA, ControlStore, schema_version
from headrace.adapters.stores.database import open_engine
from headrace.adapters.stores.migrations import upgrade
from headrace.adapters.stores.tables import metadata
from headrace.config.revision import Revision, identity
from headrace.core.errors import NotFound, OperationFailed, Unavailable
from headrace.core.people import StoredSession
from headrace.testing.key_store import DIGEST, KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def revision(name: str) -> Revision:
    files = {"headrace.yaml": f"headrace: 1\nname: {name}\n"}
    return Revision(identity(files), files, f'{{"headrace.yaml":{{"headrace":1,"name":"{name}"}}}}')


@pytest.fixture
def path(tmp_path: Path) -> Path:
    where = tmp_path / ".headrace" / "control.db"
    upgrade(where)
    return where


@pytest.fixture
def store(path: Path) -> Iterator[ControlStore]:
    opened = ControlStore(path)
    yield opened
    opened.close()


def session(digit: str, created_us: int, expires_us: int) -> StoredSession:
    return StoredSession(digit * 64, KEY.tenant, KEY.holder, created_us, created_us, expires_us, key_digest=DIGEST)


def test_nothing_is_in_force_at_first(store: ControlStore) -> None:
    assert store.current() is None
    assert store.version() == 0
    assert store.history() == []


def test_a_revision_is_kept_once_and_in_force_when_pointed_to(store: ControlStore) -> None:
    one = revision("one")
    assert store.put_revision(one, "ana")
    assert not store.put_revision(one, "ben")
    assert store.current() is None
    entry = store.point_to(one.id, "apply", "ana", record="req_1", expected=0)
    assert (entry.n, entry.act, entry.by, entry.record) == (1, "apply", "ana", "req_1")
    assert store.current() == one
    assert store.version() == 1
    assert store.history() == [entry]


def test_another_process_sees_the_turn(store: ControlStore, path: Path) -> None:
    other = ControlStore(path)
    for number, name in enumerate(("one", "two", "one"), start=1):
        store.put_revision(revision(name), "ana")
        store.point_to(revision(name).id, "apply", "ana")
        assert other.version() == number
        assert other.current() == revision(name)
    other.close()


def test_the_pointer_goes_only_to_what_is_kept(store: ControlStore) -> None:
    with pytest.raises(NotFound):
        store.point_to("f" * 64, "apply", "ana")
    assert store.version() == 0


def test_two_who_decided_upon_the_same_version(store: ControlStore, path: Path) -> None:
    other = ControlStore(path)
    store.put_revision(revision("one"), "ana")
    other.put_revision(revision("two"), "ben")
    store.point_to(revision("one").id, "apply", "ana", expected=0)
    with pytest.raises(OperationFailed, match="in the meantime") as caught:
        other.point_to(revision("two").id, "apply", "ben", expected=0)
    assert caught.value.code == "workspace.changed_meanwhile"
    assert store.current() == revision("one")
    other.close()


def test_many_writers_lose_nothing(path: Path) -> None:
    def work(number: int) -> None:
        mine = ControlStore(path)
        for turn in range(10):
            each = revision(f"w{number}-{turn}")
            mine.put_revision(each, "w")
            mine.point_to(each.id, "apply", "w")
        mine.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    store = ControlStore(path)
    history = store.history()
    assert [entry.n for entry in history] == list(range(1, 41))
    assert len({entry.revision for entry in history}) == 40
    store.close()


def test_a_revision_is_found_by_its_beginning(store: ControlStore) -> None:
    for number in range(20):
        store.put_revision(revision(f"r{number}"), "ana")
    wanted = revision("r7")
    assert store.revision(wanted.id[:10]) == wanted
    assert store.revision(wanted.id) == wanted
    for start, words in (("zz", "no revision"), ("%", "no revision"), ("_", "no revision"), ("", "More than one"), ("\\", "no revision")):
        with pytest.raises(NotFound, match=words):
            store.revision(start)
    shared = next(first for first in "0123456789abcdef" if sum(revision(f"r{n}").id[0] == first for n in range(20)) > 1)
    with pytest.raises(NotFound, match="More than one"):
        store.revision(shared)


def test_keys_are_listed_and_revoked(store: ControlStore) -> None:
    store.create_key(KEY, DIGEST)
    store.create_key(replace(KEY, id="hr_def", created_us=500), "b" * 64)
    assert [key.id for key in store.list_keys()] == ["hr_def", "hr_abc"]
    store.sessions.create(session("5", 1_000, 9_000))
    assert store.revoke_key("hr_abc", 1_200).revoked_us == 1_200
    assert store.revoke_key("hr_abc", 1_300).revoked_us == 1_200
    assert store.sessions.find("5" * 64, 1_300) is None
    with pytest.raises(NotFound, match="no key"):
        store.revoke_key("hr_zzz", 1)


def test_a_secret_is_never_in_the_file(store: ControlStore, path: Path) -> None:
    store.create_key(KEY, DIGEST)
    engine = open_engine(path)
    columns = {column["name"] for column in inspect(engine).get_columns("keys")}
    engine.dispose()
    assert columns == {
        "digest",
        "id",
        "name",
        "holder",
        "kind",
        "tenant",
        "groups",
        "services",
        "created_us",
        "expires_us",
        "revoked_us",
        "used_us",
        "holders",
    }


def test_sessions_hold_until_they_expire(store: ControlStore) -> None:
    store.create_key(KEY, DIGEST)
    first = session("5", 1_000, 2_000)
    store.sessions.create(first)
    assert store.sessions.find(first.digest, 1_999) == first
    assert store.sessions.find(first.digest, 2_000) is None
    store.sessions.seen(first.digest, 1_500)
    assert store.sessions.find(first.digest, 1_999) == replace(first, seen_us=1_500)
    assert store.sessions.every(1_999) == [replace(first, seen_us=1_500, key=KEY.id)]
    store.sessions.create(session("6", 2_000, 3_000))
    assert store.sessions.find(first.digest, 1_500) is None  # forgotten when the next one began
    store.sessions.end("6" * 64)
    store.sessions.end("6" * 64)
    assert store.sessions.find("6" * 64, 2_500) is None


def test_the_files_are_private(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def _shape(where: Path) -> dict[str, object]:
    """Columns, keys, indexes and checks of every table. Not the text that made them: a column that was added stands at its end."""
    engine = open_engine(where)
    found = inspect(engine)
    shape = {
        table: (
            sorted(str((each["name"], each["type"], each["nullable"], each["default"])) for each in found.get_columns(table)),
            sorted(found.get_pk_constraint(table)["constrained_columns"]),
            sorted(str(each) for each in found.get_foreign_keys(table)),
            sorted(str(each) for each in found.get_indexes(table)),
            sorted(str(each) for each in found.get_unique_constraints(table)),
            sorted(str(each) for each in found.get_check_constraints(table)),
        )
        for table in found.get_table_names()
        if table != "alembic_version"
    }
    engine.dispose()
    return shape


def test_migrations_from_empty_make_the_tables_that_the_code_knows(path: Path, tmp_path: Path) -> None:
    assert schema_version(path) == SCHEMA
    made = tmp_path / "made.db"
    engine = open_engine(made)
    with engine.begin() as connection:
        metadata.create_all(connection)
    engine.dispose()

    assert _shape(path) == _shape(made)
    assert "people" in _shape(path)


def test_upgrading_again_does_nothing(path: Path) -> None:
    before = path.stat().st_mtime_ns
    upgrade(path)
    assert path.stat().st_mtime_ns == before


def test_two_who_upgrade_at_once(tmp_path: Path) -> None:
    program = "import sys, pathlib; from headrace.adapters.stores.migrations import upgrade; upgrade(pathlib.Path(sys.argv[1]))"
    where = tmp_path / "control.db"
    running = [subprocess.Popen([sys.executable, "-c", program, str(where)], stderr=subprocess.PIPE) for _ in range(3)]
    for each in running:
        _, complaint = each.communicate(timeout=60)
        assert each.returncode == 0, complaint.decode()
    assert schema_version(where) == SCHEMA


def test_a_store_of_another_time_is_refused(tmp_path: Path) -> None:
    where = tmp_path / "control.db"
    assert schema_version(where) is None
    with pytest.raises(OperationFailed, match="of an empty file"):
        ControlStore(where)
    upgrade(where)
    database = sqlite3.connect(where)
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.commit()
    database.close()
    with pytest.raises(OperationFailed, match="newer Headrace"):
        ControlStore(where)
    with pytest.raises(OperationFailed, match="newer Headrace"):
        upgrade(where)


def test_a_store_that_cannot_be_written_says_so(store: ControlStore, path: Path) -> None:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("DROP TABLE sessions")
    database.close()
    with pytest.raises(Unavailable, match="no such table") as caught:
        store.sessions.end("5" * 64)
    assert caught.value.code == "control.unavailable"


def test_a_damaged_store_is_named(tmp_path: Path) -> None:
    damaged = tmp_path / "control.db"
    damaged.write_bytes(b"no database, and longer than a header of a hundred bytes" * 4)
    with pytest.raises(Unavailable, match="backup"):
        upgrade(damaged)


def test_a_serving_process_loads_no_alembic() -> None:
    program = (
        f"import sys, {control.__name__}; print([name for name in ('alembic', 'mako', 'ruamel', 'sqlalchemy.orm') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == "[]"
