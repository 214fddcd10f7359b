"""The ledger is away: nothing is answered, and every end is written down as soon as it is back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

import pytest

from headrace.core.errors import HeadraceError, Refused, Unavailable
from headrace.core.flow import Answer, Opened
from headrace.evidence import client as ledger_client
from headrace.evidence.client import LedgerClient
from headrace.pipeline import line
from tests.support import ledgers
from tests.support.ledgers import until
from tests.support.rooms import SECRET, Got, House, ask, received

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from headrace.core.ports import Ledger
    from headrace.core.values import Facts, Receipt


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_client, "PATIENCE", 0.15)
    monkeypatch.setattr(ledger_client, "PAYS_WITHIN", 0.1)


@contextlib.asynccontextmanager
async def away(home: House) -> AsyncGenerator[tuple[House, Path]]:
    """The house with a ledger that is not there; the folder is where it would be."""
    socket = home.folder / "other.sock"
    client = LedgerClient(socket)
    try:
        yield home.with_(ledger=client), home.folder / "other"
    finally:
        await client.close()


async def recorded(client: LedgerClient, request: str) -> list[tuple[object, ...]]:
    """Kind, outcome, error and stage of every record of a request."""
    names = ("kind", "outcome", "error", "at")
    return [tuple(each["record"].get(name) for name in names) for each in await client.find(request)]


async def eventually(client: LedgerClient, request: str) -> list[tuple[object, ...]]:
    async def there() -> bool:
        return any(each[0] == "settled" for each in await recorded(client, request))

    async with asyncio.timeout(5):
        while not await there():
            await asyncio.sleep(0.02)
    return await recorded(client, request)


@pytest.mark.parametrize("stream", [False, True])
async def test_nothing_is_answered_and_the_failure_is_owed(home: House, stream: bool) -> None:  # noqa: FBT001
    async with away(home) as (house, folder):
        asked = received("on-good", "x", stream=stream)
        got = Got()
        with pytest.raises(Unavailable) as raised:
            await ask(asked, house.rooms, got)
        assert (raised.value.code, raised.value.receipt) == ("internal.ledger_unavailable", None)
        assert raised.value.request == asked.call.request
        assert (got.opened, got.deltas, got.answers) == ([], [], [])
        async with ledgers.serving(folder, home.folder / "other.sock") as back:
            found = await eventually(back, asked.call.request)
    at = "released" if stream else "settled"
    assert found == [("settled", "failed", "internal.ledger_unavailable", at)]


async def test_a_refusal_stays_a_refusal_and_is_owed(home: House) -> None:
    async with away(home) as (house, folder):
        asked = received("on-good", SECRET)
        with pytest.raises(Refused) as raised:
            await ask(asked, house.rooms)
        assert raised.value.receipt is None
        async with ledgers.serving(folder, home.folder / "other.sock") as back:
            assert await eventually(back, asked.call.request) == [("settled", "refused", "guard.secrets", "screened")]


async def test_a_ledger_that_goes_in_the_middle_of_a_stream(home: House) -> None:
    """The text has left; the end has not, and the log says so."""
    async with away(home) as (house, folder):
        asked = received("on-slow", "x", stream=True)
        events = line.answer(asked, house.rooms)
        async with ledgers.serving(folder, home.folder / "other.sock"):
            assert isinstance(await anext(events), Opened)
        with pytest.raises(Unavailable):
            await _rest(events)
        async with ledgers.serving(folder, home.folder / "other.sock") as back:
            found = await eventually(back, asked.call.request)
            assert await back.interrupt(["gw_test"]) == 0
    assert found == [("opened", None, None, None), ("settled", "failed", "internal.ledger_unavailable", "settled")]


async def _rest(events: AsyncGenerator[object]) -> None:
    async for event in events:
        assert not isinstance(event, Answer)


async def test_a_ledger_that_comes_back_in_time_is_waited_for(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_client, "PATIENCE", 5.0)
    async with away(home) as (house, folder):
        asking = asyncio.create_task(ask(received("on-good", "x"), house.rooms))
        await asyncio.sleep(0.1)
        async with ledgers.serving(folder, home.folder / "other.sock"):
            assert (await asking).answer.receipt.sequence == 0


async def test_a_client_that_leaves_while_the_ledger_is_away(home: House) -> None:
    async with away(home) as (house, folder):
        asked = received("on-stall", "x")
        task = asyncio.create_task(ask(asked, house.rooms))
        await until(lambda: home.provider.state.active == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with ledgers.serving(folder, home.folder / "other.sock") as back:
            assert await eventually(back, asked.call.request) == [("settled", "cancelled", "request.cancelled", "generated")]


async def test_an_answer_that_was_committed_after_all_keeps_its_record(home: House, caplog: pytest.LogCaptureFixture) -> None:
    """The ledger did not answer in time, but it had the record: the failure that is owed is not taken."""

    class Silent:
        """Commits, and does not say so."""

        owe = home.ledger.owe
        proof = home.ledger.proof

        async def append(self, record: Facts) -> Receipt:
            await home.ledger.append(record)
            message = "The ledger process does not answer in time."
            raise Unavailable(message, code="internal.ledger_slow")

    ledger: Ledger = Silent()
    asked = received("on-good", "x")
    with pytest.raises(Unavailable):
        await ask(asked, home.with_(ledger=ledger).rooms)
    await until(lambda: "was not taken" in caplog.text)
    assert await recorded(home.ledger, asked.call.request) == [("settled", "answered", None, None)]


async def test_an_end_that_the_ledger_refuses_keeps_the_requests_own_error(home: House, caplog: pytest.LogCaptureFixture) -> None:
    class Strict:
        owe = home.ledger.owe
        proof = home.ledger.proof

        async def append(self, record: Facts) -> Receipt:
            message = "The ledger failed with KeyError."
            raise HeadraceError(message, code="ledger.defect")

    with pytest.raises(Refused):
        await ask(received("on-good", SECRET), home.with_(ledger=Strict()).rooms)
    assert "could not be recorded yet: The ledger failed with KeyError." in caplog.text


async def test_what_is_owed_beyond_measure_is_named_in_the_log(
    home: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_client, "MOST_OWED", 2)
    async with away(home) as (house, folder):
        asked = [received("on-good", SECRET) for _ in range(3)]
        for each in asked:
            with pytest.raises(Refused):
                await ask(each, house.rooms)
        assert f"the end of {asked[2].call.request} cannot be kept" in caplog.text
        async with ledgers.serving(folder, home.folder / "other.sock") as back:
            await eventually(back, asked[1].call.request)
            assert len(await recorded(back, asked[0].call.request)) == 1
            assert await recorded(back, asked[2].call.request) == []


async def test_what_is_still_owed_at_the_end_is_named_in_the_log(home: House, caplog: pytest.LogCaptureFixture) -> None:
    async with away(home) as (house, _):
        asked = received("on-good", SECRET)
        with caplog.at_level(logging.ERROR), pytest.raises(Refused):
            await ask(asked, house.rooms)
    assert f"the end of {asked.call.request} was not recorded: the ledger did not come back" in caplog.text


async def test_closing_pays_first(home: House) -> None:
    async with away(home) as (house, folder):
        asked = received("on-good", SECRET)
        with pytest.raises(Refused):
            await ask(asked, house.rooms)
        async with ledgers.serving(folder, home.folder / "other.sock") as back:
            ledger = house.rooms.ledger
            assert isinstance(ledger, LedgerClient)
            await ledger.close()
            assert len(await recorded(back, asked.call.request)) == 1
            await ledger.close()
