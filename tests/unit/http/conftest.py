"""The application, served over rooms whose line, ledger, guards, policy and provider are real."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.apis import serving_api

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.support.apis import Api


@pytest.fixture
async def api() -> AsyncGenerator[Api]:
    async with serving_api() as served:
        yield served
