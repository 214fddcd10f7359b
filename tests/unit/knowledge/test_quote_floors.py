"""What quotes and abstaining are worth, on a small part of SQuAD 2.0 (benchmarks/answers.py measures them in full, with search)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from headrace.adapters.embedders.minilm import MiniLM
from headrace.knowledge.quoting.quote import THRESHOLD, Quoter
from tests.providers.engine import embedder as weights
from tests.support.data import shared_data
from tests.support.quoting import passage

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from headrace.core.values import Passage

PARAGRAPHS, BESIDE = 60, 5


def rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def quoter() -> Generator[Quoter]:
    embedder = MiniLM(weights())
    yield Quoter(embedder)
    embedder.close()


@pytest.fixture(scope="module")
def paragraphs() -> list[Passage]:
    found = rows(shared_data("knowledge/grounded/squad2/corpus.jsonl"))
    return [passage(str(row["text"]), document=str(row["id"])) for row in found[:PARAGRAPHS]]


def test_the_right_sentence_comes_first_and_is_not_abstained_from(quoter: Quoter, paragraphs: list[Passage]) -> None:
    names = [each.document for each in paragraphs]
    first, among, abstained, asked = 0, 0, 0, 0
    for row in rows(shared_data("knowledge/grounded/squad2/queries.jsonl")):
        if not row["answerable"] or row["context_id"] not in names:
            continue
        at = names.index(str(row["context_id"])) // BESIDE * BESIDE
        beside = paragraphs[at : at + BESIDE]
        quotes = quoter.quotes(str(row["text"]), beside, 3)
        answers = [str(answer) for answer in row["answers"]]  # pyright: ignore[reportGeneralTypeIssues]
        right = [beside[q.passage].document == row["context_id"] and any(each in q.text for each in answers) for q in quotes]
        first, among, asked = first + right[0], among + any(right), asked + 1
        abstained += quotes[0].confidence < THRESHOLD
    assert asked > 150
    assert first / asked >= 0.72
    assert among / asked >= 0.85
    assert abstained / asked <= 0.09  # 3 % where it was calibrated; here fewer questions, and of the driest articles


def test_what_the_paragraphs_do_not_speak_of_is_abstained_from(quoter: Quoter, paragraphs: list[Passage]) -> None:
    questions = [str(row["text"]) for row in rows(shared_data("knowledge/support/banking77/test.jsonl"))[::40]]
    questions += [str(row["Question"]) for row in rows(shared_data("knowledge/grounded/truthfulqa.jsonl"))[::16]]
    quoted = 0
    for number, question in enumerate(questions):
        at = number * BESIDE % PARAGRAPHS
        quotes = quoter.quotes(question, paragraphs[at : at + BESIDE], 1)
        quoted += quotes[0].confidence >= THRESHOLD
    assert len(questions) > 100
    assert quoted / len(questions) <= 0.03
