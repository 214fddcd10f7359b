"""The pictures in pictures/, made anew: the console over Headrace's own documentation, in a real installation.

    python -m tests.pictures

Needs Debian's chromium and the default models. A picture has at most 150 KB.
"""

from __future__ import annotations

import asyncio
import base64
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.support.browsers import chromium, until
from tests.support.installation import ROOT, running

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

    from tests.support.installation import Installation

FOLDER: Final = ROOT / "pictures"
MOST: Final = 150_000
QUESTION: Final = "What happens when a document is deleted?"
EMBEDDED_WITHIN: Final = 900.0
"""Seconds until every passage has its vector, on a busy machine."""
SHARP: Final = 1.5
"""Pixels of a picture for one of the page."""
WIDE: Final = {"width": 1120, "height": 1000}
NARROW: Final = {"width": 400, "height": 1300}


async def pictures(installation: Installation) -> None:
    """Every picture."""
    key = installation.key("ana")
    async with chromium() as browser:
        await _areas(browser, installation, installation.key("ada", groups=("members", "curators", "administrators")))
        await _ask(browser, installation, key, "light", WIDE, "console-ask.webp", "console-document.webp")
        await _ask(browser, installation, key, "dark", NARROW, "console-ask-dark.webp", None)


def _change(installation: Installation) -> None:
    """Another source, with a document that cannot be read; and another sentence about the service."""
    minutes = installation.workspace / "minutes"
    minutes.mkdir()
    (minutes / "2026-10.md").write_text("# October\n\nThe board met, and decided on the new handbook.\n", encoding="utf-8")
    (minutes / "2026-11.pdf").write_bytes(b"no PDF at all")
    source = "source: minutes\nabout: What the board decided.\nowner: records\nfolder: minutes\nreaders: {groups: [members]}\n"
    (installation.workspace / "sources" / "minutes.yaml").write_text(source, encoding="utf-8")
    service = installation.workspace / "services" / "help.yaml"
    text = service.read_text(encoding="utf-8")
    service.write_text(text.replace("sources: [documents]", "sources: [documents, minutes]"), encoding="utf-8")
    installation.run("apply")


async def _areas(browser: Browser, installation: Installation, key: str) -> None:
    async with await browser.new_context(viewport=WIDE, color_scheme="light") as context:  # pyright: ignore[reportArgumentType]
        page = await context.new_page()
        await _signed_in(page, installation, key)
        await page.set_viewport_size({**WIDE, "height": 420})
        async with asyncio.timeout(EMBEDDED_WITHIN):
            while True:
                await page.goto(f"{installation.url}/console/sources")
                if await page.locator(".state.bad").count() == 1 and not await page.locator(".state.wait, .state.off").count():
                    break
                await asyncio.sleep(1)
        await _keep(page, "console-sources.webp")
        await page.set_viewport_size({**WIDE, "height": 900})
        await page.goto(f"{installation.url}/console/revisions")
        await page.locator("tbody a").first.click()
        await page.wait_for_url("**/revisions/*")
        await _keep(page, "console-revision.webp")


async def _signed_in(page: Page, installation: Installation, key: str) -> None:
    await page.goto(f"{installation.url}/console/")
    await page.fill("#key", key)
    await page.press("#key", "Enter")
    await page.wait_for_url("**/console/")


async def _ask(
    browser: Browser, installation: Installation, key: str, scheme: str, size: dict[str, int], ask: str, document: str | None
) -> None:
    async with await browser.new_context(viewport=size, color_scheme=scheme) as context:  # pyright: ignore[reportArgumentType]
        page = await context.new_page()
        await _signed_in(page, installation, key)
        await _answered(page, "help", QUESTION)
        await page.evaluate("() => document.activeElement.blur()")
        await _keep(page, ask)
        if document is not None:
            async with context.expect_page() as opened:
                await page.locator(".cited a").first.click()
            shown = await opened.value
            await shown.wait_for_load_state()
            await shown.set_viewport_size({**size, "height": 640})
            await shown.evaluate("() => document.getElementById('quote').scrollIntoView()")
            await _keep(shown, document)


async def _answered(page: Page, service: str, question: str) -> None:
    before = await page.locator("dl.facts").count()
    await page.check(f"input[value={service}]")
    await page.fill("#question", question)
    await page.press("#question", "Enter")
    await until(page, f"() => document.querySelectorAll('dl.facts').length > {before}", within=30)


async def _keep(page: Page, name: str) -> None:
    browser = await page.context.new_cdp_session(page)
    size, top = page.viewport_size, await page.evaluate("() => scrollY")
    assert size is not None
    clip = {"x": 0, "y": top, **size, "scale": SHARP}
    taken = await browser.send("Page.captureScreenshot", {"format": "webp", "quality": 80, "clip": clip})
    (FOLDER / name).write_bytes(base64.b64decode(taken["data"]))
    size = (FOLDER / name).stat().st_size
    assert size <= MOST, f"{name} has {size} bytes"
    print(f"{name}  {size:,} bytes")


def main() -> None:
    """Start an installation on this documentation, and look at it."""
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="headrace-pictures-") as folder,
        running(Path(folder) / "acme") as found,
    ):
        _change(found)
        asyncio.run(pictures(found))


if __name__ == "__main__":
    main()
