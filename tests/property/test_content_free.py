"""Content never reaches the evidence: whatever is asked, found, written, masked or refused, and however it ends.

Every text of a request bears a canary of its own. Afterwards the log's database, the process's log and the errors are searched for each of
them, as it is and as its plain hash.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.core.errors import HeadraceError
from headrace.core.values import JsonSchema
from headrace.pipeline import line
from tests.providers.openai_server import FAULTS
from tests.support.examples import some
from tests.support.rooms import House, Texts, house, received

if TYPE_CHECKING:
    import pytest

    from headrace.core.flow import Received

ENDLESS = {"hang", "stall", "open", "endless"}
"""Behaviours that end by nothing but their client's leaving, or by a megabyte."""
SERVICES = st.sampled_from(
    ["help", "strict", "told", "extract", "two", "nothing", *(f"on-{name}" for name in FAULTS if name not in ENDLESS)]
)
ENDINGS = st.sampled_from(["whole", "streamed", "left", "left at once"])
WRAPPINGS = st.lists(
    st.sampled_from(["{}", "my mail is {}@example.org", "key AKIA{}", "password = {}9x!Q", "IBAN {}", "{}\n\n# {}"]), min_size=1, max_size=3
)


class Canaries:
    """Words that stand nowhere else."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.every: list[str] = []

    def new(self, place: str) -> str:
        """One more: sixteen capital letters, so that it also passes for part of a key."""
        digest = hashlib.sha256(f"{self._seed} {place} {len(self.every)}".encode()).digest()
        self.every.append("".join(chr(65 + byte % 26) for byte in digest[:16]))
        return self.every[-1]


async def run(home: House, asked: Received, ending: str) -> str:
    """Ask, and leave when the ending says so; what an error said."""
    said = ""
    with suppress(asyncio.CancelledError):
        try:
            async with asyncio.timeout(5), aclosing(line.answer(asked, home.rooms)) as events:
                async for _ in events:
                    if ending.startswith("left"):
                        break
        except HeadraceError as error:
            said = f"{error.code} {error.facts}"
    return said


@settings(max_examples=some(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(service=SERVICES, ending=ENDINGS, wrapped=WRAPPINGS, seed=st.integers(0, 2**32))
def test_no_text_is_in_any_evidence(service: str, ending: str, wrapped: list[str], seed: int, caplog: pytest.LogCaptureFixture) -> None:
    canaries = Canaries(seed)
    caplog.clear()
    with caplog.at_level(logging.DEBUG, logger="headrace"):
        evidence = asyncio.run(_evidence(canaries, service, ending, wrapped))
    evidence += caplog.text.encode()
    for canary in canaries.every:
        assert canary.encode() not in evidence, service
        assert hashlib.sha256(canary.encode()).hexdigest().encode() not in evidence
    assert b"SECRET-CONTENT" not in evidence


async def _evidence(canaries: Canaries, service: str, ending: str, wrapped: list[str]) -> bytes:
    async with house() as built:
        documents = [
            (f"handbook/{n}.md", "handbook", f"{canaries.new('passage')} is the answer to {word}.") for n, word in enumerate("abc")
        ]
        built.provider.state.pieces = (f"{canaries.new('answer')} ", f"mail {canaries.new('answer')}@example.org ", "end") * 9
        home = built.with_(retriever=Texts(documents))
        texts = [each.replace("{}", canaries.new("prompt")) for each in wrapped]
        name = service if service != "nothing" else canaries.new("model")
        schema = {"type": "object", "properties": {canaries.new("schema"): {"const": canaries.new("schema")}}}
        asked = received(name, *texts, stream=ending != "whole", format=JsonSchema(schema) if service == "extract" else None)
        said = await run(home, asked, ending)
        if service == "nothing":
            assert (await home.end(asked.call.request))["service"] == ""
        assert len([each for each in await home.records(asked.call.request) if each["kind"] != "opened"]) == 1
        log = b"".join(path.read_bytes() for path in (home.folder / "log").glob("log.db*"))
        assert asked.call.request.encode() in log, "what is searched is where records are"
        return log + said.encode() + repr(asked.call.sampling).encode()
