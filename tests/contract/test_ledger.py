"""The ledger process and its client keep to the port Ledger."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from headrace.testing.ledger import LedgerContract
from tests.support import ledgers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from headrace.core.values import Facts
    from headrace.evidence.client import LedgerClient


class TestLedgerClient(LedgerContract):
    @pytest.fixture
    async def ledger(self, tmp_path: Path) -> AsyncIterator[LedgerClient]:
        async with ledgers.serving(tmp_path / "ledger", tmp_path / "l.sock") as client:
            yield client

    @pytest.fixture
    def record(self) -> Callable[[str], Facts]:
        numbers = count()
        return lambda request: {**ledgers.settled(request), "time_us": next(numbers)}
