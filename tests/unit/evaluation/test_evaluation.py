"""What is measured of a deployment, what it earns by that, and who is told."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from headrace.adapters.weights.catalogue import LANGUAGE
from headrace.app.evaluation.measure import quoting
from headrace.app.evaluation.questions import Question, read
from headrace.app.evaluation.results import MEASURED, Counts, Result, earned, form_of, keep, kept, notes
from headrace.app.inside import catalogue
from headrace.config.layout import Layout
from headrace.config.model import Deployment, Workspace
from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

EMBEDDED = Deployment.model_validate({"deployment": "local", "embedded": {"model": "smollm2-135m-instruct"}})
CONNECTED = Deployment.model_validate({"deployment": "big", "provider": {"url": "http://127.0.0.1:9/v1", "model": "m"}})
KNOWLEDGE = {"sources": ["documents"]}


def workspace(**services: Mapping[str, object]) -> Workspace:
    """Services over one source and two deployments."""
    return Workspace.model_validate({
        "root": {"headrace": 1, "name": "test"},
        "people": {},
        "services": {name: {"service": name, **form} for name, form in services.items()},
        "deployments": {"local": EMBEDDED, "big": CONNECTED},
        "sources": {}, "models": {}, "policies": [],
    })  # fmt: skip


def drafting(deployment: str, **more: object) -> dict[str, object]:
    """A service that drafts."""
    return {"knowledge": {**KNOWLEDGE, "mode": "draft", **more}, "models": [{"deployment": deployment}]}


def result(draft: tuple[int, int, int] = (30, 1, 1), quote: tuple[int, int, int] = (28, 3, 1), **changes: Any) -> Result:
    """An evaluation of the connected deployment."""
    known = {"deployment": "big", "form": form_of(CONNECTED), "service": "d", "against": "q", "revision": "7f", "questions": "5a"}
    return Result(
        **{
            **known,
            "time_us": 1_764_000_000_000_000,
            "asked": 32,
            "draft": Counts(*draft),
            "quote": Counts(*quote),
            "drafted": 20,
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("measured", "mode"),
    [
        (result(), "draft"),
        (result(draft=(28, 3, 1)), "draft"),
        (result(draft=(30, 4, 0)), "quote"),
        (result(draft=(27, 1, 4)), "quote"),
        (result(drafted=0), "quote"),
        (result(drafted=15), "quote"),
        (result(drafted=16), "draft"),
        (result(asked=29), "not measured"),
    ],
)
def test_who_drafts_is_right_as_often_wrong_no_more_often_and_drafts_half_of_the_answers(
    measured: Result, mode: str, tmp_path: Path
) -> None:
    layout = Layout(tmp_path)
    layout.state.mkdir()
    keep(layout, measured)
    assert kept(layout, CONNECTED) == measured
    assert earned(layout, CONNECTED) == (mode, measured)


def test_without_a_measure_the_embedded_model_earns_quotes_and_nobody_knows_of_another(tmp_path: Path) -> None:
    assert earned(Layout(tmp_path), EMBEDDED) == ("quote", None)
    assert earned(Layout(tmp_path), CONNECTED) == ("not measured", None)
    assert MEASURED == LANGUAGE, "measure the new default: python benchmarks/drafts.py"
    own = Deployment.model_validate({"deployment": "local", "embedded": {"model": "of-our-own"}})
    assert earned(Layout(tmp_path), own) == ("not measured", None)


def test_a_deployment_that_changed_is_measured_anew(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.state.mkdir()
    keep(layout, result())
    changed = Deployment.model_validate({"deployment": "big", "provider": {"url": "http://127.0.0.1:9/v1", "model": "other"}})
    dearer = CONNECTED.model_copy(update={"about": "The same."})
    assert earned(layout, changed) == ("not measured", None)
    assert earned(layout, dearer)[0] == "draft"


def test_a_result_that_cannot_be_read_earns_nothing(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.evaluations.mkdir(parents=True)
    (layout.evaluations / "big.json").write_text("{")
    with pytest.raises(OperationFailed, match="cannot be read") as failed:
        kept(layout, CONNECTED)
    assert failed.value.code == "evaluate.unreadable"
    assert earned(layout, CONNECTED) == ("not measured", None)


def test_a_result_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.state.write_text("a file where the folder should be")
    with pytest.raises(OperationFailed) as failed:
        keep(layout, result())
    assert failed.value.code == "evaluate.unwritable"


def test_a_service_that_drafts_unearned_is_noted_and_no_other(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.state.mkdir()
    made = workspace(q={"knowledge": KNOWLEDGE}, plain={"models": [{"deployment": "big"}]}, small=drafting("local"), d=drafting("big"))
    first, second = notes(layout, made)
    assert 'services/d.yaml drafts with deployment "big", which is not measured' in first
    assert 'services/small.yaml drafts with deployment "local", which earns quotes' in second
    assert "headrace evaluate small --questions FILE" in second
    keep(layout, result())
    assert [each.partition(".yaml")[0] for each in notes(layout, made)] == ["services/small"]


def test_the_catalogue_tells_what_a_service_earns(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.state.mkdir()
    made = workspace(q={"knowledge": KNOWLEDGE}, d=drafting("big"), plain={"models": [{"deployment": "big"}]})
    assert (catalogue.offer(layout, made, made.services["q"]).mode, catalogue.offer(layout, made, made.services["plain"]).mode) == (
        "quote",
        "",
    )
    (before,) = catalogue.offer(layout, made, made.services["d"]).earned
    assert (before.deployment, before.mode, before.day) == ("big", "not measured", "")
    keep(layout, result())
    (after,) = catalogue.offer(layout, made, made.services["d"]).earned
    assert (after.mode, after.day, after.asked) == ("draft", "2025-11-24", 32)
    assert (after.draft, after.quote) == ({"right": 30, "wrong": 1, "silent": 1}, {"right": 28, "wrong": 3, "silent": 1})


def test_an_answer_is_judged_by_what_it_holds() -> None:
    asked = Question("How much?", ("40  Francs", "forty"))
    assert [asked.judge(*each) for each in (("It is 40 francs.", "draft"), ("It is 4.", "quote"), ("I did not find", "abstain"))] == [
        "right", "wrong", "silent",
    ]  # fmt: skip
    nothing = Question("What colour?", ())
    assert [nothing.judge("x", mode) for mode in ("abstain", "quote", "draft")] == ["right", "wrong", "wrong"]


@pytest.mark.parametrize(
    ("content", "code", "place"),
    [
        ("", "no_questions", "q.jsonl"),
        ('{"question": "a", "answers": []}\nno', "bad_question", "q.jsonl:2"),
        ('\n{"question": " ", "answers": ["x"]}', "bad_question", "q.jsonl:2"),
        ('{"question": "a", "answers": [" "]}', "bad_question", "q.jsonl:1"),
        ('{"question": "a", "answer": "x", "answers": []}', "bad_question", "q.jsonl:1"),
    ],
)
def test_a_bad_file_of_questions_is_told_by_its_line(content: str, code: str, place: str, tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(content)
    with pytest.raises(OperationFailed) as failed:
        read(path)
    assert failed.value.code == f"evaluate.{code}"
    assert str(failed.value.param).endswith(place)
    assert failed.value.mend


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OperationFailed, match=os.strerror(2)):
        read(tmp_path / "none")


def test_drafts_are_measured_against_quotes_from_the_same_sources() -> None:
    other = {"knowledge": {"sources": ["else"]}}
    made = workspace(a=other, q={"knowledge": KNOWLEDGE}, r={"knowledge": KNOWLEDGE}, d=drafting("big"))
    assert [each.service for each in quoting(made, "d", None)] == ["d", "q"]
    assert [each.service for each in quoting(made, "d", "r")] == ["d", "r"]
    for name, against, code in (("q", None, "no_drafts"), ("x", None, "no_drafts"), ("d", "a", "no_quotes"), ("d", "x", "no_quotes")):
        with pytest.raises(OperationFailed) as failed:
            quoting(made, name, against)
        assert failed.value.code == f"evaluate.{code}"
    with pytest.raises(OperationFailed, match="from the sources"):
        quoting(workspace(a=other, d=drafting("big")), "d", None)
    assert json.dumps(failed.value.mend)
