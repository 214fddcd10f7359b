"""The pages of People: one's own for everybody, the tenant's for those who administer it, and nothing beyond for anybody."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from ruamel.yaml import YAML

from headrace.config.revision import Revision, identity
from headrace.core.people import Account, StoredPerson
from headrace.core.values import StoredKey
from headrace.evidence.log.reader import LogReader
from headrace.policy.keys import mint
from tests.support.consoles import CLOCK, FILES, Browser, House, Page, console
from tests.support.people import keep

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

pytestmark = pytest.mark.asyncio(loop_scope="module")

POLICIES = """
@id("default-administer")
permit (principal in Group::"default/administrators", action in [Action::"administer", Action::"observe"], resource == Tenant::"default");
@id("lab-administer")
permit (principal in Group::"lab/administrators", action == Action::"administer", resource == Tenant::"lab");
@id("zoe-alone")
permit (principal == Person::"default/zoe", action == Action::"curate", resource);
"""
PEOPLE = """people:
  - {person: ana, groups: [members]}
  - {person: ada, name: Ada L., groups: [members, administrators]}
  - {person: aud, groups: [auditors]}
  - {person: ben, tenant: lab, groups: [members]}
  - {person: bea, tenant: lab, groups: [members, administrators]}
  - {person: dora, groups: [members, directors]}
  - {person: zoe}
  - {person: rea}
applications:
  - {application: desk, groups: [members]}
"""
ADMIN_PAGES = ("/console/everyone", "/console/everyone/ana", "/console/keys", "/console/keys/new", "/console/sessions")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncGenerator[House]:
    source = FILES["sources/handbook.yaml"].replace("groups: [members]", "groups: [members], people: [rea]")
    files = {"people.yaml": PEOPLE, "policies/base.cedar": FILES["policies/base.cedar"] + POLICIES, "sources/handbook.yaml": source}
    async with console(files) as serving:
        imported = StoredPerson("default", "max", "max@acme.example", "Max <i>Lang</i>", "max@acme.example", groups=("members",))
        keep(serving.store, [imported, StoredPerson("default", "gone", "gone", active=False)])
        yield serving


async def signed_in(house: House, who: str, tenant: str = "default", **key: Any) -> Browser:
    browser = Browser(house.url)
    await browser.sign_in(house.key(who, tenant, **key))
    return browser


@pytest_asyncio.fixture(loop_scope="module")
async def ada(house: House) -> AsyncGenerator[Browser]:
    """An administrator of tenant default."""
    async with await signed_in(house, "ada") as browser:
        yield browser


async def make(browser: Browser, **fields: str) -> Page:
    """Send the form for a new key."""
    page = await browser.get("/console/people")
    return await browser.post("/console/keys/new", {"form": page.fields["form"], "name": "k", "lasts": "30", **fields})


def acts(house: House) -> list[dict[str, Any]]:
    with LogReader(house.folder) as log:
        found: list[dict[str, Any]] = []
        while (entry := log.at(len(found))) is not None:
            found.append(dict(entry["record"]))
    return [each for each in found if each["kind"] == "act"]


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


async def test_a_key_is_made_shown_once_and_recorded(house: House, ada: Browser) -> None:
    page = await make(ada, name="laptop", holder="ada", services="help, local")
    assert page.status == 200, page.text
    secret = next(iter(re.findall(r"hr_live_[0-9A-Za-z]{46}", page.html)))
    assert page.headers["Cache-Control"] == "no-store"
    principal = await house.inside.authenticate(secret)
    assert (principal.id, principal.groups, principal.services) == ("ada", {"members", "administrators"}, {"help", "local"})
    (key,) = [each for each in house.store.list_keys() if each.id == secret[:16]]
    assert key.expires_us == key.created_us + 30 * 86_400_000_000
    record = acts(house)[-1]
    assert (record["act"], record["by"], record["facts"]["key"]) == ("keys.create", "ada", secret[:16])
    assert secret not in json.dumps(record)
    assert secret not in (await ada.get("/console/keys")).html


async def test_keys_that_have_ended_are_shown_to_whoever_asks_for_them(house: House, ada: Browser) -> None:
    """The commands make a key for a minute each, which heap up."""
    holds, expired, revoked = house.key("max"), house.key("max", lasts_us=0), house.key("max")
    house.revoke(revoked)
    ids = {"": {holds[:16]}, "ended": {expired[:16], revoked[:16]}, "all": {holds[:16], expired[:16], revoked[:16]}}
    for state, wanted in ids.items():
        page = await ada.get(f"/console/keys?state={state}&holder=max")
        assert set(re.findall(r"hr_live_\w{8}", page.html)) == wanted
    assert len(re.findall("ended", page.text)) >= 1
    person = await ada.get("/console/everyone/max")
    assert (holds[:16] in person.html, revoked[:16] in person.html) == (True, False)
    assert "2 keys of theirs have ended." in person.text
    assert "/console/keys?state=ended&amp;holder=max" in person.html
    async with await signed_in(house, "max") as own:
        page = await own.get("/console/people")
        assert (holds[:16] in page.html, revoked[:16] in page.html, "2 keys of yours have ended." in page.text) == (True, False, True)
    assert "No key is like that." in (await ada.get("/console/keys?holder=nobody")).text


async def test_many_keys_come_in_pages(house: House, ada: Browser) -> None:
    for _ in range(51):
        house.key("dora", lasts_us=0)
    page = await ada.get("/console/keys?state=ended&holder=dora")
    assert "1 to 50 of" in page.text
    (later,) = [each for each in page.attribute("a", "href") if "skip=50" in each]
    page = await ada.get(later)
    assert "51 to " in page.text
    assert "/console/keys?state=ended&amp;holder=dora" in page.html


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


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"holder": "ana"}, 'not for "ana"'),
        ({"holder": "desk"}, 'not for "desk"'),
        ({"holder": "nobody"}, 'There is no person or application "nobody"'),
        ({"name": "used", "holder": ""}, '"used" is, or was, who another key speaks for'),
        ({"name": "left", "holder": ""}, '"left" is, or was, who another key speaks for'),
        ({"name": "operator", "holder": ""}, '"operator" is, or was, who another key speaks for'),
        ({"groups": "directors"}, "would have the group directors"),
        ({"holder": "ada", "groups": "members auditors"}, "would have the group auditors"),
        ({"groups": "nonsense"}, 'There is no group "nonsense"'),
        ({"services": "nonsense"}, 'There is no service "nonsense"'),
        ({"name": "ana"}, '"ana" is a person of this tenant'),
        ({"name": "A b"}, "This is no name for a key"),
        ({"lasts": "36500"}, "30 days, 90 days or a year"),
        ({"services": " ".join(f"s{n}" for n in range(60))}, "too many names"),
    ],
)
async def test_a_key_is_its_makers_or_a_new_programs(house: House, ada: Browser, fields: dict[str, str], words: str) -> None:
    """Whoever is made able to administer does not become anybody else by it: neither a person, nor a program that has asked before."""
    for holder, kind in (("used", "key"), ("left", "application")):
        _, public, digest = mint()
        house.store.create_key(StoredKey(public, holder, holder, kind, "default", (), None, 1, None, 2), digest)
    before, told = house.store.list_keys(), len(acts(house))
    page = await make(ada, **fields)
    assert page.status in {400, 403}
    assert words in page.text
    assert 'value="' + fields.get("groups", "") in page.html
    assert house.store.list_keys() == before
    assert len(acts(house)) == told


async def test_a_program_gets_groups_of_its_maker_as_they_are_written(house: House, ada: Browser) -> None:
    page = await make(ada, name="nightly", holder="", groups="members")
    (secret,) = re.findall(r"hr_live_[0-9A-Za-z]{46}", page.html)
    assert (await house.inside.authenticate(secret)).groups == {"members"}


async def test_groups_of_a_key_are_not_passed_on(house: House) -> None:
    """A key for a day with a group of its own makes none for a year."""
    secret, public, digest = mint()
    day = CLOCK.now_us() + 86_400_000_000
    house.store.create_key(StoredKey(public, "brief", "ada", "person", "default", ("auditors",), None, 1, day, None), digest)
    async with Browser(house.url) as browser:
        await browser.sign_in(secret)
        assert "auditors" in (await browser.get("/console/people")).text
        form = await browser.get("/console/keys/new")
        assert "You may give administrators, members." in form.text
        for holder in ("", "ada"):
            assert "would have the group auditors" in (await make(browser, holder=holder, groups="auditors")).text


async def test_a_program_that_administers_passes_nothing_on(house: House) -> None:
    secret, public, digest = mint()
    robot = StoredKey(public, "robot-chief", "robot-chief", "key", "default", ("administrators",), None, 1, None, None)
    house.store.create_key(robot, digest)
    async with Browser(house.url) as browser:
        await browser.sign_in(secret)
        assert "You have none to give" in (await browser.get("/console/keys/new")).text
        assert "would have the group administrators" in (await make(browser, holder="", groups="administrators")).text
        assert (await make(browser, name="robot-chief", holder="")).status == 200  # its own, to be exchanged for


async def test_a_bound_key_opens_nothing_of_the_tenant(house: House) -> None:
    """It is for its services, and for the requests that it asked: a lost one ends no other key, and no session."""
    other = house.key("ada")
    bound_key = house.key("ada", services=("help",))
    async with Browser(house.url) as bound, Browser(house.url) as free:
        await bound.sign_in(bound_key)
        await free.sign_in(other)
        for path in ADMIN_PAGES:
            assert (await bound.get(path)).status == 404
        page = await bound.get("/console/people")
        assert "look after people, keys and sessions: no" in page.text
        assert "read the metrics: no" in page.text
        assert other[:16] not in page.html
        form = page.fields["form"]
        (session,) = [each for each in house.store.sessions.every(0) if each.key == other[:16]]
        assert (await bound.post("/console/keys/new", {"form": form, "name": "k", "holder": "ada", "lasts": "30"})).status == 404
        assert (await bound.post("/console/keys/revoke", {"form": form, "id": other[:16]})).status == 404
        assert (await bound.post("/console/sessions/end", {"form": form, "id": session.id})).status == 404
        assert (await free.get("/console/keys")).status == 200
        headers = {"Authorization": f"Bearer {bound_key}", "X-Forwarded-For": "192.0.2.1"}
        assert (await bound.get("/metrics", **headers)).status == 403
        assert (await bound.get("/metrics", **{**headers, "Authorization": f"Bearer {other}"})).status == 200
        assert (await bound.post("/console/keys/revoke", {"form": form, "id": bound_key[:16]})).status == 303  # itself it may end


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
