"""What an answer tells of itself is held against its record: whatever was changed is named, and what no record holds is said."""

from __future__ import annotations

import asyncio
import copy
import json
from typing import TYPE_CHECKING

import pytest

from headrace.evidence import verify
from headrace.evidence.verify.notes import Broken
from headrace.evidence.verify.told import UNPROVED, told_as_recorded
from tests.support.proven import Given, check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.proven import Json


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Given:
    return asyncio.run(Given().ask(tmp_path_factory.mktemp("workspace")))


def _told(answer: Json) -> Json:
    return answer["headrace"]


def _cited(answer: Json) -> Json:
    return answer["headrace"]["citations"][0]


CHANGES: dict[str, tuple[str, Callable[[Json], object]]] = {
    "service is": ("chat", lambda answer: _told(answer).update(service="help")),
    "revision is": ("numbers", lambda answer: _told(answer).update(revision="0" * 64)),
    "mode is": ("draft", lambda answer: _told(answer).update(mode="draft")),
    "confidence is": ("quote", lambda answer: _told(answer).update(confidence=0.99)),
    "citation 1 is": ("quote", lambda answer: _cited(answer).update(start=101)),
    "citation 2 is": ("quote", lambda answer: _told(answer)["citations"].append({**_cited(answer), "n": 2})),
    "number of citations is": ("quote", lambda answer: _told(answer)["citations"].clear()),
    "nearest place 3 is": ("abstain", lambda answer: _told(answer)["nearest"][2].update(version="0" * 64)),
    "nearest place 4 is": ("abstain", lambda answer: _told(answer)["nearest"].append(_told(answer)["nearest"][0])),
    "number of nearest places is": ("abstain", lambda answer: _told(answer)["nearest"].clear()),
    "sentence 1 is": ("draft", lambda answer: _told(answer)["sentences"][0].update(outcome="cited")),
    "passage 1 is": ("search", lambda answer: answer["passages"].reverse()),
    "passage 2 is": ("search", lambda answer: answer["passages"][1].update(version="0" * 64)),
    "passage 3 is": ("search", lambda answer: answer["passages"][2]["ranks"].update(bm25=1)),
    "passage 4 is": ("search", lambda answer: answer["passages"].append(answer["passages"][0])),
    "number of passages is": ("search", lambda answer: answer["passages"].pop()),
    "candidates are": ("search", lambda answer: _told(answer).update(candidates=50)),
    "index is": ("search", lambda answer: _told(answer).update(index=8)),
    "arms are": ("search", lambda answer: _told(answer)["arms"].pop()),
    "decision is": ("chat", lambda answer: _told(answer)["decision"].update(allowed=False)),
    "policies are": ("chat", lambda answer: _told(answer)["decision"].update(policies=["base/nobody"])),
    "obligations are": ("numbers", lambda answer: _told(answer)["decision"]["obligations"].append("mask")),
    "deployment is": ("chat", lambda answer: _told(answer)["route"].update(deployment="better")),
    "considered deployments are": ("chat", lambda answer: _told(answer)["route"].update(considered=2)),
    "finding 2 is": ("search", lambda answer: _told(answer)["findings"][1].update(action="mask")),
    "number of findings is": ("quote", lambda answer: _told(answer).update(findings="none")),
    "input tokens are": ("numbers", lambda answer: _told(answer)["usage"].update(input=1)),
    "cached input tokens are": ("chat", lambda answer: _told(answer)["usage"].update(input_cached=1)),
    "output tokens are": ("chat", lambda answer: _told(answer)["usage"].update(output=1)),
    "engine time is": ("chat", lambda answer: _told(answer)["usage"].update(slot_us=1)),
    "cost is": ("chat", lambda answer: _told(answer)["usage"]["cost"].update(amount="0")),
    "times are": ("chat", lambda answer: _told(answer)["stages"].update(generated=1)),
    "id is": ("chat", lambda answer: answer.update(id="req_other")),
    "second is": ("chat", lambda answer: answer.update(created=1)),
    "model is": ("numbers", lambda answer: answer.update(model="help")),
    "fingerprint is": ("chat", lambda answer: answer.update(system_fingerprint="0" * 64)),
    "finish reason is": ("chat", lambda answer: answer["choices"][0].update(finish_reason="length")),
    "tokens are": ("numbers", lambda answer: answer["usage"].update(total_tokens=1)),
}
"""By the words in which each is named; the answer that it is done to."""


@pytest.mark.parametrize("named", CHANGES)
def test_whatever_an_answer_tells_and_its_record_does_not_is_named(given: Given, tmp_path: Path, named: str) -> None:
    name, make = CHANGES[named]
    answer = copy.deepcopy(given.answers[name])
    make(answer)
    assert check(tmp_path, given, answer, given.proofs[name]) == (1, {"facts": f"the answer's {named} not the record's"})


@pytest.mark.parametrize("field", ["n", "version", "start", "end", "place"])
def test_a_citation_is_held_by_each_of_its_fields(given: Given, tmp_path: Path, field: str) -> None:
    answer = copy.deepcopy(given.answers["quote"])
    _cited(answer)[field] = 9
    assert check(tmp_path, given, answer, given.proofs["quote"])[1] == {"facts": "the answer's citation 1 is not the record's"}
    del _cited(answer)[field]
    assert check(tmp_path, given, answer, given.proofs["quote"])[1] == {"facts": "the answer's citation 1 is not the record's"}


@pytest.mark.parametrize("field", ["service", "mode", "citations", "findings", "stages"])
def test_what_was_taken_out_of_an_answer_is_named(given: Given, tmp_path: Path, field: str) -> None:
    answer = copy.deepcopy(given.answers["quote"])
    del answer["headrace"][field]
    code, broken = check(tmp_path, given, answer, given.proofs["quote"])
    said = {"stages": "times"}.get(field, field)
    assert (code, broken) == (1, {"facts": f"the answer does not tell the {said} that its record holds"})


def _record(given: Given, name: str) -> Json:
    return json.loads(given.proofs[name]["record"])


def test_what_was_compared_is_said_and_what_is_not_proved(given: Given) -> None:
    key = verify.read_key(given.key)
    said = {name: verify.verify({**given.proofs[name], "response": answer}, key)[2].why for name, answer in given.answers.items()}
    assert all(
        why.startswith("as in the record: service, revision, ") and why.endswith(f"; not proved, for no record has it: {UNPROVED}")
        for why in said.values()
    )
    assert not any("lacks" in why for why in said.values())
    assert {name for name, why in said.items() if "citations, nearest places" in why.split(";")[0]} == {"chat", "quote", "abstain", "draft"}
    assert {name for name, why in said.items() if ", passages, candidates, index, arms, " in why} == {"search"}


def test_what_an_older_record_lacks_is_not_compared_and_is_said(given: Given) -> None:
    answer, record = given.answers["quote"], _record(given, "quote")
    released = next(each for each in record["stages"] if each["stage"] == "released")
    del released["facts"]["citations"]
    del record["cost"]
    assert "; not compared, for this record lacks them: citations, cost; not proved" in told_as_recorded(answer, record)
    del record["usage"]
    del next(each for each in record["stages"] if each["stage"] == "generated")["facts"]["finish"]
    said = told_as_recorded(answer, record)
    assert "lacks them: citations, input tokens, cached input tokens, output tokens, engine time, cost, finish reason, tokens; not" in said
    del next(each for each in record["stages"] if each["stage"] == "checked")["facts"]["mode"]
    assert "lacks them: mode, citations, " in told_as_recorded(answer, record)


def test_a_record_that_holds_nothing_proves_nothing(given: Given) -> None:
    said = told_as_recorded(given.answers["search"], {})
    assert said.startswith("as in the record: ; not compared, for this record lacks them: service, revision, passages, ")
    assert told_as_recorded({"choices": ["?"], "headrace": {"stages": None}}, {"stages": "none"}).startswith(
        "as in the record: ; not proved"
    )


def test_the_name_of_a_sheet_is_not_in_the_record_and_its_cells_are(given: Given) -> None:
    answer, record = copy.deepcopy(given.answers["quote"]), _record(given, "quote")
    cited = next(each for each in record["stages"] if each["stage"] == "released")["facts"]["citations"][0]
    cited["place"] = "cells B2:D5"
    _cited(answer)["place"] = "sheet “Costs”, B2:D5"
    assert "citations" in told_as_recorded(answer, record)
    _cited(answer)["place"] = "sheet “Costs”, B2:D6"
    with pytest.raises(Broken, match="citation 1 is not"):
        told_as_recorded(answer, record)
    del cited["place"]
    assert "citations" in told_as_recorded(answer, record)


@pytest.mark.parametrize(("told", "held"), [("1", 750_000), (0.75, "750000"), (float("nan"), 750_000), (0.75, 10**400), (10**400, 750_000)])
def test_a_confidence_that_is_none_is_not_the_records(given: Given, told: object, held: object) -> None:
    answer, record = copy.deepcopy(given.answers["quote"]), _record(given, "quote")
    answer["headrace"]["confidence"] = told
    next(each for each in record["stages"] if each["stage"] == "grounded")["facts"]["confidence_ppm"] = held
    with pytest.raises(Broken, match="confidence is not"):
        told_as_recorded(answer, record)
