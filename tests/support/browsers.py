"""Debian's Chromium, headless, for tests and pictures."""

from __future__ import annotations

import asyncio
import contextlib
import json
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import async_playwright

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from playwright.async_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--force-color-profile=srgb")
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
"""axe-core: the accessibility rules of WCAG 2.2 A and AA and its own best practices."""


@contextlib.asynccontextmanager
async def chromium() -> AsyncGenerator[Browser]:
    """A browser for the block. Skips the test where there is none."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not there: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            await browser.close()


async def until(page: Page, so: str, within: float = 5.0) -> None:
    """Wait until a JavaScript function gives something true. Playwright's own way needs eval, which our pages forbid."""
    async with asyncio.timeout(within):
        while not await page.evaluate(so):
            await asyncio.sleep(0.02)


async def audit(page: Page) -> None:
    """No rule of axe-core is broken, and nothing is wider than the window."""
    await page.evaluate(f"{AXE}; null")
    found, held = await page.evaluate("() => axe.run(document).then(found => [found.violations, found.passes.length])")
    assert held > 10
    told = [(each["id"], each["help"], [node["html"][:200] for node in each["nodes"]]) for each in found]
    assert not told, json.dumps(told, indent=1)
    assert await page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), page.url
