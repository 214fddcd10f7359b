"""Drafts through a whole installation: answered, recorded, traced, measured."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from headrace.app.client.api import Api
from headrace.app.client.reading import facts_of, map_of, maps_of, text_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.installation import Installation

SAID = "The annual fee is 40 francs. The annual fee is 90 francs."


def test_a_draft_is_checked_by_the_knowledge_process_and_told_by_the_trace(installation: Installation, key: str) -> None:
    response = Api(installation.url, key).chat("drafts", SAID)
    facts = facts_of(response)
    assert text_of(response) == "The annual fee is 40 francs. [1]"
    assert (facts["mode"], map_of(facts["route"])["deployment"]) == ("draft", "echo")
    (cited,) = maps_of(facts["citations"])
    assert (cited["document"], cited["quote"]) == ("documents/fees.md", "The annual fee is 40 francs.")
    assert [(each["outcome"], each["reason"], each["cites"]) for each in maps_of(facts["sentences"])] == [
        ("cited", "", [1]),
        ("removed", "number", []),
    ]
    trace = installation.run("trace", str(facts["request"]))
    assert "2 sentences drafted: 1 cited, 1 removed (1 a figure that no source holds)" in trace


def test_a_service_that_drafts_is_measured_and_the_catalogue_tells(installation: Installation, key: str, tmp_path: Path) -> None:
    questions = tmp_path / "questions.jsonl"
    asked = [
        {"question": "How much is the annual fee?", "answers": ["40 francs"]},
        {"question": "Who won the cup in Brazil?", "answers": []},
    ]
    questions.write_text("\n".join(map(json.dumps, asked)))
    result = installation.json("evaluate", "drafts", "--questions", str(questions))
    assert (result["service"], result["against"], result["deployment"], result["earned"]) == ("drafts", "help", "echo", "not measured")
    assert result["draft"] == result["quote"] == {"right": 2, "wrong": 0, "silent": 0}
    assert "deployment echo: not measured; with fewer than 30 questions" in installation.run(
        "evaluate", "drafts", "--questions", str(questions), "--key", key
    )
    listed = {each["id"]: each["headrace"] for each in json.loads(installation.get("/v1/models", key)[1])["data"]}
    (told,) = listed["drafts"]["earned"]
    assert (listed["drafts"]["mode"], told["deployment"], told["mode"], told["asked"]) == ("draft", "echo", "not measured", 2)
    assert listed["help"]["mode"] == "quote"
    assert 'drafts.yaml drafts with deployment "echo", which is not measured' in installation.run("check")
