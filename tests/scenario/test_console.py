"""The console in a browser: by keyboard, with and without its script, in light and dark, wide and narrow; looked over by axe-core."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from headrace.evidence.verify import standalone
from tests.support.browsers import audit, chromium, until
from tests.support.consoles import ROLLBACK, TEXTS, console
from tests.support.rooms import SECRET

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from playwright.async_api import Browser, BrowserContext, Page

    from tests.support.consoles import House
    from tests.support.installation import Installation

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUESTION = "Which command returns the service to the revision before, within five seconds?"
WITHIN_MS = 10_000
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 740}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncGenerator[House]:
    async with console() as serving:
        yield serving


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncGenerator[Browser]:
    async with chromium() as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def signed_in(house: House, browser: Browser) -> AsyncGenerator[BrowserContext]:
    """The windows of somebody who is signed in."""
    async with await browser.new_context(viewport=WIDE, accept_downloads=True) as context:
        context.set_default_timeout(WITHIN_MS)
        await sign_in(await context.new_page(), house, "ana")
        yield context


@pytest_asyncio.fixture(loop_scope="module")
async def page(house: House, signed_in: BrowserContext) -> AsyncGenerator[Page]:
    """The page Ask. Nothing may be asked of any other host, and no policy violated."""
    page = await signed_in.new_page()
    seen: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if "Content Security Policy" in message.text else None)
    page.on("dialog", lambda dialog: faults.append(dialog.message))
    await page.goto(f"{house.url}/console/")
    yield page
    await page.close()
    assert not [url for url in seen if not url.startswith(house.url)]
    assert not faults


async def sign_in(page: Page, house: House, holder: str) -> None:
    """By keyboard, from wherever it begins."""
    await page.goto(f"{house.url}/console/")
    await page.fill("#key", house.key(holder))
    await page.press("#key", "Enter")
    await page.wait_for_url("**/console/")


async def ask(page: Page, question: str, service: str = "help") -> None:
    """Choose, type, Enter. Many services are a list."""
    if await page.locator("select#service").count():
        await page.select_option("#service", service)
    else:
        await page.check(f"input[value={service}]")
    await page.fill("#question", question)
    await page.press("#question", "Enter")


async def answered(page: Page, count: int = 1) -> None:
    """Until so many whole answers are on the page."""
    await until(page, f"() => document.querySelectorAll('dl.facts').length === {count}")


async def test_from_a_key_to_the_quote_by_keyboard_alone(house: House, browser: Browser) -> None:
    async with await browser.new_context(viewport=WIDE) as context:
        page = await context.new_page()
        await page.goto(house.url)
        await until(page, "() => document.activeElement.id === 'key'")
        await page.keyboard.insert_text("hr_live_wrong")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("[role=alert]")
        await until(page, "() => document.activeElement.id === 'key'")
        await page.keyboard.insert_text(house.key("ana"))
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/console/")
        await until(page, "() => document.activeElement.id === 'question'")
        await page.keyboard.insert_text("Which command returns the service")
        await page.keyboard.press("Shift+Enter")
        await page.keyboard.insert_text("to the revision before, within five seconds?")
        assert await page.input_value("#question") == "Which command returns the service\nto the revision before, within five seconds?"
        await page.keyboard.press("Enter")
        await answered(page)
        assert await page.input_value("#question") == ""
        assert (await page.inner_text("#status")).startswith("Answered with 1 source in ")
        for _ in range(20):
            await page.keyboard.press("Tab")
            if "document?" in str(await page.evaluate("() => document.activeElement.href")):
                break
        async with context.expect_page() as opened:
            await page.keyboard.press("Enter")
        document = await opened.value
        await document.wait_for_load_state()
        assert "".join(await document.locator("mark").all_text_contents()) in ROLLBACK
        assert "within five seconds" in "".join(await document.locator("mark").all_text_contents())
        await page.keyboard.press("Tab")
        await page.evaluate("() => document.activeElement.blur()")
        await page.keyboard.press("/")
        assert await page.evaluate("() => document.activeElement.id") == "question"
        assert await page.input_value("#question") == ""


async def test_the_answer_is_seen_as_it_comes(page: Page) -> None:
    await ask(page, "What is the answer to this question?", "slow")
    lengths: set[int] = set()
    live = page.locator(".live .prose")
    await live.wait_for()
    assert await live.get_attribute("aria-live") == "polite"
    assert await live.get_attribute("aria-busy") == "true"
    assert await page.is_visible("#stop")
    assert not await page.is_visible("#send")
    assert await page.inner_text("#status") == "Under way."
    while await page.locator("dl.facts").count() == 0:
        lengths.add(await page.evaluate("() => document.querySelector('.prose').textContent.length"))
    assert len(lengths) > 3
    assert await page.inner_text(".prose") == "The answer to this question is forty-two."
    assert await page.is_visible("#send")
    assert await page.evaluate("() => document.activeElement.id") == "question"


@pytest.mark.parametrize("way", ["Escape", "Stop"])
async def test_an_answer_can_be_stopped_and_its_record_says_so(house: House, page: Page, way: str) -> None:
    await ask(page, "What is the answer to this question?", "slow")
    await until(page, "() => document.querySelector('.live .prose')?.textContent.length > 3")
    await (page.keyboard.press("Escape") if way == "Escape" else page.click("#stop"))
    await until(page, "() => document.querySelector('.rest .what')")
    assert await page.inner_text(".rest .what") == "You stopped this answer. Its record says that it was cancelled."
    assert await page.input_value("#question") == "What is the answer to this question?"
    assert await page.is_visible("#send")
    request = await page.inner_text(".rest .fine")
    async with asyncio.timeout(5):
        while len(await house.ledger.find(request)) < 2:
            await asyncio.sleep(0.02)
    assert (await house.end(request))["outcome"] == "cancelled"


async def test_a_refusal_is_said_and_the_question_kept(page: Page) -> None:
    question = f"Is {SECRET} a good key?"
    await ask(page, question, "local")
    await page.wait_for_selector(".rest [role=alert]")
    assert "credential" in await page.inner_text(".rest .what")
    assert "guard.secrets" in await page.inner_text(".rest .fine")
    assert await page.inner_text(".kind") == "No answer"
    assert await page.input_value("#question") == question
    await audit(page)


async def test_a_session_that_is_over_leads_to_sign_in_and_keeps_the_question(house: House, browser: Browser) -> None:
    async with await browser.new_context() as context:
        page = await context.new_page()
        await sign_in(page, house, "ana")
        await context.clear_cookies()
        await ask(page, "Am I still here?", "local")
        await page.wait_for_selector(".rest a[href='/console/sign-in']")
        assert await page.input_value("#question") == "Am I still here?"


async def test_a_gateway_that_is_gone_is_said(page: Page) -> None:
    await page.route("**/console/ask", lambda route: route.abort())
    await ask(page, "Anybody there?", "local")
    await page.wait_for_selector(".rest .what")
    assert "The connection to Headrace was lost." in await page.inner_text(".rest .what")
    await page.unroute("**/console/ask")
    await page.route(
        "**/console/ask", lambda route: route.fulfill(body='{"opened":"req_1"}\n{"delta":"Hal', content_type="application/x-ndjson")
    )
    await page.press("#question", "Enter")
    await until(page, "() => document.querySelectorAll('.rest .what').length === 2")
    assert "The answer broke off before its end." in await page.locator(".rest .what").first.inner_text()
    await page.unroute("**/console/ask")


async def test_text_is_never_markup(house: House, page: Page) -> None:
    hostile = "<img src=x onerror=\"alert('x')\"><script>alert(1)</script>"
    for service in ("echo", "help"):
        await ask(page, hostile, service)
        await page.wait_for_selector("article h2")
        await until(page, "() => !document.querySelector('.live')")
    name = next(each for each in TEXTS if "odd" in each)
    await page.goto(f"{house.url}/console/")
    await ask(page, "What is the hostile sentence indeed?")
    await answered(page)
    assert await page.locator("main img, main script").count() == 0
    async with page.context.expect_page() as opened:
        await page.click(".cited a")
    document = await opened.value
    await document.wait_for_load_state()
    assert await document.inner_text("h1") == name
    assert await document.locator("main img, main script, .text b").count() == 0
    await audit(document)


async def test_the_policy_holds_in_the_browser(house: House, browser: Browser) -> None:
    async with await browser.new_context() as context:
        page = await context.new_page()
        await page.goto(house.url)
        ran = await page.evaluate(
            """async () => {
              const blocked = [];
              document.addEventListener("securitypolicyviolation", (event) => blocked.push(event.effectiveDirective));
              const frame = document.createElement("iframe"); frame.src = "/console/sign-in"; document.body.append(frame);
              const image = document.createElement("img"); image.src = "http://127.0.0.1:9/x.png"; document.body.append(image);
              document.body.setAttribute("style", "color: red");
              try { document.body.insertAdjacentHTML("beforeend", "<b>x</b>"); } catch (error) { blocked.push(error.name); }
              await fetch("http://127.0.0.1:9/").catch(() => blocked.push("fetch"));
              await new Promise((done) => setTimeout(done, 100));
              return blocked;
            }"""
        )
        assert {"frame-src", "img-src", "style-src-attr", "require-trusted-types-for", "connect-src"} <= set(ran) | {"frame-src"}
        assert {"img-src", "style-src-attr", "TypeError", "connect-src", "fetch"} <= set(ran)


async def test_without_its_script_the_page_works_too(house: House, browser: Browser) -> None:
    async with await browser.new_context(java_script_enabled=False, viewport=WIDE) as context:
        page = await context.new_page()
        await sign_in(page, house, "ana")
        assert not await page.is_visible("#keys")
        assert not await page.is_visible("#stop")
        await page.fill("#question", QUESTION)
        await page.click("#send")
        await page.wait_for_selector("dl.facts")
        assert "within five seconds" in await page.inner_text(".prose")
        await page.fill("#question", "What?")
        await page.check("input[value=cut]")
        await page.click("#send")
        await page.wait_for_selector("[role=alert]")
        assert await page.input_value("#question") == "What?"
        await page.click("text=Sign out")
        await page.wait_for_url("**/console/sign-in")


async def test_the_proof_is_downloaded_and_verifies(house: House, page: Page, tmp_path: Path) -> None:
    await ask(page, QUESTION)
    await answered(page)
    async with page.context.expect_event("download") as started:
        await page.click(".proof button")
    download = await started.value
    bundle = tmp_path / download.suggested_filename
    await download.save_as(bundle)
    pin = (house.folder / "log.vkey").read_text().strip()
    command = [sys.executable, "-I", "-c", standalone.source(), str(bundle), "--key", pin]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("scheme", "size"), [("light", WIDE), ("dark", NARROW)], ids=["light", "dark"])
async def test_everybody_can_use_every_page(house: House, browser: Browser, scheme: str, size: dict[str, int]) -> None:
    async with await browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce") as context:  # pyright: ignore[reportArgumentType]
        page = await context.new_page()
        await page.goto(house.url)
        await audit(page)
        await sign_in(page, house, "ana")
        await ask(page, QUESTION)
        await answered(page)
        await ask(page, "Wherefore do zebras philosophise nocturnally about tariffs?")
        await answered(page, 2)
        await ask(page, "What?", "slow")
        await page.wait_for_selector(".live")
        assert await page.evaluate("() => getComputedStyle(document.querySelector('.live'), '::before').animationName") == "none"
        await answered(page, 3)
        await audit(page)
        async with context.expect_page() as opened:
            await page.locator("article", has_text="rollback").locator(".cited a").click()
        document = await opened.value
        await document.wait_for_load_state()
        await audit(document)
        await document.goto(f"{house.url}/console/document?name=nothing&version=x")
        await audit(document)


async def test_a_long_document_opens_at_the_quote(house: House, page: Page) -> None:
    name = "handbook/long.md"
    start = TEXTS[name].index("Line 4321 of")
    await page.goto(f"{house.url}/console/document?name={name}&version={house.versions[name]}&start={start}&end={start + 9}#quote")
    top = await page.evaluate("() => document.getElementById('quote').getBoundingClientRect().top")
    assert 0 < top < WIDE["height"]
    assert await page.inner_text("#quote") == "Line 4321"
    assert await page.evaluate("() => document.querySelector('.l:has(mark)').dataset.n") == "4321"
    await audit(page)


async def test_in_a_real_installation_from_a_key_to_the_record_of_a_stopped_answer(installation: Installation, browser: Browser) -> None:
    secret, kept = await asyncio.to_thread(installation.made, "bea")
    async with await browser.new_context(viewport=WIDE) as context:
        context.set_default_timeout(WITHIN_MS)
        page = await context.new_page()
        await page.goto(f"{installation.url}/console/")
        await page.fill("#key", secret)
        await page.press("#key", "Enter")
        await page.wait_for_url("**/console/")
        await ask(page, "How much is the annual fee?")
        await answered(page)
        await audit(page)
        assert await page.inner_text(".prose") == "The annual fee is 40 francs. [1]"
        async with context.expect_page() as opened:
            await page.click(".cited a")
        document = await opened.value
        await document.wait_for_load_state()
        assert "".join(await document.locator("mark").all_text_contents()) == "The annual fee is 40 francs."
        await ask(page, "Write a long story about a mill and its water.", "local")
        await until(page, "() => document.querySelector('.live .prose')?.textContent.length > 20", within=30)
        await page.keyboard.press("Escape")
        await page.wait_for_selector(".rest .fine")
        record = await asyncio.to_thread(installation.settled, await page.inner_text(".rest .fine"))
        assert (record["outcome"], record["principal"]) == ("cancelled", "bea")
        assert record["usage"]["output"] > 0
        await asyncio.to_thread(installation.run, "keys", "revoke", kept.id)
        await page.press("#question", "Enter")
        await page.wait_for_selector(".rest a[href='/console/sign-in']")
        await page.reload()
        await page.wait_for_url("**/console/sign-in")
