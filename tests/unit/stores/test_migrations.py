"""The control store from the first released schema on: what was written is there after an upgrade, and an upgrade is whole or not at all.

``first_schema.sql`` is a store of that schema with rows in every table. These tests hold for every migration there is, and for the next.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory

from headrace.adapters.stores import migrations
from headrace.adapters.stores.control import SCHEMA, ControlStore, schema_version
from headrace.adapters.stores.database import WRITES, open_engine
from headrace.adapters.stores.migrations.alembic_runs import configuration
from headrace.core.errors import OperationFailed

FIRST = Path(__file__).with_name("first_schema.sql")
DYING = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import event
from sqlalchemy.engine import Engine
from headrace.adapters.stores.migrations import upgrade
for statement in range(1000):
    path = Path(sys.argv[1]) / str(statement) / "control.db"
    path.parent.mkdir()
    path.write_bytes((Path(sys.argv[1]) / "control.db").read_bytes())
    child = os.fork()
    if child == 0:
        left = statement
        @event.listens_for(Engine, "after_cursor_execute")
        def dying(*_):
            global left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
        upgrade(path)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
"""
"""An upgrade killed after its first statement, after its second, and so on until one is not killed."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store of the first schema."""
    where = tmp_path / "control.db"
    with closing(sqlite3.connect(where)) as database:
        database.executescript(FIRST.read_text(encoding="utf-8"))
    return where


def rows(path: Path) -> dict[str, list[dict[str, object]]]:
    """Every row of every table, by table."""
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        tables = [str(row[0]) for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {table: [dict(row) for row in database.execute(f"SELECT * FROM {table} ORDER BY 1")] for table in tables}  # noqa: S608


def sound(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as database:
        whole = database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        return whole and database.execute("PRAGMA foreign_key_check").fetchall() == []


def assert_kept(old: dict[str, list[dict[str, object]]], new: dict[str, list[dict[str, object]]]) -> None:
    """Every row of every old table, in every column that both have."""
    for table, held in old.items():
        if table == "alembic_version":
            continue
        shared = held[0].keys() & new[table][0].keys()
        assert shared, table
        assert [{name: row[name] for name in shared} for row in new[table]] == [{name: row[name] for name in shared} for row in held], table


def shape(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as database:
        return {" ".join(str(part).split()) for row in database.execute("SELECT name, sql FROM sqlite_master") for part in row}


def test_what_the_first_release_wrote_is_there_after_an_upgrade(path: Path, tmp_path: Path) -> None:
    old = rows(path)
    assert schema_version(path) == "0001"
    assert all(old.values()), "every table of the first schema has rows"
    migrations.upgrade(path)
    assert schema_version(path) == SCHEMA
    assert sound(path)
    assert_kept(old, rows(path))
    migrations.upgrade(tmp_path / "new" / "control.db")
    assert shape(path) == shape(tmp_path / "new" / "control.db")
    with closing(ControlStore(path)) as store:
        revision = store.current()
        assert revision is not None
        assert revision.id == old["revision_history"][2]["revision"]
        assert [each.id for each in store.list_keys()] == ["hr_live_aaaaaaaa", "hr_live_bbbbbbbb", "hr_live_cccccccc"]
        assert [each.act for each in store.history()] == ["apply", "apply", "rollback"]


def test_each_migration_keeps_what_was_there(path: Path) -> None:
    engine = open_engine(path)
    try:
        script = ScriptDirectory.from_config(configuration(None))
        for each in [revision.revision for revision in reversed(list(script.walk_revisions()))][1:]:
            old = rows(path)
            with engine.connect() as connection:
                connection.execution_options(**{WRITES: True})
                with connection.begin():
                    command.upgrade(configuration(connection), each)
            assert sound(path), each
            assert_kept({table: held for table, held in old.items() if held}, rows(path))
    finally:
        engine.dispose()
    assert schema_version(path) == SCHEMA


def test_what_was_is_kept_beside_it_first(path: Path) -> None:
    old = rows(path)
    migrations.upgrade(path)
    kept = migrations.before(path, "0001")
    assert kept.name == "control-0001.db"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert rows(kept) == old
    assert sorted(each.name for each in path.parent.iterdir() if each.is_file() and not each.name.startswith("control.db-")) == [
        "control-0001.db",
        "control.db",
    ]
    shutil.copy(kept, path)  # the way back
    assert schema_version(path) == "0001"


def test_without_room_for_that_nothing_is_changed(path: Path) -> None:
    old = rows(path)
    migrations.before(path, "0001").mkdir()
    with pytest.raises(OperationFailed) as caught:
        migrations.upgrade(path)
    assert caught.value.code == "control.not_kept"
    assert rows(path) == old
    assert list(path.parent.glob("*.new")) == []


def test_killed_after_any_statement_it_is_the_old_one_or_the_new_one(path: Path, tmp_path: Path) -> None:
    old = rows(path)
    subprocess.run([sys.executable, "-c", DYING, str(tmp_path)], check=True, timeout=120)
    kills = sorted(int(each.name) for each in tmp_path.iterdir() if each.is_dir())
    assert len(kills) > 15
    seen: set[str | None] = set()
    for kill in kills:
        left = tmp_path / str(kill) / "control.db"
        found = schema_version(left)
        seen.add(found)
        assert found in {"0001", SCHEMA}
        assert sound(left)
        if found == "0001":
            assert rows(left) == old
            migrations.upgrade(left)
        assert_kept(old, rows(left))
    assert seen == {"0001", SCHEMA}


def test_three_who_upgrade_it_at_once(path: Path) -> None:
    old = rows(path)
    program = "import sys, pathlib; from headrace.adapters.stores.migrations import upgrade; upgrade(pathlib.Path(sys.argv[1]))"
    running = [subprocess.Popen([sys.executable, "-c", program, str(path)], stderr=subprocess.PIPE) for _ in range(3)]
    for each in running:
        _, complaint = each.communicate(timeout=60)
        assert each.returncode == 0, complaint.decode()
    assert_kept(old, rows(path))
    assert schema_version(path) == SCHEMA
    assert rows(migrations.before(path, "0001")) == old


def test_there_is_no_way_down(path: Path) -> None:
    migrations.upgrade(path)
    engine = open_engine(path)
    try:
        with engine.connect() as connection, pytest.raises(RuntimeError, match="not downgraded"):
            command.downgrade(configuration(connection), "0001")
    finally:
        engine.dispose()
    assert schema_version(path) == SCHEMA


def test_an_older_version_says_that_it_cannot_read_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the first release did: what it knows is the schema 0001."""
    migrations.upgrade(path)
    monkeypatch.setattr("headrace.adapters.stores.control.SCHEMA", "0001")
    with pytest.raises(OperationFailed, match="newer Headrace") as caught:
        ControlStore(path)
    assert caught.value.code == "control.schema"


def test_alembic_is_loaded_only_when_something_is_due(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from headrace.adapters.stores.migrations import upgrade; upgrade(pathlib.Path(sys.argv[1])); "
        "print('alembic' in sys.modules)"
    )
    asked = [sys.executable, "-c", program, str(tmp_path / "control.db")]
    assert [subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip() for _ in range(2)] == ["True", "False"]
