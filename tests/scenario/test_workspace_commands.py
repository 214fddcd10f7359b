"""``headrace init``, ``check``, ``apply``, ``show`` and ``rollback``, from outside."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from headrace.adapters.stores.control import ControlStore
from headrace.app.acts.changes import apply, roll_back
from headrace.app.cli.main import main
from headrace.app.processes.installation import exclusive
from headrace.config.layout import Layout
from headrace.core.errors import ConfigurationFaults, NotFound, OperationFailed
from headrace.evidence import sequencer
from headrace.evidence.log.reader import LogReader
from tests.support.workspaces import edit, lay

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.app.acts.turns import Change


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


def headrace(*arguments: str, workspace: Path) -> Done:
    """Run the command as a person does, in this process."""
    result = CliRunner().invoke(main, list(arguments), env={"HEADRACE_WORKSPACE": str(workspace)})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


def started(*arguments: str, workspace: Path) -> Done:
    """Run it in a process of its own."""
    environment = {**os.environ, "HEADRACE_WORKSPACE": str(workspace)}
    command = [sys.executable, "-c", "from headrace.app.cli.main import main; main()", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=environment)
    return Done(done.returncode, done.stdout, done.stderr)


def said(done: Done) -> Any:
    """Its JSON."""
    return json.loads(done.stdout)


@pytest.fixture
def laid(tmp_path: Path) -> Path:
    return lay(tmp_path / "w")


@pytest.fixture
def layout(laid: Path) -> Layout:
    return Layout(laid)


def record_of(layout: Layout, change: Change) -> dict[str, Any]:
    """The act's record in the ledger."""
    assert change.entry is not None
    with LogReader(layout.ledger) as reader:
        found = reader.find(change.entry.record)
    return dict(found[-1]["record"])


def test_the_way_of_a_newcomer(tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    (tmp_path / "texts").mkdir()
    assert "four services" in headrace("init", "--help", workspace=workspace).stdout
    made = started("init", "--docs", str(tmp_path / "texts"), workspace=workspace)
    assert made.returncode == 0
    assert "services/help.yaml" in made.stdout
    again = headrace("init", workspace=workspace)
    assert (again.returncode, again.stdout) == (1, "")
    assert "is a workspace already" in again.stderr
    read = [
        path
        for path in workspace.rglob("*")
        if path.is_file() and ".headrace" not in path.parts and path.name not in {".gitignore", "README.md"}
    ]
    assert headrace("check", workspace=workspace).stdout.startswith(f"{len(read)} files, no faults")
    assert said(headrace("check", "--json", workspace=workspace)) == []
    assert "Nothing was ever applied" in headrace("show", workspace=workspace).stderr
    first = said(headrace("apply", "--json", workspace=workspace))
    assert first["changed"] is True
    assert "in force already" in headrace("apply", workspace=workspace).stdout
    edit(workspace, "services/help.yaml", "quotes: 2", "quotes: 3")
    assert "Files: changed services/help.yaml." in headrace("apply", workspace=workspace).stdout
    back = headrace("rollback", workspace=workspace)
    assert f"Revision {first['revision'][:12]} is in force" in back.stdout
    assert "files were not touched" in back.stdout
    shown = headrace("show", workspace=workspace).stdout
    assert first["revision"] in shown
    assert "on disk   changed services/help.yaml" in shown


def test_faults_are_told_and_nothing_is_applied(laid: Path) -> None:
    assert headrace("apply", workspace=laid).returncode == 0
    before = said(headrace("show", "--json", workspace=laid))
    edit(laid, "services/help.yaml", "deployment: small", "deployment: smal")
    done = headrace("check", workspace=laid)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        'services/help.yaml:8:17  unknown deployment "smal"',
        '                         Did you mean "small" (deployments/small.yaml)?',
        "1 fault in 8 files. Nothing was applied.",
    ]
    told = headrace("check", "--json", workspace=laid)
    assert told.returncode == 1
    assert {name: said(told)[0][name] for name in ("path", "line", "column")} == {"path": "services/help.yaml", "line": 8, "column": 17}
    refused = headrace("apply", workspace=laid)
    assert refused.returncode == 1
    assert "Nothing was applied." in refused.stderr
    refused = headrace("apply", "--json", workspace=laid)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert json.loads(refused.stderr)["error"]["faults"][0]["line"] == 8
    after = said(headrace("show", "--json", workspace=laid))
    assert after["revision"] == before["revision"]
    assert after["on_disk"] == {"added": [], "changed": ["services/help.yaml"], "removed": []}


def test_no_workspace_is_a_sentence(tmp_path: Path) -> None:
    commands = ("up --port 0", "check", "apply", "show", "show --history", "rollback", "keys list", "keys create --name a", "keys revoke a")
    for command in (*commands, "ingest", "search a", "ask a"):
        done = headrace(*command.split(), workspace=tmp_path / "none")
        assert (done.returncode, done.stdout) == (1, ""), command
        assert "headrace init --workspace" in done.stderr, command
        told = headrace(*command.split(), "--json", workspace=tmp_path / "none")
        assert json.loads(told.stderr)["error"]["code"] == "workspace.none", command
    assert not (tmp_path / "none").exists()


def test_bad_use_is_json_where_json_is_wanted(laid: Path) -> None:
    for command in ("search --k 0 a", "keys create", "keys nosuch", "nosuch", "verify", "show --nosuch"):
        told = headrace(*command.split(), "--json", workspace=laid)
        assert (told.returncode, told.stdout) == (2, ""), command
        error = json.loads(told.stderr)["error"]
        assert (error["code"], "--help" in error["mend"]) == ("command.bad_use", True), command
        assert headrace(*command.split(), workspace=laid).stderr.startswith("Usage: "), command
    told = headrace("verify", "nosuch.json", "--json", workspace=laid)
    assert (told.returncode, json.loads(told.stderr)["error"]["code"]) == (2, "verify.unreadable")


def test_json_is_utf_8_and_text_survives_any_locale(laid: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(laid, "services/help.yaml", "from the handbook", "Γειά – ✓")
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    assert headrace("apply", workspace=laid).returncode == 0
    assert started("show", workspace=laid).returncode == 0
    assert "Γειά – ✓" in started("show", "--json", workspace=laid).stdout


def test_what_the_machine_refuses_is_a_sentence(laid: Path) -> None:
    assert headrace("apply", workspace=laid).returncode == 0
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        command = [sys.executable, "-c", "from headrace.app.cli.main import main; main()", "show", "--workspace", str(laid)]
        buffered = {**os.environ, "PYTHONUNBUFFERED": ""}
        done = subprocess.run(command, check=False, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, env=buffered)
    assert (done.returncode, done.stderr) == (1, "The disk is full. Make room, then try again.\n")
    place = laid / "people.yaml" / "schemas"
    done = headrace("show", "--schemas", str(place), workspace=laid)
    assert (done.returncode, done.stderr) == (1, f"{place}: It cannot be used: Not a directory. Name another place.\n")


def test_schemas_are_published(tmp_path: Path) -> None:
    done = headrace("show", "--schemas", str(tmp_path / "s"), workspace=tmp_path)
    assert done.returncode == 0
    assert len(list((tmp_path / "s").glob("*.json"))) == 6
    assert "service" in said(headrace("show", "--json", "--schemas", workspace=tmp_path))
    assert headrace("show", "--schemas", workspace=tmp_path).returncode == 0
    assert (tmp_path / ".headrace/schemas/service.json").is_file()
    assert len(said(headrace("show", "--json", "--schemas", str(tmp_path / "s"), workspace=tmp_path))) == 7
    assert "action ask" in (tmp_path / "s" / "policies.cedarschema").read_text()


def test_show_a_revision_and_the_history(laid: Path, layout: Layout) -> None:
    first = apply(layout)
    edit(laid, "headrace.yaml", "acme", "emca")
    apply(layout)
    shown = headrace("show", first.revision.id[:8], workspace=laid).stdout
    assert first.revision.id in shown
    assert "(in force)" not in shown
    lines = headrace("show", "--history", workspace=laid).stdout.splitlines()
    assert ["in force" in line for line in lines] == [True, False]
    assert [entry["n"] for entry in said(headrace("show", "--history", "--json", workspace=laid))] == [2, 1]
    unknown = headrace("show", "zzzz", workspace=laid)
    assert (unknown.returncode, "no revision" in unknown.stderr) == (1, True)


def test_acts_are_in_the_ledger(laid: Path, layout: Layout) -> None:
    first = apply(layout, by="ana")
    record = record_of(layout, first)
    assert (record["kind"], record["act"], record["by"]) == ("act", "workspace.apply", "ana")
    assert record["facts"] == {"revision": first.revision.id, "before": None, "files": 8}
    edit(laid, "headrace.yaml", "acme", "emca")
    second = apply(layout)
    assert apply(layout).entry is None
    back = roll_back(layout, None)
    assert record_of(layout, back)["facts"] == {"revision": first.revision.id, "before": second.revision.id, "files": 8}
    assert back.revision.id == first.revision.id


def test_a_rollback_goes_one_step_down_each_time(laid: Path, layout: Layout) -> None:
    ids: list[str] = []
    for name in ("one", "two", "three"):
        (laid / "headrace.yaml").write_text(
            f"headrace: 1\nname: {name}\ntenants: [default, lab]\nplacements: [here, cloud]\ngroups: [auditors]\n"
        )
        ids.append(apply(layout).revision.id)
    assert roll_back(layout, None).revision.id == ids[1]
    assert roll_back(layout, None).revision.id == ids[0]
    with pytest.raises(NotFound, match="no revision before"):
        roll_back(layout, None)
    assert roll_back(layout, ids[2][:9]).revision.id == ids[2]
    assert roll_back(layout, ids[2][:9]).entry is None
    assert roll_back(layout, None).revision.id == ids[0]


def test_rolling_back_nothing(layout: Layout) -> None:
    with pytest.raises(OperationFailed, match="Nothing was ever applied"):
        roll_back(layout, None)


def test_an_invalid_workspace_never_replaces_one(laid: Path, layout: Layout) -> None:
    apply(layout)
    (laid / "services/help.yaml").write_text("service: [\n")
    with pytest.raises(ConfigurationFaults, match=r"1 fault in 7 files\. Nothing was applied\."):
        apply(layout)


async def test_applying_within_an_event_loop_while_the_workspace_is_held(layout: Layout) -> None:
    with exclusive(layout):
        assert record_of(layout, apply(layout))["act"] == "workspace.apply"


async def test_a_running_ledger_writes_the_record(layout: Layout) -> None:
    layout.socket("ledger").parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    serving = asyncio.create_task(sequencer.serve(layout.ledger, layout.socket("ledger")))
    applying = asyncio.create_task(asyncio.to_thread(apply, layout))
    change = await asyncio.wait_for(applying, 30)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    assert record_of(layout, change)["act"] == "workspace.apply"


def test_two_commands_at_once(laid: Path, layout: Layout) -> None:
    apply(layout)
    edit(laid, "headrace.yaml", "acme", "emca")
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(started, "apply", workspace=laid) for _ in range(2)]
        done = [each.result() for each in running]
    assert 0 in [each.returncode for each in done]
    for each in done:
        assert each.returncode == 0 or "in the meantime" in each.stderr, each.stderr
    store = ControlStore(layout.control)
    assert len(store.history()) == 2
    store.close()


def test_a_ledger_that_cannot_be_opened_keeps_the_act_from_happening(layout: Layout) -> None:
    layout.ledger.parent.mkdir(parents=True)
    layout.ledger.write_text("not a folder")
    with pytest.raises(OperationFailed):
        apply(layout)
    store = ControlStore(layout.control)
    assert store.history() == []
    store.close()
