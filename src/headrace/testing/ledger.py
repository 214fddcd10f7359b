"""What every Ledger does.

Fixtures to give: `ledger`, one that holds nothing yet; `record`, which makes a settled record of a request, of another content each time.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from headrace.core.errors import HeadraceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.core.ports import Ledger
    from headrace.core.values import Facts


PAID_WITHIN = 10.0
"""Seconds in which what is owed must be committed while the ledger is there."""


class LedgerContract:
    """The port Ledger."""

    async def test_records_stand_in_the_order_of_their_receipts(self, ledger: Ledger, record: Callable[[str], Facts]) -> None:
        """One after the other: each receipt is one further on, and time does not go back."""
        receipts = [await ledger.append(record(f"req_{number}")) for number in range(5)]
        assert [receipt.sequence for receipt in receipts] == list(range(5))
        assert sorted(receipts, key=lambda receipt: receipt.time_us) == receipts
        assert len({receipt.leaf for receipt in receipts}) == len(receipts)

    async def test_records_at_one_time_each_get_a_place(self, ledger: Ledger, record: Callable[[str], Facts]) -> None:
        """Side by side: every place is given once."""
        receipts = await asyncio.gather(*(ledger.append(record(f"req_{number}")) for number in range(300)))
        assert sorted(receipt.sequence for receipt in receipts) == list(range(300))

    async def test_the_same_record_again_is_the_same_receipt(self, ledger: Ledger, record: Callable[[str], Facts]) -> None:
        """Who lost the answer may ask again."""
        written = record("req_1")
        assert await ledger.append(written) == await ledger.append(written)

    async def test_a_request_ends_once(self, ledger: Ledger, record: Callable[[str], Facts]) -> None:
        """A second end is refused by name, and changes nothing."""
        await ledger.append(record("req_1"))
        with pytest.raises(HeadraceError, match="req_1") as refused:
            await ledger.append(record("req_1"))
        assert refused.value.code == "ledger.doubled"
        assert (await ledger.append(record("req_2"))).sequence == 1

    async def test_an_end_that_is_owed_is_committed(self, ledger: Ledger, record: Callable[[str], Facts]) -> None:
        """Soon, though nobody waits for it; and a request that has an end keeps the one that it has."""
        first = record("req_1")
        ledger.owe(first)
        async with asyncio.timeout(PAID_WITHIN):
            while await ledger.proof("req_1") is None:
                await asyncio.sleep(0.01)
        ledger.owe(record("req_1"))
        ledger.owe(record("req_2"))
        async with asyncio.timeout(PAID_WITHIN):
            while await ledger.proof("req_2") is None:
                await asyncio.sleep(0.01)
        assert (await ledger.append(first)).sequence == 0

    async def test_the_proof_of_a_record(self, ledger: Ledger, record: Callable[[str], Facts]) -> None:
        """It holds the record, its receipt, the way to the checkpoint, and the checkpoint."""
        receipt = await ledger.append(record("req_1"))
        proof = await ledger.proof("req_1")
        assert proof is not None
        assert set(proof) == {"record", "receipt", "proof", "checkpoint"}
        assert proof["receipt"] == {
            "log": receipt.log,
            "sequence": receipt.sequence,
            "leaf": receipt.leaf,
            "time_us": receipt.time_us,
            "signature": receipt.signature,
        }

    async def test_no_proof_of_what_is_not_there(self, ledger: Ledger) -> None:
        """None, not an error."""
        assert await ledger.proof("req_1") is None
