"""Records: their published form, and that they say nothing of the text."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import jsonschema
import pytest
from referencing import Registry, Resource

from headrace.core.values import Money, Usage
from headrace.evidence import records
from headrace.evidence.commitment import commit
from headrace.evidence.schemas import NAMES, schema
from tests.support import ledgers

if TYPE_CHECKING:
    from headrace.core.values import Facts


def validate(name: str, value: object) -> None:
    registry: Registry[object] = Registry().with_resources(
        [(str(schema(each)["$id"]), Resource.from_contents(schema(each))) for each in NAMES]
    )
    jsonschema.Draft202012Validator(schema(name), registry=registry).validate(value)


@pytest.mark.parametrize(
    "record",
    [
        ledgers.opened(),
        ledgers.settled(texts={"answer": (bytes(32), "a"), "prompt": (bytes(32), "b")}),
        ledgers.settled(outcome="refused"),
        records.interrupted(ledgers.opened(), 5),
        ledgers.act(),
    ],
    ids=lambda record: str(record["kind"]),
)
def test_a_record_keeps_to_its_schema(record: Facts) -> None:
    validate("record", json.loads(records.canonical(record)))


@pytest.mark.parametrize(
    "change", [{"answer": "text"}, {"outcome": "perhaps"}, {"time_us": 0.5}, {"kind": "opened"}, {"schema": "headrace/record/0"}]
)
def test_what_is_no_record_does_not(change: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        validate("record", {**ledgers.settled(), **change})


@pytest.mark.parametrize("name", NAMES)
def test_the_schemas_are_schemas(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))


def test_an_interruption_keeps_what_was_known() -> None:
    began = ledgers.opened("req_1", instance="gw_7")
    record = records.interrupted(began, 42)
    assert (record["request"], record["instance"], record["stages"], record["received_us"]) == (
        "req_1",
        "gw_7",
        began["stages"],
        began["received_us"],
    )
    assert (record["kind"], record["outcome"], record["error"], record["time_us"]) == (
        "interrupted",
        "interrupted",
        "internal.interrupted",
        42,
    )


def test_prices_are_exact_and_seconds_are_microseconds() -> None:
    record = records.settled(
        ledgers.head(), [], outcome="answered", error=None, usage=Usage(1, 0, 2, 1.5), cost=Money(Decimal("1E-7"), "EUR"), commitments={}
    )
    assert record["cost"] == {"amount": "0.0000001", "currency": "EUR"}
    assert record["usage"] == {"input": 1, "input_cached": 0, "output": 2, "slot_us": 1_500_000}


def test_a_commitment_says_nothing_without_its_salt() -> None:
    assert commit(bytes(32), "yes") != commit(b"\x01" + bytes(31), "yes")


def test_keys_beyond_the_basic_plane_are_ordered_by_utf16() -> None:
    assert records.canonical({"\ufb33": 1, "\U0001f600": {"\ufb33": [{"\ufb33": 1, "\U0001f600": 2}], "\U0001f600": None}}) == (
        '{"\U0001f600":{"\U0001f600":null,"\ufb33":[{"\U0001f600":2,"\ufb33":1}]},"\ufb33":1}'.encode()
    )


def test_half_of_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        records.canonical({"a": "\ud800"})
