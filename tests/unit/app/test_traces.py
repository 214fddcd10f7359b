"""The trace of a request: every line true by its record, however the request ended."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from headrace.app.cli.trace import command
from headrace.app.cli.traces import trace_lines
from headrace.app.requests.figures import duration
from headrace.app.requests.telling import found_where, told
from headrace.config.layout import Layout
from headrace.core.errors import Forbidden, HeadraceError
from headrace.core.search import Search
from headrace.core.vectors import Texts
from headrace.evidence import records
from headrace.evidence.facts import RequestFacts, StageFacts
from headrace.evidence.log.store import Entry
from headrace.pipeline import line
from tests.providers.waiting import until
from tests.support import ledgers
from tests.support.rooms import MAIL, SECRET, House, ask, house, received

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from headrace.core.flow import Received
    from headrace.core.values import Facts

RECEIPT = {"log": "headrace.local/5c1a", "sequence": 8114}


@pytest.fixture
async def home() -> AsyncGenerator[House]:
    async with house() as built:
        yield built


async def traced(home: House, asked: Received) -> dict[str, str]:
    """Ask; then every line of the trace by its name, without its times."""
    with suppress(HeadraceError):
        await ask(asked, home.rooms)
    found = (await home.ledger.find(asked.call.request))[-1]
    lines = trace_lines(found["record"], found["receipt"])
    assert all(re.match(r"[a-z]+ +(\+[0-9.,]+ ms|[0-9:.]{12})? *\S", line) for line in lines), lines
    return {line.split(" ", 1)[0]: line[26:] for line in lines}


async def lines_of(home: House, asked: Received) -> dict[str, str]:
    found = (await home.ledger.find(asked.call.request))[-1]
    return {line.split(" ", 1)[0]: line[26:] for line in trace_lines(found["record"], found["receipt"])}


async def test_a_search_says_what_was_found_where(home: House) -> None:
    asked = received("help", "How much is the annual fee in francs?")
    await line.find(Search(asked, (), (), limit=2, quotes=3, scores=False), home.rooms)
    lines = await lines_of(home, asked)
    assert lines["searched"] == "1 of 5 passages that the asker may read (bm25 #1, dense #1) · 1 quote · index v7"
    refused = received("help", "How much is the annual fee?")
    with suppress(Forbidden):
        await line.find(Search(refused, (), (), limit=2, quotes=3, scores=True), home.rooms)
    lines = await lines_of(home, refused)
    assert lines["searched"].endswith("policy does not allow it (policy.denied) · allowed with membership of group curators")


async def test_vectors_say_by_what_they_were_made(home: House) -> None:
    asked = received("vectors", "four", "words")
    await line.embed(Texts(asked, 4), home.rooms)
    assert (await lines_of(home, asked))["embedded"] == "2 vectors of 4 dimensions · by good on good · 10 tokens in"


def test_vectors_of_a_record_of_before_and_what_a_search_met() -> None:
    def said(name: str, facts: Facts) -> list[str]:
        return told(StageFacts(name, 1, 2, facts, ended=False), RequestFacts({}))

    made: Facts = {"vectors": 1, "dimensions": 384, "input": 7, "slot_us": 2300}
    assert said("embedded", made) == ["1 vector of 384 dimensions", "7 tokens in", "2.3 ms of the embedder"]
    finding: Facts = {"kind": "email_address", "action": "mask", "origin": "passage", "part": 0, "start": 1, "end": 4}
    found: Facts = {"candidates": 0, "arms": ["bm25"], "passages": [], "quotes": 0, "index": 7, "unmasked": 2, "findings": [finding]}
    assert said("searched", found) == [
        "0 of 0 passages that the asker may read (bm25)",
        "0 quotes",
        "index v7",
        "email address masked in the first passage, characters 1–4",
        "2 masks undone",
    ]


async def test_a_quote_from_question_to_proof(home: House) -> None:
    lines = await traced(home, received("help", "How much is the annual fee in francs?"))
    assert list(lines) == [
        "received", "admitted", "screened", "grounded", "routed", "reserved", "generated", "checked", "released", "settled",
    ]  # fmt: skip
    assert lines["received"] == (
        "POST /v1/chat/completions · whole · OpenAI/Python · 1 message, 37 characters · key hr_ana (ana, tenant default) · service help"
    )
    assert lines["admitted"] == "allowed by base/members-may-ask · revision 7f3c7f3c7f3c"
    assert lines["screened"] == "nothing found"
    assert lines["grounded"].startswith("2 of 5 passages (bm25 #1 #3, dense #1 #3) · confidence 0.67: enough to quote · index v7")
    assert "aws access key id refused in the fourth passage, characters 33–53" in lines["grounded"]
    assert lines["routed"] == "no model was needed"
    assert lines["reserved"] == "nothing needed reserving"
    assert lines["generated"] == "quoted: no model was needed"
    assert lines["checked"] == "nothing found · held back 256 characters at most"
    assert lines["released"] == "32 characters · 1 citation (line 3)"
    assert re.fullmatch(r"answered after [0-9.]+ ms · 0 EUR · record 0 of log headrace\.local/[0-9a-f]+", lines["settled"])


async def test_an_abstention(home: House) -> None:
    lines = await traced(home, received("help", "Who won the football match on Mars?"))
    assert "too little to quote" in lines["grounded"]
    assert lines["generated"] == "abstained: no model was needed"


async def test_a_stream_from_a_model(home: House) -> None:
    lines = await traced(home, received("told", f"Mail {MAIL}", stream=True))
    assert " · streamed · " in lines["received"]
    assert lines["screened"] == "email masked in the first message, characters 5–27"
    assert lines["routed"] == "echo: allowed (base/everything-may-run-here)"
    assert re.fullmatch(r"answer up to 512 tokens · slot after [0-9.]+ ms", lines["reserved"])
    assert re.fullmatch(r"20 tokens in, 9 out · first text after [0-9.]+ ms · it came to its end", lines["generated"])
    assert lines["released"] == "27 characters · 1 mask undone (base/askers-see-what-they-wrote)"
    assert "0.0000084 EUR" in lines["settled"]


async def test_what_a_model_told_of_itself(home: House) -> None:
    assert "8 tokens in and 12 from the prefix cache, 9 out" in (await traced(home, received("on-cached", "x")))["generated"]
    assert "9 out (counted here)" in (await traced(home, received("on-silent", "x")))["generated"]
    assert "the model's own filter ended it" in (await traced(home, received("on-filtered", "x")))["generated"]
    assert "cut at its length" in (await traced(home, received("on-obedient", "x", max_tokens=2)))["generated"]
    assert re.search(r"· [0-9]+ ms of the engine ·", (await traced(home, received("two", "x")))["generated"])
    home.provider.state.pieces = ()
    assert " · no text · " in (await traced(home, received("on-obedient", "x")))["generated"]


async def test_a_deployment_that_was_passed_over(home: House) -> None:
    lines = await traced(home.forbidding(("place", "slow")), received("two", "x"))
    assert lines["routed"] == (
        "good: first of 2 that policy allows (base/everything-may-run-here) · slow not: label internal may not go to placement here"
    )


async def test_refusals_say_who_why_and_where(home: House) -> None:
    unknown = await traced(home, received(SECRET, "x"))
    assert unknown["received"].endswith("a service that is not there")
    assert unknown["admitted"] == "refused: there is no such service (request.unknown_model)"
    denied = await traced(home.forbidding(("ask", "on-good")), received("on-good", "x"))
    assert denied["admitted"] == "refused: policy does not allow it (policy.denied) · by no/1"
    assert (await traced(home, received("extract", "x")))["admitted"] == "refused: request.schema_needed"
    guarded = await traced(home, received("on-good", f"x {SECRET}"))
    assert guarded["screened"] == "refused: guard secrets stopped it · aws access key id refused in the first message, characters 2–22"
    placed = await traced(home.forbidding(("place", "slow"), ("place", "good")), received("two", "x"))
    assert placed["routed"] == "refused: no deployment may be given this text (policy.no_placement) · tried slow, good"
    long = await traced(home, received("on-too-long", "x", stream=True))
    assert long["generated"] == "refused: the prompt does not fit (request.prompt_too_long)"
    assert long["released"] == "0 characters sent"
    for lines in (unknown, denied, guarded, placed, long):
        assert lines["settled"].startswith("refused after ")


async def test_a_guard_that_stopped_the_output(home: House) -> None:
    home.provider.state.pieces = ("The key is AKIA", "IOSFODNN", "7EXAMPLQ")
    lines = await traced(home, received("on-obedient", "x"))
    assert lines["checked"].startswith("refused: guard secrets stopped it · aws access key id refused in the answer, characters 11–31")
    assert lines["released"] == "nothing was sent"


async def test_failures(home: House) -> None:
    cut = await traced(home, received("on-cut", "x", stream=True))
    assert re.match(
        r"failed: the model's answer broke off \(upstream\.truncated\) · 0 tokens in, [123] out \(counted here\)", cut["generated"]
    )
    assert cut["generated"].endswith("broken off")
    assert re.fullmatch(r"[0-9]+ characters sent", cut["released"])
    assert cut["settled"].startswith("failed after ")
    assert (await traced(home, received("on-429", "x")))[
        "generated"
    ] == "failed: the provider took no more requests (upstream.rate_limited)"


async def test_a_client_that_left(home: House) -> None:
    asked = received("on-stall", "x")
    task = asyncio.create_task(ask(asked, home.rooms))
    await until(lambda: home.provider.state.active == 1)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    found = (await home.ledger.find(asked.call.request))[-1]
    lines = "\n".join(trace_lines(found["record"], found["receipt"]))
    assert "generated" in lines
    assert "ended: the client left (request.cancelled)" in lines
    assert "cancelled after" in lines


def ending(at: str, code: str, facts: Facts, outcome: str = "refused") -> str:
    """The line of the room that ended a request, for records that are rare."""
    record = {
        **ledgers.settled(outcome=outcome),
        "at": at,
        "error": code,
        "stages": [{"stage": at, "began_us": 3, "us": 12_345, "facts": facts}],
    }
    return trace_lines(record, RECEIPT)[0]


def test_rooms_that_end_a_request_tell_what_their_errors_know() -> None:
    assert ending("reserved", "request.prompt_too_long", {"prompt_tokens": 250, "answer_tokens": 7, "context_tokens": 256}) == (
        "reserved   +12 ms         refused: the prompt does not fit (request.prompt_too_long) · "
        "prompt 250 tokens and max_tokens asks for 7, the context holds 256"
    )
    assert ending("reserved", "request.prompt_too_long", {"prompt_tokens": 9, "answer_tokens": None, "context_tokens": 8}).endswith(
        "· prompt 9 tokens, the context holds 8"
    )
    assert ending("reserved", "capacity.overloaded", {}) == (
        "reserved   +12 ms         refused: no slot came free in time (capacity.overloaded)"
    )
    assert ending("reserved", "capacity.overloaded", {"queue": 4}).endswith("(capacity.overloaded)")
    assert ending("admitted", "policy.denied", {"policies": [], "what_would_allow_it": "membership of group members"}).endswith(
        "· allowed with membership of group members"
    )
    assert ending("routed", "policy.no_placement", {"x": 1}).endswith("(policy.no_placement)")
    assert ending("grounded", "internal.quote_mismatch", {"n": 3}, "failed").endswith("failed: internal.quote_mismatch · n 3")
    assert ending("dreamt", "internal.error", {"n": [1, 2], "at_us": 0, "none": None, "empty": []}, "failed").endswith(
        "n 1, 2 · at 1970-01-01 00:00:00 · empty none"
    )


def test_an_answer_that_could_not_be_recorded() -> None:
    record = {**ledgers.settled(outcome="failed"), "at": "settled", "error": "internal.ledger_unavailable"}
    lines = trace_lines(record, RECEIPT)
    assert lines[-2] == f"{'settled':<26}failed: the ledger was not there when it was to be recorded (internal.ledger_unavailable)"
    assert lines[-1].endswith("record 8,114 of log headrace.local/5c1a")


def test_sentences_for_what_is_told_seldom() -> None:
    counted = {"prompt_tokens": 20, "answer_tokens": 6, "context_tokens": 256, "waited_us": 1500, "most": "0.01"}
    record = {
        **ledgers.settled(),
        "stages": [
            {"stage": "admitted", "us": 5, "facts": {"policies": ["a", "b"], "obligations": ["cite"], "revision": "7f"}},
            {"stage": "grounded", "us": 5, "facts": {"mode": "other", "passages": [{"ranks": {"bm25": 1}}, {"ranks": {"dense": 2}}]}},
            {"stage": "reserved", "us": 5, "facts": counted},
            {"stage": "generated", "us": 5, "facts": {"mode": "other"}},
            {
                "stage": "checked",
                "us": 5,
                "facts": {"findings": [{"kind": "email", "action": "drop", "origin": "tool", "start": 0, "end": 1}]},
            },
        ],
    }
    lines = [line[26:] for line in trace_lines(record, RECEIPT)]
    assert lines[:5] == [
        "allowed by a, b · obliged to cite · revision 7f",
        "2 of 0 passages (bm25 #1 –, dense – #2) · confidence 0.00: mode other · index vNone",
        "prompt 20 and answer up to 6 of 256 tokens · slot after 1.5 ms · 0.01 at most",
        "other",
        "email drop in the tool, characters 0–1",
    ]
    assert [duration(us) for us in (49, 9_940, 10_400, 1_234_567, 69_938_000)] == ["0.0 ms", "9.9 ms", "10 ms", "1235 ms", "69.9 s"]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace whose log has a request that is under way, one that was interrupted, one that was answered, and an act."""
    store = ledgers.store(Layout(tmp_path).ledger)
    under_way, broken = ledgers.opened("req_open"), ledgers.opened("req_broken")
    act = records.act(
        "keys.create",
        act_id="req_act",
        time_us=ledgers.NOW_US,
        by="root",
        facts={"key": "hr_k3", "services": None, "expires_us": 1_790_000_000_000_000},
    )
    bare = records.act("ledger.begin", act_id="req_bare", time_us=ledgers.NOW_US, by="root", facts={})
    written = [under_way, broken, records.interrupted(broken, ledgers.NOW_US + 9_000_000), ledgers.settled("req_done"), act, bare]
    store.append([Entry(str(r["request"]), str(r["kind"]), "gw_1", records.canonical(r)) for r in written], ledgers.NOW_US)
    store.close()
    return tmp_path


def run(workspace: Path, *words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(command, [*words, "--workspace", str(workspace)])
    return done.exit_code, done.stdout, done.stderr


def test_the_command_verifies_what_it_shows(workspace: Path) -> None:
    code, out, _ = run(workspace, "req_done")
    assert code == 0
    assert "receipt and place verified in the checkpoint over 6" in out.splitlines()[-1]
    with closing(sqlite3.connect(Layout(workspace).ledger / "log.db", isolation_level=None)) as database:
        database.execute("UPDATE entries SET record = CAST(replace(record, 'answered', 'refusing') AS BLOB) WHERE request = 'req_done'")
    assert "record BROKEN: " in run(workspace, "req_done")[1].splitlines()[-1]


def test_requests_that_have_no_end_of_their_own(workspace: Path) -> None:
    opened = run(workspace, "req_open")[1].splitlines()[-1]
    assert re.match(r"opened +[0-9:.]+ +it is under way, or its gateway has ended and none has started since · record 0 of log", opened)
    assert "verified" not in opened
    broken = run(workspace, "req_broken")[1].splitlines()[-1]
    assert re.match(
        r"interrupted [0-9:.]+ +its gateway ended in the middle: what left after the opening is not known · record 2 of", broken
    )
    assert "verified" in broken


def test_an_act_is_told_with_who_did_what(workspace: Path) -> None:
    act = run(workspace, "req_act")[1].splitlines()
    assert re.fullmatch(r"act +[0-9:.]{12} +keys\.create by root", act[0])
    assert re.fullmatch(r"facts +expires 2026-09-21 [0-9:]{8} · key hr_k3", act[1])
    assert re.match(r"settled +record 4 of log .* · receipt and place verified", act[2])
    assert len(run(workspace, "req_bare")[1].splitlines()) == 2


def test_json_is_every_record_with_its_receipt(workspace: Path) -> None:
    found = json.loads(run(workspace, "req_broken", "--json")[1])
    assert [each["record"]["kind"] for each in found] == ["opened", "interrupted"]
    assert found[1]["receipt"]["sequence"] == 2


def test_what_is_not_there_is_said_so(workspace: Path, tmp_path: Path) -> None:
    assert run(workspace, "req_none")[0] == 1
    assert "There is no record of req_none. Ids look like req_01J…" in run(workspace, "req_none")[2]
    assert "has no ledger yet" in run(tmp_path / "nowhere", "req_none")[2]


@pytest.mark.parametrize(
    ("part", "origin", "place"),
    [
        (0, "prompt", "first message"),
        (9, "prompt", "tenth message"),
        (10, "prompt", "11th message"),
        (20, "prompt", "21st message"),
        (111, "prompt", "112th message"),
        (102, "prompt", "103rd message"),
        (1, "passage", "second passage"),
        (0, "output", "answer"),
        (0, "elsewhere", "elsewhere"),
    ],
)
def test_where_a_guard_found_something_is_said_as_people_count(part: int, origin: str, place: str) -> None:
    found = {"kind": "email_address", "action": "flag", "origin": origin, "part": part, "start": 16, "end": 36}
    assert found_where(found) == f"email address flagged in the {place}, characters 16–36"
