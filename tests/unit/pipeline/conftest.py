"""A house for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.rooms import house

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.support.rooms import House


@pytest.fixture
async def home() -> AsyncGenerator[House]:
    async with house() as built:
        yield built
