"""No record is longer than a bundle of the log can hold, whatever is in it, and what is left out is counted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from headrace.app.requests.telling import told
from headrace.core.errors import OperationFailed
from headrace.evidence import records
from headrace.evidence.bounds import MOST, bounded
from headrace.evidence.facts import RequestFacts
from headrace.evidence.listing import listed
from headrace.evidence.log.reader import LogReader
from headrace.evidence.log.tiles import LONGEST_ENTRY, bundle
from headrace.evidence.messages import Append
from headrace.ipc.client import Client
from tests.support import ledgers
from tests.unit.evidence.test_records import validate

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.core.values import Fact, Facts

FOUND: Facts = {
    "guard": "pii.email",
    "version": "1",
    "kind": "email",
    "origin": "prompt",
    "part": 0,
    "start": 100_000,
    "end": 100_020,
    "action": "mask",
}


def record(findings: int, **facts: Fact) -> Facts:
    screened: Facts = {"stage": "screened", "began_us": 3, "us": 9, "facts": {"findings": [dict(FOUND) for _ in range(findings)], **facts}}
    return {**ledgers.settled(texts={"prompt": (bytes(32), "a")}), "stages": [*ledgers.stages(), screened]}


def test_a_short_record_is_what_it_is() -> None:
    short = record(300)
    assert bounded(short) == records.canonical(short)


def test_of_items_that_are_large_themselves_none_is_kept() -> None:
    """The last that is tried: a list may be left out whole, and says how long it was."""
    large: Facts = {f"n{n}": {f"m{m}": "x" * 20 for m in range(32)} for n in range(32)}
    encoded = bounded(record(0, found=[large] * 5))
    assert len(encoded) <= MOST
    facts = json.loads(encoded)["stages"][-1]["facts"]
    assert (facts["found"], facts["found_left_out"]) == ([], 5)


def test_findings_beyond_what_fits_are_counted() -> None:
    whole = record(2_000)
    assert len(records.canonical(whole)) > LONGEST_ENTRY
    held = json.loads(bounded(whole))
    validate("record", held)
    facts = RequestFacts(held)
    assert (len(facts.findings), facts.findings_left_out, listed(facts).findings) == (256, 1_744, 2_000)
    assert told(facts.stages[-1], facts)[-1] == "1,744 more"
    kept = {name: value for name, value in whole.items() if name != "stages"}
    assert {name: held[name] for name in kept} == kept


LONG = some.text(max_size=12).map(lambda text: text * 3_000)
VALUES = some.one_of(
    LONG,
    some.integers(-(2**53) + 1, 2**53 - 1),
    some.none(),
    some.lists(LONG, max_size=3).map(lambda each: each * 30),
    some.lists(some.dictionaries(some.text(max_size=9), some.text(max_size=9), max_size=4), max_size=4).map(lambda each: each * 100),
    some.integers(0, 90).map(lambda size: {f"{n}": {"x": ["y" * 99] * 20} for n in range(size)}),
)


@given(facts=some.dictionaries(some.text(max_size=300), VALUES, max_size=6))
@settings(max_examples=20, deadline=None)
def test_whatever_is_in_it_has_a_place(facts: dict[str, Fact]) -> None:
    held = bounded(record(3, **facts))
    assert len(held) <= MOST
    opened = {**ledgers.opened("req_1"), "stages": json.loads(held)["stages"]}
    assert bundle([records.canonical(records.interrupted(opened, 2**53 - 1))]) is not None


async def test_the_ledger_refuses_what_no_bundle_holds(tmp_path: Path) -> None:
    folder, socket = tmp_path / "ledger", tmp_path / "l.sock"
    async with ledgers.serving(folder, socket) as client:
        receipt = await client.append(record(3_000))
        far = Client(socket, "ledger")
        with pytest.raises(OperationFailed, match="no place in the log") as refused:
            await far.call("append", _payload(records.canonical(record(3_000))), within=5)
        assert refused.value.code == "ledger.record_too_long"
        await far.call("append", _payload(b"x" * LONGEST_ENTRY), within=5)
        await far.close()
    with LogReader(folder) as reader:
        assert receipt.sequence == 0
        assert bundle([leaf for _, leaf in reader.since(0, 9)]) is not None


def _payload(content: bytes) -> bytes:
    return msgspec.msgpack.encode(Append("req_far", "settled", "gw_1", content))
