"""One console for the tests of a module: it is quick, and people share one too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.support.consoles import Browser, House, console

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncGenerator[House]:
    """A console that is served."""
    async with console() as serving:
        yield serving


@pytest_asyncio.fixture(loop_scope="module")
async def stranger(house: House) -> AsyncGenerator[Browser]:
    """A browser that is not signed in."""
    async with Browser(house.url) as browser:
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ana(house: House) -> AsyncGenerator[Browser]:
    """A member of tenant default. She stays signed in for the module: leave her so."""
    async with Browser(house.url) as browser:
        await browser.sign_in(house.key("ana"))
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ben(house: House) -> AsyncGenerator[Browser]:
    """A member of tenant lab, who stays signed in too."""
    async with Browser(house.url) as browser:
        await browser.sign_in(house.key("ben", "lab"))
        yield browser
