"""Texts that become vectors: the whole way over a real provider, and every way in which it ends otherwise."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING

import pytest

from headrace.core.errors import BadRequest, Forbidden, HeadraceError, NotFound, Overloaded, PromptTooLong, Refused, UpstreamFailed
from headrace.core.vectors import Texts
from headrace.pipeline import line
from tests.support.rooms import MAIL, SECRET, ask, received, stage, stages

if TYPE_CHECKING:
    from headrace.core.vectors import Embeddings
    from tests.support.rooms import House


async def embed(home: House, service: str, *texts: str, dimensions: int | None = None) -> Embeddings:
    return await line.embed(Texts(received(service, *texts), dimensions), home.rooms)


async def refused(home: House, kind: type[HeadraceError], service: str, *texts: str, code: str, at: str) -> HeadraceError:
    """The error and its one record; they agree, and hold nothing of the texts."""
    asked = Texts(received(service, *texts), None)
    with pytest.raises(kind) as raised:
        await line.embed(asked, home.rooms)
    record = await home.end(asked.received.call.request)
    assert (raised.value.code, record["error"], record["at"]) == (code, code, at)
    assert raised.value.receipt is not None
    assert "CONTENT" not in f"{raised.value} {record}"
    return raised.value


async def test_each_text_has_its_vector_and_the_record_its_price(home: House) -> None:
    made = await embed(home, "vectors", "four", f"to {MAIL}", dimensions=4)
    numbers = [struct.unpack("<4f", row) for row in made.vectors.rows]
    assert numbers == [(4, 0.25, 0.25, 0.25), (len("to [EMAIL_1]"), 0.25, 0.25, 0.25)]
    assert home.provider.state.last["input"] == ["four", "to [EMAIL_1]"]
    assert home.provider.state.last["dimensions"] == 4
    record = await home.end(made.call.request)
    assert stages(record) == ["received", "admitted", "screened", "routed", "reserved", "embedded"]
    assert stage(record, "embedded") == {
        "deployment": "good",
        "model": "good",
        "vectors": 2,
        "dimensions": 4,
        "input": 10,
        "slot_us": 0,
    }
    assert (record["usage"]["input"], record["cost"]["amount"]) == (10, f"{made.cost.amount:f}")
    assert set(record["commitments"]) == {"prompt", "answer"}


async def test_what_is_refused_on_the_way(home: House) -> None:
    await refused(home, NotFound, "nowhere", "x", code="request.unknown_model", at="admitted")
    await refused(home, BadRequest, "help", "x", code="request.service_writes", at="admitted")
    await refused(home, Refused, "vectors", "x", SECRET, code="guard.secrets", at="screened")
    await refused(home.forbidding(("ask", "vectors")), Forbidden, "vectors", "x", code="policy.denied", at="admitted")
    await refused(home.forbidding(("place", "good")), Forbidden, "vectors", "x", code="policy.no_placement", at="routed")
    with pytest.raises(BadRequest) as raised:
        await ask(received("vectors", "x"), home.rooms)
    assert raised.value.code == "request.service_embeds"


@pytest.mark.parametrize(
    ("behaviour", "kind", "code"),
    [
        ("500", UpstreamFailed, "upstream.failed"),
        ("429", UpstreamFailed, "upstream.rate_limited"),
        ("401", UpstreamFailed, "upstream.unauthorized"),
        ("too-long", PromptTooLong, "request.prompt_too_long"),
        ("refuse", BadRequest, "request.refused_upstream"),
        ("cut", UpstreamFailed, "upstream.garbage"),
        ("broken", UpstreamFailed, "upstream.garbage"),
        ("fault", UpstreamFailed, "upstream.garbage"),
        ("stall", UpstreamFailed, "upstream.garbage"),
        ("drop", UpstreamFailed, "upstream.garbage"),
    ],
)
async def test_a_provider_that_fails(home: House, behaviour: str, kind: type[HeadraceError], code: str) -> None:
    error = await refused(home, kind, f"vectors-{behaviour}", "a", "b", code=code, at="embedded")
    if code == "request.prompt_too_long":
        assert (error.param, error.facts["prompt_tokens"]) == ("input", 9001)


async def test_vectors_in_base64_are_read_too(home: House) -> None:
    made = await embed(home, "vectors-cached", "a")
    assert struct.unpack("<2f", made.vectors.rows[0]) == (1.0, 2.0)


async def test_no_free_slot_is_told(home: House) -> None:
    slots = home.rooms.embedders["good"].slots
    held = [slots.hold() for _ in range(8)]
    waiting = [asyncio.create_task(each.__aenter__()) for each in held]
    await asyncio.sleep(0)
    await refused(home, Overloaded, "vectors", "x", code="capacity.overloaded", at="reserved")
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    for each, took in zip(held, waiting, strict=True):
        if not took.cancelled():
            await each.__aexit__(None, None, None)
