"""Who somebody is whom a provider vouches for: tenants, names, groups, newcomers, and accounts that are tied to people."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from headrace.core.errors import HeadraceError, Unauthenticated
from headrace.core.people import StoredPerson
from headrace.policy.keys import mint
from headrace.testing.key_store import KEY
from tests.providers.openid_server import SECRET
from tests.support.people import keep
from tests.support.sign_ins import PEOPLE, Desk, desk

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

JOIN: dict[str, Any] = {"unknown people": "join as member"}


@pytest_asyncio.fixture
async def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Desk]:
    monkeypatch.setenv("ACME_SECRET", SECRET)
    async with desk(tmp_path) as made:
        yield made


async def refused(at: Desk, who: str = "ana") -> str:
    with pytest.raises(HeadraceError) as caught:
        await at.token(who)
    assert caught.value.mend
    return caught.value.code


async def test_a_stranger_is_refused(at: Desk) -> None:
    at.acme.people["zoe"] = {"preferred_username": "zoe"}
    assert await refused(at, "zoe") == "identity.unknown_person"
    assert at.store.people.every() == []
    assert at.acts == []


@pytest.mark.parametrize(
    ("called", "id_"), [("Ana", "ana"), ("eva.muster@ACME.example", "eva"), ("imported@acme.example", "imp"), ("EVA", None), ("desk", None)]
)
async def test_whom_a_name_means(at: Desk, called: str, id_: str | None) -> None:
    keep(at.store, [StoredPerson("default", "imp", "Imported@acme.example", groups=("auditors",))])
    at.acme.people["x"] = {"preferred_username": called}
    if id_ is None:  # eva is known by another name, and the desk is an application
        assert await refused(at, "x") == "identity.unknown_person"
    else:
        assert (await at.who(await at.token("x"))).id == id_


async def test_a_name_in_two_tenants_needs_a_claim(at: Desk) -> None:
    at.acme.people["t"] = {"preferred_username": "twice", "org": "lab"}
    assert await refused(at, "t") == "identity.several_people"
    at.says(**{"sign in": at.form(claims={"tenant": "org"})})
    assert (await at.who(await at.token("t"))).tenant == "lab"
    at.acme.people["t"]["org"] = "elsewhere"
    assert await refused(at, "t") == "identity.no_tenant"
    at.acme.people["t"]["org"] = ["lab"]
    assert await refused(at, "t") == "identity.no_tenant"
    at.acme.people["a"] = {"preferred_username": "ana", "org": "lab"}  # she is of another tenant
    assert await refused(at, "a") == "identity.unknown_person"


@pytest.mark.parametrize("said", [None, "", 7, ["ana"], "a\nb", "a" * 300])
async def test_a_token_without_a_name(at: Desk, said: object) -> None:
    at.acme.people["ana"]["preferred_username"] = said
    assert await refused(at) == "identity.no_name"


async def test_an_address_counts_where_the_provider_vouches_for_it(at: Desk) -> None:
    at.says(**{"sign in": at.form(claims={"person": "email"})})
    for verified in (None, False, "true", 1):
        at.acme.people["ana"] |= {"email": "eva.muster@acme.example", "email_verified": verified}
        assert await refused(at) == "identity.no_name"
    at.acme.people["ana"]["email_verified"] = True
    assert (await at.who(await at.token())).id == "eva"


async def test_a_group_at_the_provider_is_no_role_by_its_name(at: Desk) -> None:
    at.acme.people["ana"]["groups"] = ["auditors", "Auditors", "administrators", "curators", "reviewers"]
    token = await at.token()
    assert (await at.who(token)).groups == {"members"}
    at.says(**{"sign in": at.form(), "groups": {"Audit": "auditors"}})
    assert (await at.who(await at.token())).groups == {"members"}


async def test_groups_follow_people_yaml_the_import_and_their_meaning(at: Desk) -> None:
    at.acme.people["ana"]["groups"] = ["audit", "audit", "other", 7]
    identity: dict[str, Any] = {"sign in": at.form(), "groups": {"audit": "auditors"}}
    at.says(**identity)
    token = await at.token()
    assert (await at.who(token)).groups == {"members", "auditors"}
    at.says(**{**identity, "groups": {}})
    assert (await at.who(token)).groups == {"members"}  # at the very next request
    at.says(**{**identity, "groups": {"audit": "directors"}})
    assert (await at.who(token)).groups == {"members"}  # a group that is none here
    keep(at.store, [StoredPerson("default", "ana", "ana", groups=("auditors",))])
    assert (await at.who(token)).groups == {"members", "auditors"}
    at.says(people={"people": [{"person": "ana"}]}, **identity)
    assert (await at.who(token)).groups == {"auditors"}
    at.acme.people["ana"]["groups"] = "audit"  # one, not in a list
    assert (await at.who(await at.token())).groups == {"auditors"}


async def test_a_session_ends_with_its_person(at: Desk) -> None:
    token = await at.token()
    at.says(people={"people": []}, **{"sign in": at.form()})
    with pytest.raises(Unauthenticated) as caught:
        await at.who(token)
    assert caught.value.code == "identity.no_holder"
    at.says(**{"sign in": at.form()})
    with pytest.raises(Unauthenticated, match="over"):
        await at.who(token)
    token = await at.token()
    at.says(people={"applications": [{"application": "ana"}]}, **{"sign in": at.form()})
    with pytest.raises(Unauthenticated, match="called"):
        await at.who(token)


async def test_a_session_ends_with_the_import_that_says_so(at: Desk) -> None:
    token = await at.token()
    keep(at.store, [StoredPerson("default", "ana", "ana", active=False)])
    with pytest.raises(Unauthenticated, match="over"):
        await at.who(token)
    assert await refused(at) == "identity.not_active"


async def test_a_session_ends_with_its_provider_its_tenant_and_its_time(at: Desk) -> None:
    token = await at.token()
    for identity in ({}, {"sign in": at.form(issuer="https://elsewhere.example")}):
        at.says(**identity)
        with pytest.raises(Unauthenticated):
            await at.who(token)
        at.says(**{"sign in": at.form()})
        token = await at.token()
    at.says(tenants=("lab",), **{"sign in": at.form()})
    with pytest.raises(Unauthenticated):
        await at.who(token)
    at.says(**{"sign in": at.form(), "sessions": {"idle": "10 min", "longest": "1 h"}})
    token = await at.token()
    for _ in range(6):
        at.clock.pass_time(599)
        await at.who(token)
    at.clock.pass_time(6)
    with pytest.raises(Unauthenticated, match="over"):
        await at.who(token)
    token = await at.token()
    at.clock.pass_time(600)
    with pytest.raises(Unauthenticated, match="over"):
        await at.who(token)
    token = await at.token()
    at.clock.pass_time(300)
    at.says(**{"sign in": at.form(), "sessions": {"longest": "5 min"}})  # a shorter time holds at once
    with pytest.raises(Unauthenticated, match="over"):
        await at.who(token)


async def test_somebody_joins_where_they_may(at: Desk) -> None:
    at.says(
        tenants=("default",),
        people={"people": PEOPLE["people"][:2], "applications": PEOPLE["applications"]},
        **JOIN,
        **{"sign in": at.form()},
    )
    at.acme.people["zoe"] = {"preferred_username": "Zoe@acme.example", "name": "Zoe <b>", "email": "zoe@acme.example"}
    principal = await at.who(await at.token("zoe"))
    assert (principal.id, principal.groups) == ("zoe", {"members"})
    (kept,) = at.store.people.every()
    assert (kept.id, kept.origin, kept.groups, kept.active) == ("zoe", "sign-in", ("members",), True)
    assert at.acts == [("people.join", {"tenant": "default", "person": "zoe", "groups": ["members"]}, "zoe")]
    await at.token("zoe")
    assert len(at.acts) == 1
    secret, public, digest = mint()
    at.store.create_key(replace(KEY, id=public, holder="robot", kind="key"), digest)
    for number, called in enumerate(("ana@evil.example", "desk", "robot@acme.example", "operator", "zoe@evil.example", "@", "é@x")):
        at.acme.people[f"n{number}"] = {"preferred_username": called}
        assert await refused(at, f"n{number}") == "identity.name_taken", called
    assert len(at.acts) == 1
    assert secret


async def test_whoever_joined_does_not_become_somebody_whom_people_yaml_names_later(at: Desk) -> None:
    at.says(tenants=("default",), people={"people": PEOPLE["people"][:2]}, **JOIN, **{"sign in": at.form()})
    at.acme.people["guest"] = {"preferred_username": "zoe@partner.example"}
    at.acme.people["own"] = {"preferred_username": "zoe@acme.example"}
    token = await at.token("guest")
    named = {"person": "zoe", "sign in": "zoe@acme.example", "groups": ["members", "auditors"]}
    at.says(tenants=("default",), people={"people": [*PEOPLE["people"][:2], named]}, **JOIN, **{"sign in": at.form()})
    with pytest.raises(Unauthenticated, match="over"):
        await at.who(token)
    assert await refused(at, "guest") == "identity.name_changed"
    assert await refused(at, "own") == "identity.person_taken"  # nobody is she before the two are untied
    at.store.people.untie("default", "zoe")
    assert await refused(at, "guest") == "identity.name_taken"
    assert await refused(at, "own") == "identity.person_taken"
    at.store.people.forget("default", "zoe")
    assert (await at.who(await at.token("own"))).groups == {"members", "auditors"}


async def test_somebody_joins_the_tenant_that_is_certain(at: Desk) -> None:
    at.says(**JOIN, **{"sign in": at.form()})
    at.acme.people["zoe"] = {"preferred_username": "zoe", "org": "lab"}
    assert await refused(at, "zoe") == "identity.no_tenant"
    at.says(**JOIN, **{"sign in": at.form(claims={"tenant": "org"})})
    assert (await at.who(await at.token("zoe"))).tenant == "lab"


async def test_an_account_is_one_person_and_a_person_one_account(at: Desk) -> None:
    token = await at.token()
    at.acme.people["mallory"] = {"preferred_username": "ana"}  # renamed herself at the provider
    assert await refused(at, "mallory") == "identity.person_taken"
    at.acme.people["ana"]["preferred_username"] = "eva.muster@acme.example"
    assert await refused(at) == "identity.name_changed"
    at.says(**JOIN, **{"sign in": at.form(claims={"tenant": "org"})})
    at.acme.people["ana"] |= {"preferred_username": "somebody-new", "org": "default"}
    assert await refused(at) == "identity.name_changed"
    assert at.acts == []
    assert (await at.who(token)).id == "ana"
    assert at.store.people.untie("default", "ana") == 1
    with pytest.raises(Unauthenticated, match="over"):
        await at.who(token)
    at.says(**{"sign in": at.form()})
    assert (await at.who(await at.token("mallory"))).id == "ana"  # an administrator has said so
