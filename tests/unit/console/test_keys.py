"""Keys in the console: who makes which, what a bound one opens, and which are listed."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from headrace.core.values import StoredKey
from headrace.policy.keys import mint
from tests.support.administered import ADMIN_PAGES, acts, administered, make, signed_in
from tests.support.consoles import CLOCK, Browser, House

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
        assert "help The key that you signed in with asks these, and does nothing else" in page.text
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
