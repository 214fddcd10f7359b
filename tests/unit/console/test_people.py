"""The pages of People: one's own for everybody, the tenant's for those who administer it, and nothing beyond for anybody."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from ruamel.yaml import YAML

from headrace.config.revision import Revision, identity
from headrace.core.people import Account, StoredPerson
from headrace.core.values import StoredKey
from headrace.policy.keys import mint
from tests.support.administered import ADMIN_PAGES, PEOPLE, acts, administered, make, signed_in
from tests.support.consoles import CLOCK, Browser, House
from tests.support.people import keep

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncGenerator[House]:
    async with administered() as serving:
        yield serving


@pytest_asyncio.fixture(loop_scope="module")
async def ada(house: House) -> AsyncGenerator[Browser]:
    """An administrator of tenant default."""
    async with await signed_in(house, "ada") as browser:
        yield browser


async def test_everybody_sees_who_they_are(house: House, ana: Browser) -> None:
    page = await ana.get("/console/people")
    assert page.status == 200
    assert "ana, a person of tenant default" in page.text
    assert "members people.yaml" in page.text
    assert "ask cut, echo, embed, extract" in page.text
    assert "look after people, keys and sessions: no" in page.text
    assert "/console/everyone" not in page.html
    (session,) = [each for each in house.store.sessions.every(0) if each.holder == "ana"]
    assert session.id in page.text
    assert "dora" not in page.html


async def test_the_groups_of_a_key_are_told(house: House) -> None:
    secret, public, digest = mint()
    house.store.create_key(StoredKey(public, "robot", "robot", "key", "default", ("members",), ("help",), 1, None, None), digest)
    async with Browser(house.url) as robot:
        await robot.sign_in(secret)
        page = await robot.get("/console/people")
    assert "robot, an application" in page.text
    assert "members this key" in page.text
    assert "ask help" in page.text


@pytest.mark.parametrize("path", ADMIN_PAGES)
async def test_the_tenants_pages_are_not_there_for_others(house: House, ana: Browser, path: str) -> None:
    page = await ana.get(path)
    assert page.status == 404
    assert "There is no such page." in page.text
    async with Browser(house.url) as stranger:
        assert (await stranger.get(path)).status == 303
    async with await signed_in(house, "aud") as auditor:
        assert (await auditor.get(path)).status == 404


async def test_an_administrator_sees_the_tenant(house: House, ada: Browser) -> None:
    house.store.people.sign_in(
        Account("https://id.example", "sub-max", "default", "max", "Max", "", CLOCK.now_us(), CLOCK.now_us()),
        replace(
            house.store.sessions.every(0)[0], digest="9" * 64, holder="max", key_digest=None, issuer="https://id.example", subject="sub-max"
        ),
    )
    page = await ada.get("/console/everyone")
    for words in ("Ada L.", "Max <i>Lang</i>", "imported", "not active", "desk"):
        assert words in page.text
    assert "<i>Lang" not in page.html
    assert "ben" not in re.findall(r"\w+", page.text)
    page = await ada.get("/console/everyone/max")
    for words in ("max@acme.example", "members imported", "sub-max", "headrace keys create --name laptop --for max"):
        assert words in page.text
    assert (await ada.get("/console/everyone/ben")).status == 404
    assert "headrace keys create" not in (await ada.get("/console/everyone/gone")).text
    page = await ada.get("/console/sessions")
    assert "this one" in page.text
    assert "id.example" in page.text
    assert (await ada.get("/console/keys")).status == 200


async def test_who_is_lost_is_led_to_where_they_may_go(house: House, ada: Browser) -> None:
    assert "Ask a question" in (await ada.get("/console/nowhere")).text
    async with await signed_in(house, "aud") as auditor:  # who may not ask
        page = await auditor.get("/console/nowhere")
        assert page.status == 404
        assert "To Requests" in page.text
        assert "/console/requests" in page.attribute("a", "href")
        assert "Ask" not in page.text
        page = await auditor.get("/console/")
        assert "There is no service that you may ask here." in page.text
        assert "You may go to Requests or People." in page.text
    async with Browser(house.url) as stranger:
        assert "Ask a question" in (await stranger.get("/console/nowhere")).text


async def test_who_does_not_administer_makes_revokes_and_ends_nothing_of_others(house: House, ana: Browser) -> None:
    theirs = house.key("dora")
    async with Browser(house.url) as dora, await signed_in(house, "bea", "lab") as bea:
        await dora.sign_in(theirs)
        (session,) = [each for each in house.store.sessions.every(0) if each.holder == "dora" and each.key == theirs[:16]]
        for attacker in (ana, bea):  # a member, and the administrator of another tenant
            page = await attacker.get("/console/people")
            form = page.fields["form"]
            if attacker is ana:
                assert (await make(attacker, holder="ana")).status == 404
            for path, ask, wanted in (
                ("/console/keys/revoke", f"/console/keys/revoke?id={theirs[:16]}", theirs[:16]),
                ("/console/sessions/end", f"/console/sessions/end?id={session.id}", session.id),
            ):
                refused, unknown = await attacker.get(ask), await attacker.get(ask[:-2] + "zz")
                assert (refused.status, refused.text) == (404, unknown.text)
                assert (await attacker.post(path, {"form": form, "id": wanted})).status == 404
        assert (await dora.get("/console/")).status == 200
        assert (await bea.get("/console/everyone")).text.count("ana") == 0


async def test_what_is_sent_from_elsewhere_does_nothing(house: House, ada: Browser) -> None:
    theirs = house.key("dora")
    form = (await ada.get("/console/people")).fields["form"]
    async with await signed_in(house, "ana") as other:
        foreign = (await other.get("/console/people")).fields["form"]
    for path, fields in (
        ("/console/keys/new", {"name": "x", "holder": "ada", "lasts": "30"}),
        ("/console/keys/revoke", {"id": theirs[:16]}),
        ("/console/sessions/end", {"id": "f" * 16}),
    ):
        before = house.store.list_keys()
        assert (await ada.post(path, {**fields, "form": foreign})).status == 403
        assert (await ada.post(path, fields)).status == 403
        assert (await ada.post(path, {**fields, "form": form}, Origin="https://evil.example")).status == 403
        assert house.store.list_keys() == before


async def test_an_administrator_revokes_a_key_and_its_sessions_end(house: House, ada: Browser) -> None:
    theirs = house.key("dora")
    async with Browser(house.url) as dora:
        await dora.sign_in(theirs)
        page = await ada.get(f"/console/keys/revoke?id={theirs[:16]}")
        assert "Revoke the key dora?" in page.text
        done = await ada.post("/console/keys/revoke", page.fields)
        assert (done.status, done.headers["Location"]) == (303, "/console/keys")
        assert (await dora.get("/console/")).status == 303
    record = acts(house)[-1]
    assert (record["act"], record["by"], record["facts"]["key"]) == ("keys.revoke", "ada", theirs[:16])
    told = len(acts(house))
    assert (await ada.post("/console/keys/revoke", page.fields)).status == 303  # again: it stays so
    assert len(acts(house)) == told


async def test_one_revokes_ones_own_key_and_ends_ones_own_session(house: House) -> None:
    first, second = house.key("ana"), house.key("ana")
    async with Browser(house.url) as one, Browser(house.url) as other:
        await one.sign_in(first)
        await other.sign_in(second)
        (session,) = [each for each in house.store.sessions.every(0) if each.key == second[:16]]
        page = await one.get(f"/console/sessions/end?id={session.id}")
        assert "End this session of ana?" in page.text
        assert (await one.post("/console/sessions/end", page.fields)).headers["Location"] == "/console/people"
        assert (await other.get("/console/")).status == 303
        assert acts(house)[-1]["facts"] == {"session": session.id, "holder": "ana", "tenant": "default"}
        page = await one.get(f"/console/keys/revoke?id={first[:16]}")
        await one.post("/console/keys/revoke", page.fields)
        assert (await one.get("/console/")).status == 303


async def test_a_right_that_is_taken_away_is_gone_at_once(house: House) -> None:
    keep(house.store, [StoredPerson("default", "max", "max@acme.example", groups=("members", "administrators"))])
    async with await signed_in(house, "max") as browser:
        assert (await browser.get("/console/keys")).status == 200
        keep(house.store, [StoredPerson("default", "max", "max@acme.example", groups=("members",))])
        await _until_gone(browser)
        assert (await make(browser, holder="max")).status == 404


async def test_whoever_may_not_come_in_any_more_is_told_so(house: House) -> None:
    """And is not led in and out again without a word."""
    keep(house.store, [StoredPerson("default", "leo", "leo@acme.example", active=False, created_us=3)])
    before = house.store.sessions.every(0)
    async with Browser(house.url) as browser:
        page = await browser.sign_in(house.key("leo"))
        assert page.status == 401
        assert "may not come in any more" in page.text
        page = await browser.sign_in(house.key("nobody-here"))
        assert page.status == 401
        assert "whom tenant" in page.text
    assert house.store.sessions.every(0) == before


async def test_whoever_is_out_is_out_of_every_way_in(house: House) -> None:
    """By an import, or because people.yaml does not have them any more: the API, the console, and what comes later under their name."""
    keep(house.store, [StoredPerson("default", "leo", "leo@acme.example", groups=("members",), created_us=3)])
    current = house.store.current()
    assert current is not None
    for who, take_out in (
        ("leo", lambda: keep(house.store, [StoredPerson("default", "leo", "leo@acme.example", active=False, created_us=3)])),
        ("rea", lambda: _with_people(house, current, PEOPLE.replace("  - {person: rea}\n", ""))),
    ):
        secret = house.key(who)
        async with Browser(house.url) as browser:
            await browser.sign_in(secret)
            api = {"Authorization": f"Bearer {secret}"}
            assert (await browser.get("/v1/models", **api)).status == 200
            assert (await browser.get("/console/people")).status == 200
            take_out()
            async with asyncio.timeout(20):
                while (await browser.get("/v1/models", **api)).status == 200:
                    await asyncio.sleep(0.05)
            assert (await browser.get("/v1/models", **api)).status == 401
            assert (await browser.get("/console/people")).status == 303
            assert who not in {each.holder for each in house.store.sessions.every(0)}
    _with_people(house, current, PEOPLE)
    async with Browser(house.url) as browser, asyncio.timeout(20):
        while (await browser.get("/v1/models", Authorization=f"Bearer {house.key('ana')}")).status != 200:
            await asyncio.sleep(0.05)
        assert (await browser.get("/v1/models", Authorization=f"Bearer {secret}")).status == 401


def _with_people(house: House, revision: Revision, people: str) -> None:
    """Put the revision in force with another people.yaml."""
    files = {**revision.files, "people.yaml": people}
    data = {**json.loads(revision.data), "people.yaml": YAML(typ="safe").load(people)}
    made = Revision(identity(files), files, json.dumps(data))
    house.store.put_revision(made, "tests")
    house.store.point_to(made.id, "apply", "tests", record="req_1")


async def _until_gone(browser: Browser) -> None:
    async with asyncio.timeout(5):
        while (await browser.get("/console/keys")).status == 200:
            await asyncio.sleep(0.05)
