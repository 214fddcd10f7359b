"""Importing people from a SCIM file: what it reads, what it refuses and where, what it changes."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from headrace.adapters.stores.control import ControlStore
from headrace.adapters.stores.migrations import upgrade
from headrace.app.people import importing, scim
from headrace.app.people.view import everyone
from headrace.config.model import Workspace
from headrace.core.errors import OperationFailed
from headrace.core.people import StoredPerson, StoredSession
from headrace.policy.keys import mint
from headrace.testing.key_store import KEY
from tests.support.people import keep

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headrace.app.people.importing import Plan

USER = {"schemas": [scim.USER]}
GROUP = {"schemas": [scim.GROUP]}
ZOE: dict[str, Any] = {
    **USER,
    "id": "2819c223",
    "externalId": "701984",
    "userName": "Zoe.Lang@acme.example",
    "name": {"formatted": "Ms. Zoe Lang", "givenName": "Zoe", "familyName": "Lang"},
    "emails": [{"value": "home@example.net"}, {"value": "zoe@acme.example", "primary": True}],
    "active": True,
    "meta": {"resourceType": "User", "location": "https://acme.example/v2/Users/2819c223"},
}
MAX: dict[str, Any] = {**USER, "id": "m", "userName": "max", "displayName": "Max"}
STAFF: dict[str, Any] = {
    **GROUP,
    "id": "g",
    "displayName": "Acme Staff",
    "members": [{"value": "2819c223"}, {"value": "m", "type": "User"}],
}
PEOPLE = {
    "people": [{"person": "ana", "groups": ["members"]}, {"person": "eva", "sign in": "Eva@acme.example", "groups": ["members"]}],
    "applications": [{"application": "desk", "groups": ["members"]}],
}
NOW = 5_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ControlStore]:
    upgrade(tmp_path / "control.db")
    with closing(ControlStore(tmp_path / "control.db")) as opened:
        yield opened


def workspace() -> Workspace:
    root = {
        "headrace": 1,
        "name": "t",
        "tenants": ["default", "lab"],
        "groups": ["auditors", "administrators", "curators", "reviewers"],
        "identity": {"groups": {"Acme Staff": ["members", "auditors"], "Acme Users": "members", "Audit": "auditors"}},
    }
    parts: dict[str, Any] = {"services": {}, "deployments": {}, "sources": {}, "models": {}, "policies": []}
    return Workspace.model_validate({"root": root, "people": PEOPLE, **parts})


def planned(store: ControlStore, *resources: object, complete: bool = False, now_us: int = NOW) -> Plan:
    return importing.planned(json.dumps(resources).encode(), workspace(), store, "default", now_us, complete=complete)


def done(store: ControlStore, *resources: object, complete: bool = False, now_us: int = NOW) -> Plan:
    plan = planned(store, *resources, complete=complete, now_us=now_us)
    store.people.change(plan.people)
    return plan


def test_a_list_response_is_imported(store: ControlStore) -> None:
    response = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 3, "Resources": [ZOE, MAX, STAFF]}
    plan = importing.planned(json.dumps(response).encode(), workspace(), store, "default", NOW)
    assert plan.counts == {"new": 2, "changed": 0, "deactivated": 0, "reactivated": 0, "same": 0}
    assert plan.facts() == {"tenant": "default", **plan.counts, "unknown_groups": 0}
    assert store.people.every() == []  # a plan changes nothing
    store.people.change(plan.people)
    first = StoredPerson(
        tenant="default",
        id="zoe.lang",
        user_name="Zoe.Lang@acme.example",
        name="Ms. Zoe Lang",
        email="zoe@acme.example",
        external="2819c223",
        groups=("auditors", "members"),
        created_us=NOW,
        changed_us=NOW,
    )
    assert store.people.person("default", "zoe.lang") == first
    assert store.people.person("default", "max") == replace(first, id="max", user_name="max", name="Max", email="", external="m")
    again = planned(store, ZOE, MAX, STAFF, now_us=9_000)
    assert again.counts["same"] == 2
    assert again.people == []


def test_groups_are_what_the_file_says_of_them(store: ControlStore) -> None:
    plan = done(store, ZOE, MAX, {**STAFF, "members": [{"value": "m"}]}, {**GROUP, "displayName": "Bowling"})
    assert {each.after.id: each.after.groups for each in plan.changes} == {"zoe.lang": (), "max": ("auditors", "members")}
    assert plan.unknown == []  # nobody of the file is in Bowling
    assert done(store, {**MAX, "groups": [{"value": "x", "display": "Acme Users"}, {"value": "Bowling"}]}).unknown == ["Bowling"]
    assert store.people.person("default", "max").groups == ("members",)  # type: ignore[union-attr]
    assert done(store, MAX).changes[0].after.groups == ("members",)  # nothing is said of groups: they stay
    assert done(store, MAX, {**GROUP, "displayName": "Acme Staff", "members": []}).changes[0].after.groups == ()


@pytest.mark.parametrize("role", ["administrators", "curators", "reviewers", "auditors", "members"])
def test_a_group_of_the_directory_is_no_role_by_its_name(store: ControlStore, role: str) -> None:
    """Whoever may name a group in the directory would be whatever they like here: only what headrace.yaml says of it counts."""
    for called in (role, role.title(), role.upper(), f" {role}"):
        group = {**GROUP, "displayName": called, "members": [{"value": "m"}]}
        assert done(store, MAX, group).unknown == [called]
        assert done(store, {**MAX, "groups": [{"value": called}]}).unknown == [called]
        assert store.people.person("default", "max").groups == ()  # type: ignore[union-attr]


def test_whoever_is_not_active_is_out_at_once(store: ControlStore) -> None:
    done(store, ZOE, MAX)
    store.create_key(KEY, "b" * 64)
    for name, digest in (("max", "1" * 64), ("zoe.lang", "2" * 64)):
        store.sessions.create(StoredSession(digest, "default", name, 1, 1, 9_000, key_digest="b" * 64))
    plan = done(store, {**MAX, "active": False}, {**MAX, "id": "n", "userName": "new", "active": False})
    assert [each.kind for each in plan.changes] == ["deactivated", "new"]
    assert [each.holder for each in store.sessions.every(2)] == ["zoe.lang"]
    assert done(store, MAX).changes[0].kind == "reactivated"
    assert [each.after.id for each in planned(store, MAX, complete=True).changes if each.kind == "deactivated"] == ["zoe.lang"]
    keep(store, [StoredPerson("default", "joined", "joined", origin="sign-in"), StoredPerson("lab", "other", "other")])
    done(store, MAX, complete=True)
    assert {each.id: each.active for each in store.people.every()} == {
        "max": True, "zoe.lang": False, "new": False, "joined": True, "other": True,
    }  # fmt: skip


def test_a_person_stays_the_same_under_another_name(store: ControlStore) -> None:
    done(store, MAX)
    renamed = done(store, {**MAX, "userName": "max.new@acme.example"}, now_us=7_000).changes[0]
    assert (renamed.kind, renamed.after.id, renamed.after.created_us, renamed.after.changed_us) == ("changed", "max", NOW, 7_000)
    keep(store, [StoredPerson("default", "zoe.lang", "zoe.lang@acme.example", groups=("members",), origin="sign-in")])
    joined = done(store, ZOE).changes[0]
    assert (joined.kind, joined.after.origin, joined.after.groups) == ("changed", "import", ("members",))


def test_people_yaml_stays_as_it_says(store: ControlStore) -> None:
    eva = {**USER, "id": "e", "userName": "EVA@acme.example", "name": {"givenName": "Eva", "familyName": "Muster"}}
    plan = done(store, {**eva, "groups": [{"value": "Audit"}]}, {**USER, "userName": "Ana", "groups": []})
    assert [each.after.id for each in plan.changes] == ["eva", "ana"]
    shown = {each.id: each for each in everyone(workspace(), store, "default")}
    assert shown["eva"].groups == {"auditors": ["imported"], "members": ["people.yaml"]}
    assert (shown["eva"].name, shown["eva"].came) == ("Eva Muster", ["people.yaml", "imported"])
    assert shown["ana"].groups == {"members": ["people.yaml"]}
    assert shown["desk"].came == ["people.yaml"]


FAULTS: dict[str, tuple[object, str]] = {
    "no JSON": (b"{", "this is no JSON"),
    "not UTF-8": (b'["\xff"]', "this is no JSON"),
    "a word": ("people", "the file: a list of resources is wanted"),
    "no list": ({"Resources": 7}, "Resources: a list of resources is wanted"),
    "a page": ({"Resources": [], "totalResults": 90}, "totalResults: this is one page of 90"),
    "no resource": ([7], "[0]: a resource is wanted"),
    "no kind": ([{"userName": "x"}], "[0].schemas: this is neither a User nor a Group"),
    "another kind": ({"Resources": [{"schemas": ["urn:x"]}]}, "Resources[0].schemas: this is neither"),
    "no name": ([USER], "[0]: Object missing required field `userName`"),
    "a number": ([MAX, {**USER, "userName": 7}], "[1].userName: Expected `str`, got `int`"),
    "a flag in words": ([{**MAX, "active": "False"}], "[0].active: Expected `bool | null`, got `str`"),
    "an address": ([{**MAX, "emails": [{"value": "a"}, {}]}], "[0].emails[1]: Object missing required field `value`"),
    "an empty name": ([{**MAX, "userName": ""}], "[0].userName: this is no name"),
    "two lines": ([{**MAX, "userName": "a\nb"}], "[0].userName: this is no name"),
    "no id": ([{**MAX, "userName": "Jürg@acme.example"}], '[0].userName: "Jürg@acme.example" makes no id'),
    "a stranger": ([MAX, {**STAFF, "members": [{"value": "nobody"}]}], "[1].members[0].value: there is no such User in this file"),
    "a group in a group": ([MAX, {**STAFF, "members": [{"value": "m", "type": "Group"}]}], "[1].members[0].type: a group within a group"),
    "twice": ([MAX, {**MAX, "id": "m2"}], '[1].userName: "max" would be "max", and so would [0]'),
    "one id for two": ([MAX, {**ZOE, "id": MAX["id"]}, {**STAFF, "members": []}], "[1].id: [0] has it, too"),
    "one id": ([{**ZOE, "userName": "zoe@a.example"}, {**MAX, "userName": "zoe@b.example"}], 'would be "zoe", and so would [0]'),
    "an application": ([{**MAX, "userName": "desk"}], '"desk" is an application in people.yaml'),
    "somebody else of people.yaml": ([{**MAX, "userName": "ana@evil.example"}], "write there  sign in: ana@evil.example"),
    "another eva": ([{**MAX, "userName": "eva"}], '"eva" is somebody in people.yaml'),
    "a key's name": ([{**MAX, "userName": "robot"}], '"robot" is the name of a key that stands for itself'),
    "the operator": ([{**MAX, "userName": "operator"}], '"operator" is the name of a key'),
    "somebody imported": ([{**MAX, "id": "new", "userName": "kept@evil.example"}], 'would be "kept", who is "kept@acme.example"'),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_with_a_fault_changes_nothing(store: ControlStore, fault: str) -> None:
    _, public, digest = mint()
    store.create_key(replace(KEY, id=public, holder="robot", kind="key"), digest)
    keep(store, [StoredPerson("default", "kept", "kept@acme.example", external="k")])
    given, words = FAULTS[fault]
    content = given if isinstance(given, bytes) else json.dumps(given).encode()
    with pytest.raises(OperationFailed) as caught:
        importing.planned(content, workspace(), store, "default", NOW)
    assert words in caught.value.message
    assert caught.value.code == "people.import_faults"


def test_every_fault_is_told_and_not_too_many(store: ControlStore) -> None:
    with pytest.raises(OperationFailed) as caught:
        planned(store, *[USER] * 60)
    assert caught.value.message.count("\n[") == 49
    assert caught.value.message.endswith("… and 10 more\n60 faults.")


def test_a_name_of_another_tenant_is_free(store: ControlStore) -> None:
    keep(store, [StoredPerson("lab", "max", "max", external="m")])
    assert done(store, MAX).changes[0].kind == "new"
    assert {each.tenant for each in store.people.called("MAX")} == {"lab", "default"}
