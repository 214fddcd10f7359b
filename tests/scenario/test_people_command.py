"""``headrace people`` and ``headrace sessions``, from outside: what is printed, what the ledger holds, whom it keeps out."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from headrace.adapters.stores.control import ControlStore
from headrace.app.acts.changes import apply
from headrace.app.cli.main import main
from headrace.app.ids import SystemClock
from headrace.app.people.scim import GROUP, USER
from headrace.app.revisions import current_workspace
from headrace.config.layout import Layout
from headrace.core.errors import HeadraceError
from headrace.core.people import Account
from headrace.evidence.log.reader import LogReader
from headrace.policy.directory import KeyDirectory
from headrace.policy.sessions import ConsoleSessions
from headrace.policy.uses import KeyUses
from tests.support.workspaces import FILES, lay

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.core.values import Principal

CLOCK = SystemClock()
MAX = {"schemas": [USER], "id": "m", "userName": "max@acme.example", "displayName": "Max Lang", "emails": [{"value": "max@acme.example"}]}
SUPPORT = {"schemas": [GROUP], "displayName": "Support", "members": [{"value": "m"}]}
CLUB = {"schemas": [GROUP], "displayName": "Chess Club", "members": [{"value": "m"}]}


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    said = f"{FILES['headrace.yaml']}identity: {{groups: {{Support: support}}}}\n"
    layout = Layout(lay(tmp_path_factory.mktemp("people") / "w", headrace_yaml=said))
    apply(layout)
    return layout


def headrace(layout: Layout, *words: str, code: int = 0) -> tuple[str, str]:
    done = CliRunner().invoke(main, [*words, "--workspace", str(layout.workspace)])
    assert done.exit_code == code, done.output
    return done.stdout, done.stderr


def acts(layout: Layout, name: str) -> list[dict[str, Any]]:
    with LogReader(layout.ledger) as log:
        found = _all(log)
    return [each for each in found if each.get("act") == name]


def _all(log: LogReader) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while (entry := log.at(len(found))) is not None:
        found.append(dict(entry["record"]))
    return found


def who(layout: Layout, credential: str) -> Principal:
    with closing(ControlStore(layout.control)) as store:
        sessions = ConsoleSessions(store, store.sessions, store.people, CLOCK)
        known = KeyDirectory(store, sessions, store.people, KeyUses(), CLOCK, current_workspace(layout))
        return asyncio.run(known.authenticate(credential))


def begin(layout: Layout, key: str) -> str:
    with closing(ControlStore(layout.control)) as store:
        return asyncio.run(ConsoleSessions(store, store.sessions, store.people, CLOCK).begin(key, 600))


def file(folder: Path, *resources: object) -> str:
    (folder / "people.json").write_text(json.dumps({"Resources": resources}))
    return str(folder / "people.json")


def test_people_are_imported(layout: Layout, tmp_path: Path) -> None:
    asked = ("people", "import", file(tmp_path, MAX, SUPPORT, CLUB), "--tenant", "default")
    out, err = headrace(layout, *asked, "--dry-run")
    assert out == "+ max                   support\n1 new. Nothing was changed: this was a dry run.\n"
    assert 'The group "Chess Club" means nothing here' in err
    assert "max" not in headrace(layout, "people", "list", "--tenant", "default")[0]
    assert acts(layout, "people.import") == []
    assert headrace(layout, *asked)[0] == "+ max                   support\n1 new.\n"
    assert headrace(layout, *asked)[0] == "1 same.\n"
    (record,) = acts(layout, "people.import")
    assert record["facts"] == {
        "tenant": "default", "new": 1, "changed": 0, "deactivated": 0, "reactivated": 0, "same": 0, "unknown_groups": 1,
    }  # fmt: skip
    listed = headrace(layout, "people", "list", "--tenant", "default")[0].splitlines()
    assert "max                   person       support  (imported)" in listed
    assert "ana                   person       support  (people.yaml)" in listed
    shown = headrace(layout, "people", "show", "max", "--tenant", "default")[0]
    assert "name         Max Lang" in shown
    assert "group        support  (imported)" in shown
    assert json.loads(headrace(layout, "people", "show", "max", "--tenant", "default", "--json")[0])["email"] == "max@acme.example"
    assert 'Did you mean "max"' in headrace(layout, "people", "show", "mxa", "--tenant", "default", code=1)[1]
    assert "nobody" in headrace(layout, "people", "show", "max", "--tenant", "lab", code=1)[1]
    everyone = json.loads(headrace(layout, "people", "list", "--tenant", "default", "--json")[0])
    assert [each["id"] for each in everyone] == ["ana", "desk", "max"]
    assert "several tenants" in headrace(layout, "people", "list", code=1)[1]


def test_whoever_is_not_active_is_kept_out(layout: Layout, tmp_path: Path) -> None:
    headrace(layout, "people", "import", file(tmp_path, MAX, SUPPORT), "--tenant", "default")
    key = headrace(layout, "keys", "create", "--name", "laptop", "--for", "max", "--tenant", "default")[0].strip()
    assert who(layout, key).groups == {"support"}
    token = begin(layout, key)
    assert who(layout, token).id == "max"
    off = file(tmp_path, {**MAX, "active": False}, SUPPORT)
    out, _ = headrace(layout, "people", "import", off, "--tenant", "default")
    assert out == "- max                   is no longer active\n1 deactivated.\n"
    for credential, code in ((key, "identity.not_active"), (token, "identity.no_session")):
        with pytest.raises(HeadraceError) as caught:
            who(layout, credential)
        assert caught.value.code == code
    assert "NOT ACTIVE" in headrace(layout, "people", "list", "--tenant", "default")[0]
    refused = headrace(layout, "keys", "create", "--name", "other", "--for", "max", "--tenant", "default", code=1)[1]
    assert "may not come in any more" in refused
    on = json.loads(headrace(layout, "people", "import", file(tmp_path, MAX), "--tenant", "default", "--json")[0])
    assert (on["reactivated"], on["people"]) == (1, [{"id": "max", "change": "reactivated", "groups": ["support"]}])
    assert who(layout, key).groups == {"support"}


def test_a_faulty_file_is_told_by_its_paths(layout: Layout, tmp_path: Path) -> None:
    before = len(acts(layout, "people.import"))
    _, err = headrace(layout, "people", "import", file(tmp_path, {**MAX, "active": "yes"}, {"schemas": []}), "--tenant", "default", code=1)
    assert err == (
        "Resources[0].active: Expected `bool | null`, got `str`\n"
        "Resources[1].schemas: this is neither a User nor a Group of SCIM 2.0\n2 faults. Nothing was imported.\n"
    )
    assert len(acts(layout, "people.import")) == before


def test_accounts_are_untied(layout: Layout) -> None:
    with closing(ControlStore(layout.control)) as store:
        sessions = ConsoleSessions(store, store.sessions, store.people, CLOCK)
        account = Account("https://id.example", "sub-ana", "default", "ana", "Ana K.", "ana@acme.example")
        asyncio.run(sessions.begin_for(account, (), None, 600))
    shown = headrace(layout, "people", "show", "ana", "--tenant", "default")[0]
    assert "account      sub-ana at https://id.example" in shown
    assert "signed in at https://id.example" in headrace(layout, "sessions", "list")[0]
    assert headrace(layout, "people", "untie", "ana", "--tenant", "default")[0] == "ana: 1 account let go.\n"
    assert "account " not in headrace(layout, "people", "show", "ana", "--tenant", "default")[0]
    assert acts(layout, "people.untie")[-1]["facts"] == {"tenant": "default", "person": "ana"}


def test_sessions_are_listed_and_ended(layout: Layout) -> None:
    key = headrace(layout, "keys", "create", "--name", "laptop", "--for", "ana", "--tenant", "default")[0].strip()
    token = begin(layout, key)
    listed = json.loads(headrace(layout, "sessions", "list", "--json")[0])
    (mine,) = [each for each in listed if each["key"] == key[:16]]
    assert (mine["holder"], mine["tenant"]) == ("ana", "default")
    assert token not in str(listed)
    assert f"opened with key {key[:16]}" in headrace(layout, "sessions", "list")[0]
    assert "There is no session" in headrace(layout, "sessions", "end", "f" * 16, code=1)[1]
    assert headrace(layout, "sessions", "end", mine["id"])[0] == f"The session {mine['id']} of ana is over.\n"
    assert acts(layout, "sessions.end")[-1]["facts"] == {"session": mine["id"], "holder": "ana", "tenant": "default"}
    with pytest.raises(HeadraceError, match="over"):
        who(layout, token)
