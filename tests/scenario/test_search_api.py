"""Searches over the API, against a whole installation: what is found, by whom it may be read, and what is kept of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.support.installation import Installation

SECRET = "AKIA" + "IOSFODNN7EXAMPLQ"


def search(installation: Installation, key: str, **asked: object) -> tuple[int, Any]:
    """Status and body."""
    return installation.post("/v1/headrace/search", key, **{"query": "How much is the annual fee?", **asked})


def test_passages_with_their_places_and_quotes(installation: Installation, key: str) -> None:
    status, found = search(installation, key, service="help", max_num_results=2)
    assert status == 200
    best = found["passages"][0]
    text = (installation.workspace.parent / "documents" / "fees.md").read_text()
    assert (best["document"], best["rank"]) == ("documents/fees.md", 1)
    assert text[best["start"] : best["end"]] == best["text"]
    quote = best["quotes"][0]
    assert text[quote["start"] : quote["end"]] == quote["text"] == "The annual fee is 40 francs."
    assert best["confidence"] == quote["confidence"] > 0.5
    assert "scores" not in best
    assert set(best["ranks"]) == {"bm25", "dense"}
    ours = found["headrace"]
    assert (ours["service"], ours["arms"], ours["decision"]["policies"]) == ("help", ["bm25", "dense"], ["base/members-may-ask"])
    record = installation.settled(ours["request"])
    assert (record["outcome"], record["service"], record["principal"]) == ("answered", "help", "ana")
    assert [each["stage"] for each in record["stages"]] == ["received", "admitted", "screened", "searched"]
    assert "francs" not in str(record)
    assert "annual" not in str(record)
    assert list(record["commitments"]) == ["prompt"]


def test_by_source_by_name_and_by_number(installation: Installation, key: str) -> None:
    assert search(installation, key, sources=["documents"])[1]["headrace"]["service"] == "drafts"  # the first by name
    for under, want in ((["documents/travel"], {"documents/travel.md"}), (["documents/none/"], set())):
        found = search(installation, key, service="help", under=under)[1]
        assert {each["document"] for each in found["passages"]} == want
        assert found["headrace"]["candidates"] == len(want)
    assert len(search(installation, key, service="help", max_num_results=1, quotes=0)[1]["passages"]) == 1
    assert search(installation, key, service="help", quotes=0)[1]["passages"][0]["confidence"] is None


def test_raw_scores_are_for_curators(installation: Installation, key: str) -> None:
    status, found = search(installation, key, service="help", scores=True)
    assert (status, found["error"]["code"], found["error"]["param"]) == (403, "policy.denied", "scores")
    assert found["error"]["headrace"]["what_would_allow_it"] == "membership of group curators"
    curator = installation.key("cara", groups=("members", "curators"))
    status, found = search(installation, curator, service="help", scores=True)
    assert status == 200
    assert set(found["passages"][0]["scores"]) >= {"bm25", "dense", "fused"}


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({}, (400, "request.missing", "service")),
        ({"service": "local"}, (400, "request.nothing_to_search", "service")),
        ({"service": "nowhere"}, (404, "request.unknown_model", "service")),
        ({"sources": ["nowhere"]}, (404, "request.unknown_model", "sources")),
        ({"service": "help", "sources": ["nowhere"]}, (404, "search.unknown_source", "sources[0]")),
        ({"service": "help", "max_num_results": 51}, (400, "request.invalid", "max_num_results")),
        ({"service": "help", "query": ""}, (400, "request.invalid", "query")),
        ({"service": "help", "query": f"where is {SECRET}"}, (403, "guard.secrets", "query")),
        ({"service": "help", "filter": "x"}, (400, "request.unknown_parameter", "filter")),
    ],
)
def test_what_cannot_be_searched_is_said(
    installation: Installation, key: str, asked: dict[str, object], wanted: tuple[int, str, str]
) -> None:
    status, found = search(installation, key, **asked)
    assert (status, found["error"]["code"], found["error"]["param"]) == wanted


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("question", "query"),
        ("k", "max_num_results"),
        ("top_k", "max_num_results"),
        ("model", "service"),
        ("Model", "service"),
        ("filters", "under"),
        ("ranking_options", "scores"),
        ("qeury", "query"),
        ("max_num_result", "max_num_results"),
    ],
)
def test_a_name_of_another_api_is_told_ours(installation: Installation, key: str, name: str, ours: str) -> None:
    status, found = search(installation, key, service="help", **{name: "x"})
    assert (status, found["error"]["code"], found["error"]["param"]) == (400, "request.unknown_parameter", name)
    assert found["error"]["headrace"]["mend"] == f'Did you mean "{ours}"?'
