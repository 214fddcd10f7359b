"""``headrace keys``, from outside: what is printed where, what the ledger holds, and what is refused."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from headrace.adapters.stores.control import ControlStore
from headrace.app.acts import keys, operator
from headrace.app.acts.changes import apply
from headrace.app.cli.main import main
from headrace.app.ids import SystemClock
from headrace.app.revisions import current_workspace
from headrace.config.layout import Layout
from headrace.core.errors import HeadraceError, OperationFailed, Unauthenticated
from headrace.evidence.log.reader import LogReader
from headrace.policy.directory import KeyDirectory
from headrace.policy.engine import CedarEngine
from headrace.policy.keys import well_formed
from headrace.policy.sessions import ConsoleSessions
from headrace.policy.uses import KeyUses
from tests.support.workspaces import edit, lay

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.core.values import Principal

CLOCK = SystemClock()


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A workspace in force, with tenants default and lab."""
    layout = Layout(lay(tmp_path_factory.mktemp("keys") / "w"))
    apply(layout)
    return layout


def headrace(layout: Layout, *arguments: str) -> Done:
    """Run ``headrace keys`` as a person does, in this process."""
    result = CliRunner().invoke(main, ["keys", *arguments], env={"HEADRACE_WORKSPACE": str(layout.workspace)})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


def acts(layout: Layout) -> list[dict[str, Any]]:
    """The acts about keys in the ledger."""
    with LogReader(layout.ledger) as reader:
        found = itertools.takewhile(lambda each: each is not None, map(reader.at, itertools.count()))
        records = [dict(each["record"]) for each in found if each is not None]
    return [each for each in records if str(each.get("act", "")).startswith("keys.")]


async def who(layout: Layout, secret: str) -> Principal:
    """Whom a running gateway would take its holder for."""
    with closing(ControlStore(layout.control)) as store:
        sessions = ConsoleSessions(store, store.sessions, store.people, CLOCK)
        return await KeyDirectory(store, sessions, store.people, KeyUses(), CLOCK, current_workspace(layout)).authenticate(secret)


async def test_the_key_is_all_that_stands_on_standard_output(layout: Layout) -> None:
    environment = {**os.environ, "HEADRACE_WORKSPACE": str(layout.workspace)}
    command = [sys.executable, "-c", "from headrace.app.cli.main import main; main()", "keys", "create"]
    command += ["--name", "robot", "--tenant", "default", "--group", "support", "--group", "auditors", "--group", "support"]
    done = await asyncio.to_thread(subprocess.run, command, check=False, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    secret = done.stdout.removesuffix("\n")
    assert well_formed(secret)
    assert secret not in done.stderr
    assert "stands for itself in tenant default, with group support, auditors; expires 20" in done.stderr
    principal = await who(layout, secret)
    assert (principal.id, principal.kind, principal.tenant, principal.groups) == (
        "robot",
        "application",
        "default",
        {"support", "auditors"},
    )
    assert secret.encode() not in b"".join(path.read_bytes() for path in layout.state.rglob("*") if path.is_file())


async def test_a_key_of_a_person_bound_to_a_service(layout: Layout) -> None:
    done = headrace(
        layout, *("create", "--name", "laptop", "--tenant", "default", "--for", "ana", "--service", "help", "--expires", "12 h", "--json")
    )
    made = json.loads(done.stdout)
    assert done.stderr == ""
    assert (made["holder"], made["kind"], made["groups"], made["services"]) == ("ana", "person", [], ["help"])
    assert made["expires_us"] - made["created_us"] == 12 * 3600 * 1_000_000
    principal = await who(layout, made["key"])
    assert (principal.id, principal.groups, principal.services) == ("ana", {"support"}, {"help"})
    assert acts(layout)[-1]["facts"] == {
        "key": made["id"],
        "holder": "ana",
        "kind": "person",
        "tenant": "default",
        "groups": [],
        "services": ["help"],
        "expires_us": made["expires_us"],
    }
    assert made["key"] not in json.dumps(acts(layout))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--tenant", "defalt"), '--tenant: There is no tenant "defalt". Did you mean "default"?'),
        ((), "--tenant: This installation has several tenants; which one is meant? Known: default, lab."),
        (("--tenant", "lab", "--group", "suport"), 'no group "suport" in tenant lab. Known: auditors, chemists.'),
        (("--tenant", "default", "--group", "suport"), 'no group "suport" in tenant default. Did you mean "support"?'),
        (("--tenant", "default", "--for", "anna"), 'no person or application "anna" in tenant default. Did you mean "ana"?'),
        (("--tenant", "lab", "--for", "ana"), 'no person or application "ana" in tenant lab. Known: ben.'),
        (("--tenant", "default", "--service", "halp"), 'no service "halp". Did you mean "help"?'),
        (("--tenant", "default", "--expires", "soon"), "--expires: This is not a time that a key can last."),
        (("--tenant", "default", "--name", "ana"), '--name: "ana" is a person of this tenant. A key of theirs: --for ana.'),
        (("--tenant", "default", "--name", "desk"), '--name: "desk" is an application of this tenant.'),
    ],
)
def test_what_does_not_fit_makes_no_key(layout: Layout, arguments: tuple[str, ...], said: str) -> None:
    before, recorded = keys.every(layout), len(acts(layout))
    done = headrace(layout, "create", "--name", "new", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert (keys.every(layout), len(acts(layout))) == (before, recorded)
    told = headrace(layout, "create", "--name", "new", *arguments, "--json")
    assert told.returncode == 1
    assert json.loads(told.stderr)["error"]["mend"]


def test_bad_use(layout: Layout) -> None:
    assert headrace(layout, "create", "--tenant", "default").returncode == 2
    assert headrace(layout, "create", "--name", "Not A Name", "--tenant", "default").returncode == 2
    assert headrace(layout, "revoke").returncode == 2


async def test_a_revoked_key_opens_nothing(layout: Layout) -> None:
    secret, key = keys.create(layout, keys.Wanted("leaving", "lab", lasts_us=None))
    assert key.id in headrace(layout, "list").stdout
    assert "never expires" in headrace(layout, "list").stdout
    assert (await who(layout, secret)).id == "leaving"
    misspelt = headrace(layout, "revoke", key.id[:-1])
    assert misspelt.returncode == 1
    assert f'Did you mean "{key.id}"?' in misspelt.stderr
    unknown = headrace(layout, "revoke", "x")
    assert "headrace keys list shows them" in unknown.stderr
    done = headrace(layout, "revoke", key.id)
    assert done.returncode == 0
    assert f"{key.id} (leaving) was revoked 20" in done.stdout
    recorded = acts(layout)[-1]
    assert (recorded["act"], recorded["facts"]["key"], recorded["facts"]["expires_us"]) == ("keys.revoke", key.id, None)
    with pytest.raises(Unauthenticated) as caught:
        await who(layout, secret)
    assert caught.value.code == "identity.revoked_key"
    again = json.loads(headrace(layout, "revoke", secret, "--json").stdout)  # the whole key will do
    assert (again["id"], again["state"]) == (key.id, "revoked")
    assert acts(layout)[-1] == recorded
    assert key.id not in headrace(layout, "list").stdout
    assert (
        f"{key.id}  leaving           stands for itself in tenant lab; never expires  REVOKED" in headrace(layout, "list", "--all").stdout
    )


def test_an_expired_key_is_no_longer_listed(layout: Layout) -> None:
    _, key = keys.create(layout, keys.Wanted("brief", "default", services=("help",), lasts_us=1))
    assert key.id not in [each["id"] for each in json.loads(headrace(layout, "list", "--json").stdout)]
    states = {each["id"]: each["state"] for each in json.loads(headrace(layout, "list", "--all", "--json").stdout)}
    assert states[key.id] == "expired"
    line = next(each for each in headrace(layout, "list", "--all").stdout.splitlines() if each.startswith(key.id))
    assert "bound to service help" in line
    assert line.endswith("EXPIRED")


async def test_the_operator_asks_with_a_key_of_a_minute(layout: Layout) -> None:
    with operator.brief_key(layout, "lab") as secret:
        principal = await who(layout, secret)
        assert (principal.id, principal.kind, principal.tenant) == ("operator", "application", "lab")
        assert principal.groups == {"operators", "curators"}
        assert CedarEngine(current_workspace(layout)).decide(principal, "ask", ("Service", "help"), {}).allowed
    with pytest.raises(Unauthenticated):
        await who(layout, secret)
    (kept,) = [each for each in keys.every(layout) if each.id == principal.key]
    assert kept.expires_us is not None
    assert kept.expires_us - kept.created_us == 60_000_000
    with pytest.raises(OperationFailed, match='no tenant "nowhere"'), operator.brief_key(layout, "nowhere"):
        pass


def test_nothing_is_there_before_the_first_apply(tmp_path: Path) -> None:
    layout = Layout(lay(tmp_path / "w"))
    for arguments in (("create", "--name", "a", "--tenant", "default"), ("list",), ("revoke", "x")):
        done = headrace(layout, *arguments)
        assert done.returncode == 1
        assert "headrace apply" in done.stderr
    assert not layout.state.exists()


async def test_people_who_change_change_their_keys(tmp_path: Path) -> None:
    layout = Layout(lay(tmp_path / "w"))
    people = "  - application: operator\n    groups: [support]\n"
    (layout.workspace / "people.yaml").write_text((layout.workspace / "people.yaml").read_text() + people)
    apply(layout)
    with operator.brief_key(layout, None) as secret:
        assert (await who(layout, secret)).groups == {"operators", "curators", "support"}
    secret, _ = keys.create(layout, keys.Wanted("tool", "default", holder="desk"))
    alone, _ = keys.create(layout, keys.Wanted("alone", "default"))
    edit(layout.workspace, "people.yaml", "application: desk", "application: alone")
    apply(layout)
    for each in (secret, alone):
        with pytest.raises(Unauthenticated) as caught:
            await who(layout, each)
        assert caught.value.code == "identity.no_holder"


def test_one_tenant_need_not_be_named(tmp_path: Path) -> None:
    root = "headrace: 1\nname: acme\nplacements: [here, cloud]\ngroups: [auditors]\n"
    people = "people:\n  - person: ana\n    groups: [support]\n"
    layout = Layout(lay(tmp_path / "w", headrace_yaml=root, people_yaml=people))
    apply(layout)
    assert keys.create(layout, keys.Wanted("robot"))[1].tenant == "default"


def test_a_ledger_that_cannot_be_written_keeps_keys_as_they_are(tmp_path: Path) -> None:
    layout = Layout(lay(tmp_path / "w"))
    apply(layout)
    assert "No key holds now" in headrace(layout, "list").stderr
    _, key = keys.create(layout, keys.Wanted("robot", "default"))
    layout.ledger.rename(tmp_path / "elsewhere")
    layout.ledger.write_text("not a folder")
    with pytest.raises(HeadraceError):
        keys.create(layout, keys.Wanted("other", "default"))
    with pytest.raises(HeadraceError):
        keys.revoke(layout, key.id)
    assert keys.every(layout) == [key]
    with closing(ControlStore(layout.control)) as store:
        assert store.list_keys()[0].revoked_us is None
