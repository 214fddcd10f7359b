"""Sources, services and revisions in a browser: wide and narrow, light and dark, without script, by keyboard; looked over by axe-core."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from tests.support.browsers import audit, chromium
from tests.support.consoles import EARLIER, UNREAD, console

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from playwright.async_api import Browser, Page

    from tests.support.consoles import House

pytestmark = pytest.mark.asyncio(loop_scope="module")

WITHIN_MS = 10_000
SIZES = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 360, "height": 740}, "narrowest": {"width": 320, "height": 600}}
JUNE = "archive/minutes/june.md"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncGenerator[House]:
    async with console() as serving:
        yield serving


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncGenerator[Browser]:
    async with chromium() as found:
        yield found


async def sign_in(page: Page, house: House, holder: str) -> None:
    page.set_default_timeout(WITHIN_MS)
    await page.goto(f"{house.url}/console/")
    await page.fill("#key", house.key(holder))
    await page.press("#key", "Enter")
    await page.wait_for_url("**/console/")


def paths(house: House, holder: str) -> list[str]:
    """Every page that is read with GET, for whoever sees most of it; and pages that are not there."""
    first, second = (entry.revision[:12] for entry in house.store.history()[:2])
    if holder == "cuno":
        return [
            "/console/sources",
            "/console/sources/archive",
            "/console/sources/archive?path=nothing",
            f"/console/versions?{urlencode({'name': UNREAD})}",
            f"/console/versions?{urlencode({'name': JUNE})}",
            "/console/services",
            "/console/sources/nothing",
        ]
    return [
        "/console/",
        "/console/services",
        "/console/services/local",
        "/console/revisions",
        f"/console/revisions/{second}?against={first}",
        f"/console/revisions/{first}",
        f"/console/roll-back?to={first}",
        f"/console/roll-back?to={second}",
        "/console/nothing",
    ]


@pytest.mark.parametrize("holder", ["cuno", "ada"])
@pytest.mark.parametrize(("scheme", "size"), [("light", "wide"), ("dark", "wide"), ("light", "narrow"), ("dark", "narrowest")])
async def test_everybody_can_use_every_page(house: House, browser: Browser, holder: str, scheme: str, size: str) -> None:
    async with await browser.new_context(viewport=SIZES[size], color_scheme=scheme) as context:  # pyright: ignore[reportArgumentType]
        page = await context.new_page()
        faults: list[str] = []
        page.on("console", lambda message: faults.append(message.text) if "Content Security Policy" in message.text else None)
        page.on("request", lambda request: None if request.url.startswith(house.url) else faults.append(request.url))
        await sign_in(page, house, holder)
        for path in paths(house, holder):
            await page.goto(house.url + path)
            await audit(page)
            assert await page.locator("h1").count() == 1, path
        assert not faults


async def test_the_navigation_says_where_one_is(house: House, browser: Browser) -> None:
    async with await browser.new_context() as context:
        page = await context.new_page()
        await sign_in(page, house, "ada")
        entries = await page.locator(".ways a").all_inner_texts()
        assert [each for each in entries if each in {"Ask", "Sources", "Services"}] == ["Ask", "Sources", "Services"]
        for path, title, current in (
            ("/console/", "Ask", "page"),
            ("/console/sources", "Sources", "page"),
            (f"/console/versions?name={JUNE}", "Sources", "true"),
            ("/console/revisions", "Services", "true"),
        ):
            await page.goto(house.url + path)
            here = page.locator(".ways [aria-current]")
            assert (await here.inner_text(), await here.get_attribute("aria-current")) == (title, current)


async def test_a_short_name_stands_on_one_line(house: House, browser: Browser) -> None:
    async with await browser.new_context(viewport={"width": 720, "height": 900}) as context:
        page = await context.new_page()
        await sign_in(page, house, "ada")
        await page.goto(f"{house.url}/console/services")
        cells = page.locator('td[data-column="Models"]')
        assert "minilm" in await cells.all_inner_texts()
        lines = (
            "cells => cells.map(cell => { const held = new Range(); held.selectNodeContents(cell); return held.getClientRects().length; })"
        )
        assert set(await cells.evaluate_all(lines)) == {1}


async def test_from_a_source_to_what_a_document_said_before_by_keyboard_and_without_script(house: House, browser: Browser) -> None:
    async with await browser.new_context(java_script_enabled=False) as context:
        page = await context.new_page()
        await sign_in(page, house, "ana")
        for step, leads in (("Sources", "**/sources"), ("archive", "**/sources/archive"), ("minutes/june.md", "**/versions?name=*")):
            await page.get_by_role("link", name=step, exact=True).focus()
            await page.keyboard.press("Enter")
            await page.wait_for_url(leads)
        assert await page.locator("tbody tr").count() == 2
        await page.locator("tbody a").last.focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/document?name=*")
        assert EARLIER.strip() in await page.inner_text(".text")
        await page.goto(f"{house.url}/console/sources/archive")
        await page.get_by_label("Path has").fill("JUNE")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/archive?path=JUNE&state=")
        assert await page.locator("tbody tr").count() == 1


async def test_back_to_an_earlier_revision_by_keyboard_and_without_script(house: House, browser: Browser) -> None:
    first, second = (entry.revision[:12] for entry in house.store.history()[:2])
    async with await browser.new_context(java_script_enabled=False, viewport=SIZES["narrow"]) as context:  # pyright: ignore[reportArgumentType]
        page = await context.new_page()
        await sign_in(page, house, "ada")
        await page.goto(f"{house.url}/console/revisions")
        await page.get_by_role("link", name=f"Roll back to {first}").focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/roll-back?to=*")
        assert await page.inner_text("h1") == f"Roll back to revision {first}?"
        await page.get_by_role("button", name="Roll back").focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/revisions?turned=*")
        assert f"Revision {first} is in force." in await page.inner_text("[role=status]")
        assert await page.locator("tbody tr").count() == 3
        await page.goto(f"{house.url}/console/services/help")
        assert "Answers from the old handbook." in await page.inner_text(".lead")
        await page.goto(f"{house.url}/console/roll-back?to={second}")
        await page.get_by_role("button", name="Roll back").click()
        await page.wait_for_url("**/revisions?turned=*")
