"""Every page: its headers, where it may be reached from, and what it does with what it should not be given."""

from __future__ import annotations

import html
import io
from typing import TYPE_CHECKING

import aiohttp
import pytest

from headrace.app.console.assets import assets
from headrace.app.console.shield import HEADERS
from headrace.app.http.exchange.wire import Sender

if TYPE_CHECKING:
    from headrace.core.values import Principal
    from tests.support.consoles import Browser, House, Page

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGES = ("/", "/console", "/console/", "/console/ask", "/console/document", "/console/proof", "/console/sign-in", "/console/sign-out")


def armed(page: Page) -> None:
    """The headers that go with everything."""
    for name, value in HEADERS:
        assert page.headers.getall(name.decode()) == [value.decode()], page.status
    assert page.headers.get("Cache-Control") == "no-store"
    for loose in ("unsafe-inline", "unsafe-eval", "http:", "https:", "data:", "*"):
        assert loose not in page.headers["Content-Security-Policy"]
    for tag, attributes in page.tags:
        assert tag != "style"
        assert tag != "script" or attributes.get("src", "").startswith("/console/assets/")
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("src", "href", "action"):
            assert attributes.get(name, "/").startswith(("/", "#")), attributes


@pytest.mark.parametrize("path", [*PAGES, "/console/nothing", "/console/assets/console.0000000000000000.js", "/console/document?name=%ff"])
async def test_headers_stand_on_every_page(stranger: Browser, ana: Browser, path: str) -> None:
    for browser in (stranger, ana):
        armed(await browser.get(path))
        armed(await browser.post(path, {}))
        armed(await browser.post(path, {}, Origin="http://evil.example"))
        armed(await browser.get(path, Host="evil.example"))
        armed(await browser._asked("PUT", path, None, {}))
        armed(await browser._asked("HEAD", path, None, {}))


@pytest.mark.parametrize("path", ["/", "/console", "/console/ask", "/console/proof", "/console/sign-out"])
async def test_other_ways_lead_home(stranger: Browser, path: str) -> None:
    page = await stranger.get(path)
    assert (page.status, page.headers["Location"]) == (303, "/console/")


@pytest.mark.parametrize(("path", "allowed"), [("/console/", "GET"), ("/console/document", "GET"), ("/console/ask", "GET, POST")])
async def test_other_methods_are_refused(stranger: Browser, path: str, allowed: str) -> None:
    page = await stranger._asked("DELETE", path, None, {})
    assert (page.status, page.headers["Allow"]) == (405, allowed)


async def test_assets_may_be_kept_for_good_and_are_named_for_their_content(stranger: Browser) -> None:
    for name, asset in assets().items():
        page = await stranger.get(asset.path)
        assert (page.status, page.headers["Cache-Control"]) == (200, "public, max-age=31536000, immutable")
        assert page.headers["Content-Type"] == asset.media.decode()
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.html.encode() == asset.content
        assert (await stranger.get(f"/console/assets/{name}")).status == 404
    assert {name.rpartition(".")[2] for name in assets()} == {"css", "js", "svg"}


async def test_nothing_comes_from_elsewhere() -> None:
    for asset in assets().values():
        text = asset.content.decode().replace("http://www.w3.org/2000/svg", "")
        assert "//" not in text.replace("\n  //", "\n").replace("// The page", "") or asset.path.endswith(".js")
        assert "http" not in text
        assert "@import" not in text


async def test_a_foreign_host_is_turned_away(house: House, ana: Browser) -> None:
    for host in ("evil.example", "localhost.evil.example:80"):
        page = await ana.get("/console/", Host=host)
        assert page.status == 421
        assert "Ask" not in page.attribute("button", "id")
        assert host not in page.html
    port = house.url.rpartition(":")[2]
    for host in (f"localhost:{port}", f"console.example:{port}", f"127.0.0.1:{port}"):
        assert (await ana.get("/console/sign-in", Host=host)).status == 200


@pytest.mark.parametrize("path", ["/console/sign-in", "/console/ask", "/console/proof", "/console/sign-out"])
async def test_a_form_from_elsewhere_is_refused(house: House, ana: Browser, path: str) -> None:
    token = (await ana.get("/console/")).fields["form"]
    fields = {"form": token, "question": "What?", "service": "local", "request": f"req_{'0' * 26}", "key": house.key("ana")}
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"}):
        page = await ana.post(path, fields, **headers)
        assert (page.status, "request.foreign_origin" in page.text) == (403, True)
        assert "Set-Cookie" not in page.headers
    assert (await ana.get("/console/")).status == 200


@pytest.mark.parametrize("path", ["/console/ask", "/console/proof", "/console/sign-out"])
async def test_a_form_without_its_token_is_refused(ana: Browser, ben: Browser, path: str) -> None:
    theirs = (await ben.get("/console/")).fields["form"]
    for token in ("", "0" * 64, theirs, "ä"):
        page = await ana.post(path, {"form": token, "question": "What?", "service": "local"})
        assert (page.status, "request.stale_form" in page.text) == (403, True)
    assert (await ana.get("/console/")).status == 200


async def test_a_form_is_a_form(ana: Browser) -> None:
    for body, media in ((b'{"form": 1}', "application/json"), (b"--x--", "multipart/form-data; boundary=x"), (b"form=1", "")):
        async with ana._session.post(f"{ana.url}/console/ask", data=body, headers={"Content-Type": media, "Origin": ana.url}) as answer:
            assert answer.status == 400
    for body in (b"form=%ff", b"form=\xff", b"question=a%00b", b"&".join(b"a=%d" % n for n in range(40))):
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": ana.url}
        async with ana._session.post(f"{ana.url}/console/ask", data=body, headers=headers) as answer:
            assert answer.status == 400
            assert "request.invalid_text" in await answer.text()
    token = (await ana.get("/console/")).fields["form"]
    body = io.BytesIO(f"form={token}&service=local&question={'x' * (3 << 20)}".encode())
    async with ana._session.post(f"{ana.url}/console/ask", data=body, headers=headers) as answer:
        assert answer.status == 413


async def test_names_and_questions_are_text_whatever_they_hold(ana: Browser) -> None:
    hostile = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}</textarea>"
    for service in ("echo", "help", "nowhere", hostile):
        page = await ana.ask(hostile, service)
        armed(page)
        assert "<script>alert" not in page.html
        assert "onerror=alert(2)>" not in html.unescape(page.html).replace(hostile, "")
        assert not page.attribute("img", "onerror")
        assert hostile in page.text
    for name in (hostile, "handbook/odd/<img src=x onerror=alert(1)>.md"):
        page = await ana.get(f"/console/document?name={html.escape(name).replace('&', '%26')}&version=1")
        armed(page)
        assert page.status == 404


async def test_a_defect_is_a_page_that_tells_nothing_of_the_inside(
    house: House, ana: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def odd(principal: Principal) -> None:
        raise KeyError(principal.id, "secret")

    monkeypatch.setattr(house.inside, "services", odd)
    page = await ana.get("/console/")
    armed(page)
    assert page.status == 500
    assert "Headrace itself failed." in page.text
    assert "secret" not in page.html
    assert "secret" not in caplog.text
    assert "/console/" in caplog.text


async def test_a_page_that_breaks_off_is_not_taken_for_a_whole_one(stranger: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    async def odd(sender: Sender, content: bytes, *, more: bool) -> None:
        raise KeyError(len(content), more, sender)

    monkeypatch.setattr(Sender, "write", odd)
    with pytest.raises(aiohttp.ClientError):
        await stranger.get(assets()["console.css"].path)
