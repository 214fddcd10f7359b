"""Signing in with a provider, as a browser does it: over pages, cookies and redirects."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from headrace.app.console.attempts import FREE
from tests.providers.openid_server import SECRET, OpenIdServer, openid
from tests.support.consoles import FILES, Browser, House, Page, console

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

ADMINISTER = '@id("administer")\npermit (principal in Group::"default/administrators", action == Action::"administer", resource);\n'
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def acme() -> AsyncGenerator[OpenIdServer]:
    async with openid() as serving:
        yield serving


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(acme: OpenIdServer) -> AsyncGenerator[House]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACME_SECRET", SECRET)
        groups = "identity:\n  groups: {it: administrators, audit: auditors}\n"
        said = f"{groups}  sign in: {{name: Acme, issuer: '{acme.url}', client: headrace, secret: 'env:ACME_SECRET'}}\n"
        policies = FILES["policies/base.cedar"] + ADMINISTER
        async with console({"headrace.yaml": FILES["headrace.yaml"] + said, "policies/base.cedar": policies}) as serving:
            yield serving


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def _well(acme: OpenIdServer) -> None:
    acme.fault = ""


async def there(browser: Browser, onward: str = "/console/") -> str:
    """Follow the link to the provider and its answer; the address that it sends the browser back to, in this console."""
    begun = await browser.get(f"/console/sign-in/provider?next={onward}")
    assert begun.status == 303, begun.text
    back = await browser.get_there(begun.headers["Location"])
    assert back.startswith(f"{browser.url}/console/sign-in/done?")
    return back.removeprefix(browser.url)


async def test_the_way_in_and_out(house: House, stranger: Browser, acme: OpenIdServer) -> None:
    page = await stranger.get("/console/sign-in?next=/console/document%3Fname%3Dx")
    assert "Sign in with Acme" in page.text
    (link,) = [each for each in page.attribute("a", "href") if each.startswith("/console/sign-in/provider")]
    assert link == "/console/sign-in/provider?next=%2Fconsole%2Fdocument%3Fname%3Dx%23quote"
    done = await stranger.get(await there(stranger, "/console/document%3Fname%3Dx"))
    assert done.status == 200
    assert "0; url=/console/document?name=x#quote" in done.attribute("meta", "content")
    (kept,) = [each for each in done.headers.getall("Set-Cookie") if "headrace-begun" not in each]  # type: ignore[attr-defined]
    assert "SameSite=Strict" in kept
    assert "HttpOnly" in kept
    home = await stranger.get("/console/")
    assert "ana of default" in home.text
    out = await stranger.post("/console/sign-out", {"form": home.fields["form"]})
    assert out.headers["Location"] == "/console/sign-out/done"
    bye = await stranger.get("/console/sign-out/done")
    (farewell,) = [each for each in bye.attribute("a", "href") if each.startswith(acme.url)]
    assert farewell.endswith(f"post_logout_redirect_uri=http%3A%2F%2F127.0.0.1%3A{urlsplit(house.url).port}%2Fconsole%2Fsign-in")
    assert (await stranger.get("/console/")).status == 303


async def test_a_question_is_recorded_for_whoever_signed_in(house: House, stranger: Browser) -> None:
    await stranger.get(await there(stranger))
    answer = await stranger.ask("How do I return to the revision before?")
    (request,) = {value for value in answer.fields.values() if value.startswith("req_")}
    record = await house.end(request)
    (session,) = [each for each in house.store.sessions.every(0) if each.subject == "sub-ana" and record["key"] == f"ses_{each.id}"]
    assert (record["principal"], record["tenant"]) == ("ana", "default")
    assert session.holder == "ana"


async def test_what_the_provider_said_for_a_session_is_in_no_key(house: House, stranger: Browser, acme: OpenIdServer) -> None:
    """Somebody who administers by the provider's word, for eight hours, makes no key that does so for a year."""
    acme.people["ana"]["groups"] = ["it", "audit"]
    try:
        await stranger.get(await there(stranger))
    finally:
        acme.people["ana"]["groups"] = []
    form = await stranger.get("/console/keys/new")
    assert "You may give members." in form.text
    asked = {"form": form.fields["form"], "name": "for-long", "lasts": "365"}
    for holder in ("", "ana"):
        for group in ("administrators", "auditors"):
            refused = await stranger.post("/console/keys/new", {**asked, "holder": holder, "groups": group})
            assert (refused.status, f"would have the group {group}" in refused.text) == (403, True)
    made = await stranger.post("/console/keys/new", {**asked, "holder": "ana"})
    (secret,) = re.findall(r"hr_live_[0-9A-Za-z]{46}", made.html)
    assert (await house.inside.authenticate(secret)).groups == {"members"}


async def test_a_sign_in_ends_only_where_it_began(house: House, stranger: Browser) -> None:
    back = await there(stranger)
    async with Browser(house.url) as victim:
        page = await victim.get(back)  # somebody sends the victim a link that would sign them in as somebody else
        assert page.status == 401
        assert "not begun in this browser" in page.text
        assert (await victim.get("/console/")).status == 303
        await there(victim)
        page = await victim.get(back)
        assert page.status == 401
        page = await victim.get("/console/sign-in/done")
        assert page.status == 401


@pytest.mark.parametrize(
    "onward", ["https://evil.example/", "//evil.example/", "/console/sign-out", "/\\evil.example", "javascript:alert(1)"]
)
async def test_it_leads_to_our_own_pages_alone(stranger: Browser, onward: str) -> None:
    done = await stranger.get(await there(stranger, onward))
    assert done.attribute("meta", "content")[-1] == "0; url=/console/"
    # …also when the cookie says otherwise: whoever could set one
    back = await there(stranger)
    name, value = next((name, value) for name, value in stranger.cookies.items() if "begun" in name)
    stranger.set_cookie(name, f"{value.partition('.')[0]}.https%3A%2F%2Fevil.example")
    done = await stranger.get(back)
    assert done.attribute("meta", "content")[-1] == "0; url=/console/"


async def test_it_comes_back_to_a_name_that_is_ours_alone(stranger: Browser) -> None:
    assert (await stranger.get("/console/sign-in/provider", Host="evil.example")).status == 421
    begun = await stranger.get("/console/sign-in/provider", Host="console.example", X_Forwarded_Proto="https")
    assert "redirect_uri=https%3A%2F%2Fconsole.example%2Fconsole%2Fsign-in%2Fdone" in begun.headers["Location"]
    kept = begun.headers["Set-Cookie"]
    assert kept.startswith("__Host-headrace-begun=")
    assert "SameSite=Lax" in kept
    assert "; Secure" in kept


async def test_a_new_session_has_a_new_token(house: House, stranger: Browser) -> None:
    fixed = f"hrs_{'f' * 43}"
    name = f"headrace-{urlsplit(house.url).port}"
    stranger.set_cookie(name, fixed)
    await stranger.get(await there(stranger))
    assert stranger.cookies[name] not in {fixed, ""}
    first = stranger.cookies[name]
    await stranger.get(await there(stranger))
    assert stranger.cookies[name] != first


async def test_a_provider_that_is_away_leaves_the_key(stranger: Browser, house: House, acme: OpenIdServer) -> None:
    await stranger.get(await there(stranger))
    back = await there(stranger)
    acme.fault = "token fails"
    page = await stranger.get(back)
    assert page.status == 502
    assert "refused the sign-in (it says 500)" in page.text
    assert "secret stack trace" not in page.html
    assert (await stranger.sign_in(house.key("ana"))).status == 303
    acme.fault = "says access_denied"
    page = await stranger.get(await there(stranger))
    assert page.status == 403
    assert "did not let you in" in page.text
    assert "alert(1)" not in page.html


async def test_the_provider_ends_a_session(stranger: Browser, acme: OpenIdServer) -> None:
    await stranger.get(await there(stranger))
    assert (await stranger.get("/console/")).status == 200
    said = await stranger.from_a_server("/console/sign-out/provider", {"logout_token": acme.logout_token(sub="sub-ana")})
    assert (said.status, said.html) == (200, "")
    assert (await stranger.get("/console/")).status == 303
    assert (await stranger.from_a_server("/console/sign-out/provider", {"logout_token": "forged"})).status == 400
    assert (await stranger.get("/console/sign-out/provider")).status == 405


async def test_without_a_provider_there_is_no_such_way() -> None:
    async with console() as house, Browser(house.url) as browser:
        assert "provider" not in (await browser.get("/console/sign-in")).html
        for path in ("/console/sign-in/provider", "/console/sign-in/done"):
            page = await browser.get(path)
            assert page.status in {401, 404}
        browser.set_cookie(f"headrace-begun-{urlsplit(house.url).port}", f"{'b' * 43}./console/")
        assert (await browser.get("/console/sign-in/done")).status == 401
        assert (await browser.from_a_server("/console/sign-out/provider", {"logout_token": "x"})).status == 404
        assert "still are signed in" not in (await browser.get("/console/sign-out/done")).text


async def test_guessing_is_slowed_down(house: House, acme: OpenIdServer) -> None:
    acme.fault = "forged"
    async with Browser(house.url) as browser:
        pages: list[Page] = [await browser.get(await there(browser)) for _ in range(FREE + 1)]
    assert pages[-1].status == 429
    assert "Too many" in pages[-1].text
