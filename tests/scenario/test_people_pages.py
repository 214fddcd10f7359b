"""Signing in with a provider and the pages of People, as people meet them: in Chromium, without and with a narrow window, by axe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe

from tests.providers.openid_server import SECRET, OpenIdServer, openid
from tests.support.browsers import chromium
from tests.support.consoles import FILES, House, console

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from playwright.async_api import Browser, Page

pytestmark = pytest.mark.asyncio(loop_scope="module")

PEOPLE = (
    "people:\n  - {person: ana, name: Ana Keller, groups: [members]}\n  - {person: dora, groups: [members, directors]}\n  - {person: zoe}\n"
)
ADMINISTER = '@id("administer")\npermit (principal in Group::"default/administrators", action == Action::"administer", resource);\n'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def acme() -> AsyncGenerator[OpenIdServer]:
    async with openid() as serving:
        serving.asks = True
        serving.people["ana"]["groups"] = ["it-admins"]
        yield serving


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(acme: OpenIdServer) -> AsyncGenerator[House]:
    said = (
        "groups: [administrators]\nidentity:\n  groups: {it-admins: administrators}\n"
        f"  sign in: {{name: Acme, issuer: '{acme.url}', client: headrace, secret: 'env:ACME_SECRET'}}\n"
    )
    files = {
        "headrace.yaml": FILES["headrace.yaml"] + said,
        "people.yaml": PEOPLE + "  - {person: ben, tenant: lab, groups: [members]}\n",
        "policies/base.cedar": FILES["policies/base.cedar"] + ADMINISTER,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACME_SECRET", SECRET)
        async with console(files) as serving:
            yield serving


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncGenerator[Browser]:
    async with chromium() as found:
        yield found


async def come_in(page: Page, house: House) -> None:
    """Through the provider's own page, and back."""
    await page.goto(f"{house.url}/console/people")
    await page.get_by_role("link", name="Sign in with Acme").click()
    assert await page.title() == "Acme"
    await page.get_by_role("button", name="Continue").click()
    await page.wait_for_url(f"{house.url}/console/people")


async def accessible(page: Page) -> None:
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("script", [True, False])
async def test_the_way_in_and_out(house: House, acme: OpenIdServer, browser: Browser, *, script: bool) -> None:
    context = await browser.new_context(java_script_enabled=script)
    page = await context.new_page()
    await page.goto(f"{house.url}/console/people")
    if script:
        await accessible(page)
    await come_in(page, house)
    text = await page.inner_text("main")
    assert "administrators your provider" in " ".join(text.split())
    (kept,) = [each for each in await context.cookies() if "form" not in each["name"]]  # type: ignore[typeddict-item]
    assert (kept["sameSite"], kept["httpOnly"]) == ("Strict", True)  # type: ignore[typeddict-item]
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url(f"{house.url}/console/sign-out/done")
    if script:
        await accessible(page)
    await page.get_by_role("link", name="sign out there too").click()
    await page.get_by_role("link", name="Back").click()
    await page.wait_for_url(f"{house.url}/console/sign-in")
    assert acme.calls[-1] == "end"
    await context.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
async def test_the_pages_of_an_administrator(house: House, browser: Browser, width: int, scheme: str) -> None:
    context = await browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = await context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    await come_in(page, house)
    await accessible(page)
    for tab, heading in (("Everyone", "Everyone"), ("Keys", "Keys"), ("Sessions", "Sessions")):
        await page.get_by_label("People").get_by_role("link", name=tab, exact=True).click()
        await page.get_by_role("heading", name=heading, level=1).wait_for()
        await accessible(page)
        assert await page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    await page.goto(f"{house.url}/console/everyone/ana")
    await accessible(page)
    await page.goto(f"{house.url}/console/keys")
    await page.get_by_role("link", name="Make a key").click()
    await page.get_by_label("Name").fill("laptop")
    assert await page.get_by_label("Speaks for").input_value() == "ana"
    await accessible(page)
    await page.get_by_role("button", name="Make it").click()
    secret = await page.locator("code.whole").inner_text()
    assert (await house.inside.authenticate(secret)).id == "ana"
    await accessible(page)
    await page.goto(f"{house.url}/console/keys")
    await page.get_by_role("link", name="Revoke laptop").first.click()
    await accessible(page)
    await page.get_by_role("button", name="Revoke it").click()
    await page.wait_for_url(f"{house.url}/console/keys")
    assert secret[:16] not in await page.inner_text("main")
    await page.get_by_label("Keys that").select_option("have ended")
    await page.get_by_role("button", name="Show").click()
    await page.wait_for_url("**state=ended**")
    assert "revoked" in await page.inner_text("main")
    await accessible(page)
    assert said == []
    await context.close()
