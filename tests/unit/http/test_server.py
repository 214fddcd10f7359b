"""Stopping: nothing new is taken, what is under way ends within its time, and what does not is cut off."""

from __future__ import annotations

import asyncio
import resource
import time
from typing import TYPE_CHECKING

import pytest

from headrace.app.http.exchange.wire import Sender
from headrace.app.http.server.server import most_connections
from tests.support.serving import LOOPS, serving

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class Waiting:
    """Answers after a while, and knows how it ended."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.ended: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        sender = Sender(scope, send)
        try:
            await asyncio.sleep(self.seconds)
            await sender.whole(200, b"{}", ())
            self.ended.append("answered")
        except asyncio.CancelledError:
            self.ended.append("cut")
            await sender.whole(503, b"{}", ())


async def stopped(application: ASGIApp, drain: float, *, twice: bool = False) -> tuple[int, float, bytes]:
    """Stop with one request under way and one idle connection: status, seconds, and what the idle one still got."""
    async with serving(application, drain=drain, loop=LOOPS["uvloop"]) as served, served.wire() as busy, served.wire() as idle:
        await busy.request("GET", "/")
        await asyncio.sleep(0.05)
        began = time.monotonic()
        served.stop()
        left = await idle.closed(within=1)
        with pytest.raises(OSError, match="Connect call failed"):
            await served.ask("GET", "/")
        if twice:
            served.stop()
        response = await busy.response()
        assert response.headers["connection"] == "close"
        await served.over(within=5)
        return response.status, time.monotonic() - began, left


async def test_an_answer_under_way_is_given() -> None:
    application = Waiting(0.4)
    status, took, left = await stopped(application, drain=5)
    assert (status, application.ended, left) == (200, ["answered"], b"")
    assert took < 2


async def test_an_answer_that_does_not_end_in_time_is_cut_off() -> None:
    application = Waiting(60)
    status, took, _ = await stopped(application, drain=0.3)
    assert (status, application.ended) == (503, ["cut"])
    assert 0.2 < took < 3


async def test_a_second_signal_does_not_wait() -> None:
    application = Waiting(60)
    status, took, _ = await stopped(application, drain=30, twice=True)
    assert (status, application.ended) == (503, ["cut"])
    assert took < 3


def test_connections_leave_files_for_what_they_ask_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    assert most_connections() == 512
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert most_connections() == 65536
