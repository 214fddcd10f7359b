"""Signing in and out, and who a session is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest
import pytest_asyncio

from headrace.app.console.attempts import FREE
from tests.support.consoles import Browser

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.support.consoles import House

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def ana(house: House) -> AsyncGenerator[Browser]:
    """Somebody who is signed in, and need not stay so."""
    async with Browser(house.url) as browser:
        await browser.sign_in(house.key("ana"))
        yield browser


def session_of(browser: Browser) -> str:
    """The session's token, as the browser keeps it."""
    (found,) = [value for name, value in browser.cookies.items() if "form" not in name]
    return found


async def test_a_key_is_taken_once_and_a_session_begun(house: House, stranger: Browser) -> None:
    key = house.key("ana")
    asked = await stranger.get("/console/")
    assert (asked.status, asked.headers["Location"]) == (303, "/console/sign-in")
    page = await stranger.sign_in(key)
    assert (page.status, page.headers["Location"]) == (303, "/console/")
    (cookie,) = page.headers.getall("Set-Cookie")
    token = session_of(stranger)
    assert cookie == f"headrace-{house.url.rpartition(':')[2]}={token}; Path=/; HttpOnly; SameSite=Strict"
    assert token.startswith("hrs_")
    assert key not in cookie
    home = await stranger.get("/console/")
    assert home.status == 200
    assert "ana of default" in home.text
    assert token not in home.html
    assert key not in home.html


async def test_over_https_the_cookies_are_protected(house: House, stranger: Browser) -> None:
    page = await stranger.get("/console/sign-in", X_Forwarded_Proto="https", Host="console.example")
    (form_cookie,) = page.headers.getall("Set-Cookie")
    assert form_cookie.startswith("__Host-headrace-form=")
    assert form_cookie.endswith("; Path=/; HttpOnly; SameSite=Strict; Secure")
    answer = await stranger.post(
        "/console/sign-in",
        {"form": page.fields["form"], "key": house.key("ana")},
        Host="console.example",
        Origin="https://console.example",
        Cookie=form_cookie.partition(";")[0],
    )
    (cookie,) = answer.headers.getall("Set-Cookie")
    assert cookie.startswith("__Host-headrace=hrs_")
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Strict; Secure")


@pytest.mark.parametrize("key", ["", "   ", "nonsense", "hr_live_" + "x" * 46, "k" * 600, "ключ"])
async def test_what_is_no_key(house: House, key: str) -> None:
    async with Browser(house.url) as browser:
        page = await browser.sign_in(key)
        assert page.status in {400, 401, 429}
        assert "Sign in" in page.text
        assert not [name for name in browser.cookies if "form" not in name]
        assert not key.strip() or key not in page.html
        assert (await browser.get("/console/")).status == 303


async def test_signing_in_needs_its_own_page(house: House, stranger: Browser) -> None:
    page = await stranger.get("/console/sign-in")
    async with Browser(house.url) as attacker:
        theirs = await attacker.get("/console/sign-in")
    for fields in ({}, {"form": theirs.fields["form"]}, {"form": "0" * 64}):
        refused = await stranger.post("/console/sign-in", {**fields, "key": house.key("ana")})
        assert refused.status == 403
    again = await stranger.get("/console/sign-in")
    assert again.fields["form"] == page.fields["form"]
    assert "Set-Cookie" not in again.headers


@pytest.mark.parametrize(
    ("onward", "leads"),
    [
        ("/console/document?name=a&version=b&start=1&end=2", "/console/document?name=a&version=b&start=1&end=2#quote"),
        ("/console/", "/console/"),
        ("/console/sources/handbook?state=unread", "/console/sources/handbook?state=unread"),
        ("/console/sources/handbook/more", "/console/"),
        ("https://evil.example/", "/console/"),
        ("//evil.example/", "/console/"),
        ("/\\evil.example", "/console/"),
        ("/console/../../evil", "/console/"),
        ("/console/document?a\r\nSet-Cookie: x=y", "/console/"),
        ("/console/document?\\evil", "/console/"),
        ("javascript:alert(1)", "/console/"),
        ("/console/sign-out", "/console/"),
        ("", "/console/"),
    ],
)
async def test_signing_in_leads_to_a_page_of_ours(house: House, stranger: Browser, onward: str, leads: str) -> None:
    page = await stranger.sign_in(house.key("ana"), onward)
    assert (page.status, page.headers["Location"]) == (303, leads)


async def test_a_link_to_a_document_is_found_again_after_signing_in(house: House, stranger: Browser) -> None:
    name = "handbook/how-to/roll-back.md"
    link = f"/console/document?name={name}&version={house.versions[name]}&start=0&end=4"
    sent = await stranger.get(link)
    assert sent.status == 303
    page = await stranger.get(sent.headers["Location"])
    answer = await stranger.post("/console/sign-in", {**page.fields, "key": house.key("ana")})
    assert (await stranger.get(answer.headers["Location"].partition("#")[0])).status == 200


async def test_somebody_led_here_from_another_site_is_told_how_to_go_on(stranger: Browser) -> None:
    assert "You came from another site" in (await stranger.get("/console/sign-in", Sec_Fetch_Site="cross-site")).text
    assert "You came from another site" not in (await stranger.get("/console/sign-in", Sec_Fetch_Site="same-origin")).text


async def test_signing_out_ends_the_session_everywhere(house: House, ana: Browser) -> None:
    token = session_of(ana)
    form = (await ana.get("/console/")).fields["form"]
    page = await ana.post("/console/sign-out", {"form": form})
    assert (page.status, page.headers["Location"]) == (303, "/console/sign-in")
    assert "Max-Age=0" in page.headers["Set-Cookie"]
    port = house.url.rpartition(":")[2]
    async with Browser(house.url, Cookie=f"headrace-{port}={token}") as thief:
        assert (await thief.get("/console/")).status == 303


async def test_signing_in_again_ends_the_session_before(house: House, ana: Browser) -> None:
    before = session_of(ana)
    await ana.sign_in(house.key("dora"))
    assert "dora of default" in (await ana.get("/console/")).text
    port = house.url.rpartition(":")[2]
    async with Browser(house.url, Cookie=f"headrace-{port}={before}") as thief:
        assert (await thief.get("/console/")).status == 303


async def test_a_session_ends_with_its_key(house: House, stranger: Browser) -> None:
    key = house.key("ana")
    await stranger.sign_in(key)
    home = await stranger.get("/console/")
    assert home.status == 200
    house.revoke(key)
    asked = await stranger.post("/console/ask", {"form": home.fields["form"], "question": "What?", "service": "local"})
    assert (asked.status, "This session is over." in asked.text) == (401, True)
    assert "/console/sign-in" in asked.attribute("a", "href")
    assert (await stranger.get("/console/")).headers["Location"] == "/console/sign-in"
    assert (await stranger.sign_in(key)).status == 401


async def test_a_session_ends_when_its_key_expires(house: House, stranger: Browser) -> None:
    await stranger.sign_in(house.key("ana", lasts_us=400_000))
    assert (await stranger.get("/console/")).status == 200
    await asyncio.sleep(0.45)
    gone = await stranger.get("/console/")
    assert gone.status == 303
    assert "Max-Age=0" in gone.headers["Set-Cookie"]


async def test_a_session_is_no_key_and_a_key_is_no_session(house: House, ana: Browser) -> None:
    token, key, port = session_of(ana), house.key("ana"), house.url.rpartition(":")[2]
    body = {"model": "local", "messages": [{"role": "user", "content": "Hello"}]}
    async with aiohttp.ClientSession() as client:
        for bearer in (token, f"{token} "):
            headers = {"Authorization": f"Bearer {bearer}"}
            async with client.post(f"{house.url}/v1/chat/completions", json=body, headers=headers) as answer:
                assert answer.status == 401
            async with client.get(f"{house.url}/v1/models", headers=headers) as answer:
                assert answer.status == 401
        async with client.get(f"{house.url}/v1/models", headers={"Cookie": f"headrace-{port}={token}"}) as answer:
            assert answer.status == 401
        for cookie in (f"headrace-{port}={key}", f"__Host-headrace-{port}={key}"):
            async with client.get(f"{house.url}/console/", headers={"Cookie": cookie}, allow_redirects=False) as answer:
                assert answer.status == 303
        async with client.get(f"{house.url}/console/", headers={"Authorization": f"Bearer {key}"}, allow_redirects=False) as answer:
            assert answer.status == 303
    async with Browser(house.url) as browser:
        assert (await browser.sign_in(token)).status == 401


async def test_whoever_tries_keys_must_wait() -> None:
    from tests.support.consoles import console  # noqa: PLC0415 - a console of its own: this one shuts its address out

    async with console() as house, Browser(house.url) as browser:
        for _ in range(FREE):
            assert (await browser.sign_in("hr_live_" + "x" * 46)).status == 401
        page = await browser.sign_in(house.key("ana"))
        assert (page.status, page.headers["Retry-After"]) == (429, "10")
        assert "Wait 10 s" in page.text
