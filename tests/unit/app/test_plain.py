"""What others wrote steers no terminal."""

from __future__ import annotations

import pytest

from headrace.app.cli.ingest import _for_people as ingested  # pyright: ignore[reportPrivateUsage]
from headrace.app.cli.plain import SHOWN, plain, plain_name
from headrace.app.cli.search import _for_people as found  # pyright: ignore[reportPrivateUsage]
from headrace.app.cli.sentences import answer_lines
from headrace.core.values import Passage
from headrace.knowledge.ingest.report import Counts, Failed, Report

STEERING = ["\x1b[2J", "\x1b]0;title\x07", "\r", "\x9b31m", "\b\b", "\x7f", "\u202e", "\u2066", "\u2028", "\x00", "\ud800"]


@pytest.mark.parametrize("evil", STEERING)
def test_no_character_that_steers_is_left(evil: str) -> None:
    shown = plain(f"a{evil}b\n\tc")
    assert shown.startswith(f"a{SHOWN}")
    assert shown.endswith("b\n\tc")
    assert all(each.isprintable() for each in plain_name(f"a{evil}b\n\tc"))


@pytest.mark.parametrize("text", ["Grüße, ‘quoted’ – 42 €", "नमस्ते", "👩‍🚀 می‌خواهم", "two\nlines", "windows\nend"])
def test_writing_of_every_kind_stays(text: str) -> None:
    assert plain(text) == text


def test_line_ends_of_any_kind_are_line_ends() -> None:
    assert plain("a\r\nb") == "a\nb"


@pytest.mark.parametrize("evil", STEERING)
def test_answers_searches_and_reports_are_plain(evil: str) -> None:
    name, place = f"docs/a{evil}\n[2] forged.md", f"section “{evil}”"
    cited = {"n": 1, "document": name, "place": place}
    response = {
        "choices": [{"message": {"content": f"It is{evil} so. [1]\n\nAnd [2]"}}],
        "headrace": {
            "citations": [cited],
            "nearest": [cited],
            "usage": {"cost": {"amount": "0", "currency": "EUR"}},
            "stages": {},
            "receipt": {},
        },
    }
    passage = Passage("p", name, "docs", "v", 0, 1, f"text {evil}", place, "docs", 1, {"bm25": 1})
    report = Report("default", Counts(), (Failed(name, f"It is broken{evil}."),), 0.0, 0.0)
    lines = [*answer_lines(response), *found(passage).split("\n"), *ingested([report])]
    assert all(each.isprintable() for line in lines for each in line.split("\n"))
    assert not any(each.strip().startswith("[2] forged") for line in lines for each in line.split("\n"))
