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
SHARP: Final = 1.5
"""Pixels of a picture for one of the page."""
WIDE: Final = {"width": 1120, "height": 1000}
NARROW: Final = {"width": 400, "height": 1300}


async def pictures(installation: Installation) -> None:
    """Every picture."""
    key = installation.key("ana")
    async with chromium() as browser:
        await _ask(browser, installation, key, "light", WIDE, "console-ask.webp", "console-document.webp")
        await _ask(browser, installation, key, "dark", NARROW, "console-ask-dark.webp", None)


async def _ask(
    browser: Browser, installation: Installation, key: str, scheme: str, size: dict[str, int], ask: str, document: str | None
) -> None:
    async with await browser.new_context(viewport=size, color_scheme=scheme) as context:  # pyright: ignore[reportArgumentType]
        page = await context.new_page()
        await page.goto(f"{installation.url}/console/")
        await page.fill("#key", key)
        await page.press("#key", "Enter")
        await page.wait_for_url("**/console/")
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
        running(Path(folder) / "acme", documents=ROOT / "docs") as found,
    ):
        found.run("ingest")
        asyncio.run(pictures(found))


if __name__ == "__main__":
    main()
