"""The embedded engine behind the line: slots, prefix cache, grammar, bills; loading, killed in the middle, and back again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Self, cast

import jsonschema
import pytest

from headrace.app.processes.supervisor import Child, Supervisor
from headrace.config.layout import Layout
from headrace.core.errors import BadRequest, PromptTooLong, Unavailable, UpstreamFailed
from headrace.core.values import FinishReason, JsonSchema
from tests.providers.engine import engine, language
from tests.providers.waiting import until
from tests.support.rooms import Got, House, ask, house, received, stage
from tests.support.schemas import KEPT, REFUSED, field

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from pathlib import Path

    from headrace.finops.slots import SlotMeter
    from tests.providers.engine import Engine

STORY = "Write a very long story about a lighthouse keeper and a storm."
RISKY = (
    "odd names", "array", "tuple", "lengths", "pattern", "pattern with marks", "pattern with a class of marks", "integers between",
    "several types", "enum", "any of", "reference",
)  # fmt: skip
"""Schemas in which one thing each depends on the engine."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[Engine]:
    with engine(tmp_path_factory.mktemp("engine")) as running:
        yield running


@pytest.fixture
async def home(served: Engine) -> AsyncGenerator[House]:
    async with house(answer_within="120 s") as built:
        made = built.with_engine(served.socket, slots=served.slots)
        yield made
        await made.rooms.deployments["own"].model.close()


def meter(home: House) -> SlotMeter:
    return cast("SlotMeter", home.rooms.deployments["own"].meter)


async def test_four_answers_are_written_side_by_side(home: House, served: Engine) -> None:
    """Each of four has its first text before any of them has ended: nobody waits for somebody else's answer."""
    asked = [received("own", f"{STORY} ({n})", stream=True, max_tokens=40, temperature=0.0) for n in range(4)]
    got = [Got() for _ in asked]
    tasks = [asyncio.create_task(ask(each, home.rooms, so_far)) for each, so_far in zip(asked, got, strict=True)]
    await until(lambda: all(so_far.deltas for so_far in got), within=60)
    assert not any(so_far.answers for so_far in got)
    assert await served.active() == 4
    await asyncio.gather(*tasks)
    assert all(so_far.answer.usage.output > 10 for so_far in got)


async def test_bills_add_up_to_the_engines_busy_time(home: House, served: Engine) -> None:
    """Overlapping answers, one of them left by its client: what is billed is the time in which the engine worked, as it says itself."""
    busy, watched = 0.0, asyncio.Event()

    async def watch() -> None:
        nonlocal busy
        last, was = time.perf_counter(), False
        while not watched.is_set():
            now_active = await served.active() > 0
            now = time.perf_counter()
            busy += (now - last) * (was + now_active) / 2
            last, was = now, now_active

    async def one(n: int) -> str:
        await asyncio.sleep(0.15 * n)
        asked = received("own", f"{STORY} {n}", max_tokens=20 + 8 * n, temperature=0.0, stream=True)
        task = asyncio.create_task(ask(asked, home.rooms))
        if n == 2:
            await asyncio.sleep(0.3)
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return asked.call.request

    watching = asyncio.create_task(watch())
    requests = await asyncio.gather(*(one(n) for n in range(6)))
    await asyncio.sleep(0.05)
    watched.set()
    await watching
    ends = [await home.end(request) for request in requests]
    assert {end["outcome"] for end in ends} == {"answered", "cancelled"}
    billed = sum(end["usage"]["slot_us"] for end in ends) / 1e6
    assert billed == pytest.approx(meter(home).busy_seconds, rel=0.02)
    assert billed == pytest.approx(busy, rel=0.15), "the engine's own word, looked at from outside"
    paid = sum(Decimal(str(end["cost"]["amount"])) for end in ends)
    slots = sum(end["usage"]["slot_us"] for end in ends)
    assert abs(paid - Decimal("0.02") * slots / 3_600_000_000) < Decimal("1e-20")


async def test_a_prefix_that_was_read_is_not_read_again(home: House) -> None:
    long = " ".join(f"Fact {n}: house {n} has {n + 2} windows." for n in range(30))
    first = (await ask(received("own", f"{long} How many has house 3?", max_tokens=4), home.rooms)).answer.usage
    again = (await ask(received("own", f"{long} And house 7?", max_tokens=4), home.rooms)).answer.usage
    assert again.input_cached > 250
    assert again.input + again.input_cached == pytest.approx(first.input + first.input_cached, abs=10)
    assert again.input < 40


async def drawn(home: House, name: str, seed: int) -> None:
    """Whatever comes at a high temperature is valid, unless it was cut off at its length."""
    sampling = {"max_tokens": 40, "temperature": 1.5, "seed": seed, "format": JsonSchema(KEPT[name])}
    answer = (await ask(received("own", "Give a JSON.", **sampling), home.rooms)).answer
    if answer.finish is FinishReason.STOP:
        jsonschema.Draft202012Validator(KEPT[name]).validate(json.loads(answer.text))
    else:
        assert answer.usage.output == 40


async def test_a_schema_that_is_taken_is_kept(home: House) -> None:
    await asyncio.gather(*(drawn(home, name, 1) for name in RISKY))


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(KEPT))
async def test_every_schema_that_is_taken_is_kept(home: House, name: str) -> None:
    await asyncio.gather(*(drawn(home, name, seed) for seed in range(12)))


async def test_a_schema_that_cannot_be_kept_is_refused_before_anything_is_opened(home: House) -> None:
    schema, place = REFUSED["multiple of"]
    asked = received("own", "x", format=JsonSchema(schema), stream=True)
    with pytest.raises(BadRequest, match=f"multipleOf.*{place}"):
        await ask(asked, home.rooms)
    (record,) = await home.records(asked.call.request)
    assert (record["outcome"], record["error"], record["at"]) == ("refused", "request.unsupported_schema", "reserved")


async def test_any_object_is_json(home: House) -> None:
    answer = (await ask(received("own", "A person.", format=JsonSchema(None), max_tokens=200, seed=3), home.rooms)).answer
    if answer.finish is FinishReason.STOP:
        assert isinstance(json.loads(answer.text), dict)


async def test_a_prompt_that_does_not_fit_is_refused_with_the_numbers(home: House) -> None:
    asked = received("own", "word " * 1200, stream=True)
    with pytest.raises(PromptTooLong) as raised:
        await ask(asked, home.rooms)
    tokens = raised.value.facts["prompt_tokens"]
    assert isinstance(tokens, int)
    assert raised.value.message == f"The prompt takes {tokens} tokens; the deployment's context holds 1024 together."
    assert stage(await home.end(asked.call.request), "reserved")["context_tokens"] == 1024
    with pytest.raises(PromptTooLong, match="asks for 1020 more"):
        await ask(received("own", "x", max_tokens=1020), home.rooms)


async def test_the_longest_answer_that_fits_ends_at_its_length(home: House) -> None:
    asked = received("own", STORY, max_tokens=5, temperature=0.0)
    answer = (await ask(asked, home.rooms)).answer
    assert (answer.finish, answer.usage.output) == (FinishReason.LENGTH, 5)


async def test_stop_and_seed(home: House) -> None:
    counting = "Count: 1, 2, 3, 4, 5, 6,"
    stopped = (await ask(received("own", counting, stop=(",",), max_tokens=40, temperature=0.0), home.rooms)).answer
    assert "," not in stopped.text
    drawn = [(await ask(received("own", STORY, max_tokens=16, temperature=1.5, seed=seed), home.rooms)).answer.text for seed in (7, 7, 8)]
    assert drawn[0] == drawn[1] != drawn[2]


async def test_a_model_that_was_told_in_json_says_nothing_of_it_in_the_engines_log(tmp_path: Path) -> None:
    """Grammars that the library cannot read are made of what clients send: names in a schema are content."""
    canary = "CANARYNAME"
    with (tmp_path / "log").open("wb") as log:
        kept = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            with engine(tmp_path, slots=1, context=512) as running:
                schema = field({"type": "array", "items": {"const": canary}, "minItems": 100_000})
                body = {"messages": [{"role": "user", "content": canary}], "max_tokens": 4}
                wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
                said = await running.post("/v1/chat/completions", {**body, "response_format": wanted})
                assert "grammar" in said
        finally:
            os.dup2(kept, 2)
            os.close(kept)
    assert canary not in (tmp_path / "log").read_text(errors="replace")


class Supervised:
    """An engine under the supervisor that an installation has."""

    def __init__(self, folder: Path) -> None:
        self.layout = Layout(folder)
        self.supervisor = Supervisor(self.layout)
        self.socket = self.layout.socket("engine-own")
        form = {"model": "smollm2-135m-instruct", "slots": 2, "context": 1024}
        self.child = Child("engine-own", "headrace.app.processes.engine", ("--name", "engine-own", "--form", json.dumps(form)))

    async def __aenter__(self) -> Self:
        self.socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.supervisor.stop("engine-own")


async def _again(home: House, until_s: float = 30.0) -> tuple[str, set[str]]:
    """Ask until it is answered, as a client does; the text, and the codes of what came before."""
    codes: set[str] = set()
    deadline = time.monotonic() + until_s
    while time.monotonic() < deadline:
        try:
            return (await ask(received("own", "Say hello.", max_tokens=8), home.rooms)).answer.text, codes
        except (Unavailable, UpstreamFailed) as error:
            codes.add(error.code)
            await asyncio.sleep(0.02)
    raise AssertionError(codes)


async def test_an_engine_that_is_killed_in_the_middle_of_an_answer(tmp_path: Path) -> None:
    """A clear error with its record, never a hang; it is started again, longer and longer apart, and answers again."""
    language()
    async with Supervised(tmp_path) as own, house() as built:
        home = built.with_engine(own.socket, slots=2, context=1024)
        asked = received("own", "x")
        with pytest.raises(Unavailable) as loading:
            await ask(asked, home.rooms)
        assert loading.value.code == "internal.engine_loading"
        assert (await home.end(asked.call.request))["outcome"] == "failed"
        await own.supervisor.start(own.child)
        text, codes = await _again(home)
        assert text
        assert codes <= {"internal.engine_loading"}
        pauses = []
        for n in range(2):
            await _killed(home, own.supervisor.pids["engine-own"])
            began = time.monotonic()
            text, codes = await _again(home)
            pauses.append(time.monotonic() - began)
            assert text
            assert codes & {"internal.engine_unavailable", "internal.engine_loading"}
            assert own.supervisor.restarts["engine-own"] == n + 1
        assert pauses[0] > 0.2
        assert pauses[1] > 0.4
        assert home.rooms.deployments["own"].slots.busy == 0
        await home.rooms.deployments["own"].model.close()


async def _killed(home: House, pid: int) -> None:
    """Two answers are under way when the engine is killed; both end at once, with a record."""
    asked = [received("own", STORY, stream=stream, max_tokens=400, temperature=0.0) for stream in (True, False)]
    got = [Got(), Got()]
    tasks = [asyncio.create_task(ask(each, home.rooms, so_far)) for each, so_far in zip(asked, got, strict=True)]
    await until(lambda: len(got[0].deltas) > random.Random(pid).randint(1, 8), within=30)
    os.kill(pid, signal.SIGKILL)
    began = time.monotonic()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert time.monotonic() - began < 5
    for each, error in zip(asked, ended, strict=True):
        assert isinstance(error, UpstreamFailed)
        assert error.code in {"upstream.truncated", "upstream.broken"}
        record = await home.end(each.call.request)
        assert (record["outcome"], record["error"], record["at"]) == ("failed", error.code, "generated")
        assert error.receipt is not None
    written = await home.end(asked[0].call.request)
    assert written["usage"]["output"] > 0
    assert written["usage"]["slot_us"] > 0
    assert [each["kind"] for each in await home.records(asked[0].call.request)] == ["opened", "settled"]
