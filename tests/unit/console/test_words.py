"""How facts read."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest

from headrace.app.console import words
from headrace.app.console.words import MEND, said
from headrace.app.http.ports.gateway import Earned, Offer
from headrace.core.errors import Forbidden, Refused, Unauthenticated
from headrace.core.flow import Answer, Call, Citation
from headrace.core.text import Action, Finding, Origin
from headrace.core.values import Decision, FinishReason, Mode, Money, Receipt, RequestId, Sampling, Usage

CITED = Citation(1, "handbook/a & b.md", "b4" * 32, 3, 14, "line 2", "quoted text")
ANSWER = Answer(
    call=Call(RequestId("req_1"), "/console/ask", "help", stream=True, received_us=1, client="other", sampling=Sampling()),
    revision="7f" * 32,
    text="quoted text [1]",
    finish=FinishReason.STOP,
    mode=Mode.QUOTE,
    confidence=0.9,
    citations=(CITED,),
    nearest=(),
    decision=Decision(allowed=True),
    deployment=None,
    considered=0,
    findings=(),
    usage=Usage(),
    cost=Money(Decimal(0), "EUR"),
    receipt=Receipt("log", 1, "leaf", 1, "signature"),
    salts={},
    stages_us={},
)


def plain(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0", "0 EUR"),
        ("0.000001", "0.000001 EUR"),
        ("0.1000", "0.1 EUR"),
        ("100", "100 EUR"),
        ("1E-7", "0.0000001 EUR"),
        ("12345.678", "≈ 12345.68 EUR"),
        ("0.00000185168333", "≈ 0.000001852 EUR"),
    ],
)
def test_amounts_say_no_more_than_they_hold(amount: str, shown: str) -> None:
    assert words.amount(Money(Decimal(amount), "EUR")) == shown


def test_tokens() -> None:
    assert words.tokens(Usage()) == "no tokens"
    assert words.tokens(Usage(input=1200, output=9)) == "1,200 tokens in · 9 out"
    assert words.tokens(Usage(input=8, input_cached=12, output=9)) == "8 + 12 cached tokens in · 9 out"


def test_counts_and_moments() -> None:
    assert words.count(1, "source") == "1 source"
    assert words.count(2000, "character") == "2,000 characters"
    assert words.arrived(1_790_000_000_123_456) == "2026-09-21 14:13:20.123 UTC"
    assert words.short("0123456789abcdef") == "0123456789ab"


def test_the_strip_of_stages_is_whole_and_in_proportion() -> None:
    found = words.bars({"a": 100, "b": 300, "c": 0, "d": 600})
    assert [(bar.start, bar.width) for bar in found] == [(0, 100), (100, 300), (400, 0), (400, 600)]
    assert [bar.slowest for bar in found] == [False, False, False, True]
    assert [bar.width for bar in words.bars({"a": 0})] == [0]


def test_small_stages_are_told_together() -> None:
    assert [(bar.name, bar.us) for bar in words.told({"a": 5000, "b": 40, "c": 30})] == [("a", 5000), ("rest", 70)]
    assert [bar.name for bar in words.told({"a": 5000})] == ["a"]


def test_the_mark_of_a_quote_leads_to_its_citation() -> None:
    found = words.linked(ANSWER)
    assert 'href="#req_1-1"' in found
    assert plain(found) == ANSWER.text


@pytest.mark.parametrize("text", ["see [2] there [1]", "a [1] b", "[9]\n\nlast", "<b>[1]</b> & [3]"])
def test_other_brackets_stay_text(text: str) -> None:
    found = words.linked(replace(ANSWER, text=text))
    assert plain(found) == text
    assert found.count("<a ") == text.endswith("[1]")


def test_lines_of_quoted_prose_are_joined_and_others_kept() -> None:
    prose = "A sentence of prose that was broken by the editor of its\nwriter goes on here. [1]"
    listed = "A sentence of prose that was broken by the editor of its\n- a point\n| a | row |"
    code = "```\na very long line of code that somebody wrote down here\nanother\n```"
    assert plain(words.linked(replace(ANSWER, text=prose))) == prose.replace("\n", " ")
    begun = "When it is\ndeleted, it goes. [1]"
    assert plain(words.linked(replace(ANSWER, text=begun))) == begun.replace("\n", " ")
    assert plain(words.linked(replace(ANSWER, text="say:\nthis"))) == "say:\nthis"
    assert plain(words.linked(replace(ANSWER, text=listed))) == listed
    assert plain(words.linked(replace(ANSWER, text=code))) == code
    assert plain(words.linked(replace(ANSWER, text=prose, mode=Mode.GENERATE))) == prose


@pytest.mark.parametrize("rule", ["| --- | --- |", "|:--|--:|"])
def test_a_table_is_shown_as_one_and_stays_what_it_is(rule: str) -> None:
    text = f"See:\n| Van | <b> |\n{rule}\n| Blue | a \\| b |\n|| 7 | [1]"
    found = words.linked(replace(ANSWER, text=text))
    assert plain(found) == text
    assert [cell.partition("</")[0] for cell in found.split('role="columnheader">')[1:]] == ["Van", "&lt;b&gt;"]
    assert [cell.partition("</")[0] for cell in found.split('role="cell">')[1:]] == ["Blue", "a \\| b", "", "7"]
    assert f'<span class="bars">{rule}\n</span>' in found
    assert found.count('role="row"') == 3
    assert found.count('class="mark"') == 1


@pytest.mark.parametrize("text", ["| a | b |", "| a |\n| b |\n| --- |x"])
def test_what_is_no_whole_table_stays_text(text: str) -> None:
    found = words.linked(replace(ANSWER, text=text))
    assert plain(found) == text
    assert "role=" not in found


def test_code_is_set_apart_and_stays_what_it_is() -> None:
    text = "Say `a <b>` or\n```console\n$ cat <x>\n[1]\n\n```\nthen `` ` `` and `open. [1]"
    found = words.linked(replace(ANSWER, text=text))
    assert plain(found) == text
    assert '<code class="inline">`a &lt;b&gt;`</code>' in found
    assert '<code class="block">```console' in found
    assert found.count("<code") == 2
    assert found.count('class="mark"') == 1


def test_names_break_behind_slashes() -> None:
    assert words.breakable("a/<b>/c") == "<bdi>a/<wbr>&lt;b&gt;/<wbr>c</bdi>"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("\u202egpj.exe", "U+202E"),
        ("a\tb", "U+0009"),
        ("a\x1b[2J", "U+001B"),
        ("a\u200bb", "U+200B"),
        ("\udce4.md", "U+DCE4"),
        ("\U000e0041", "U+E0041"),
    ],
)
def test_what_shows_nothing_in_a_name_is_made_visible(name: str, code: str) -> None:
    assert f'<span class="unprinted">{code}</span>' in words.breakable(name)
    assert code in words.visible(name)
    for shown in (str(words.breakable(name)), words.visible(name)):
        shown.encode()
        assert all(each.isprintable() for each in shown), ascii(shown)


@pytest.mark.parametrize("name", ["Käse/été.md", "مرحبا/دليل.md", "数据/报告.pdf", "a b.md", "👩.md"])
def test_a_name_in_any_language_stands_as_it_is(name: str) -> None:
    assert words.visible(name) == name


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "just now"), (7, "7 seconds ago"), (60, "1 minute ago"), (7300, "2 hours ago"), (200_000, "2 days ago"), (-5, "just now")],
)
def test_a_time_is_told_in_the_largest_unit(seconds: int, told: str) -> None:
    now = 1_764_000_000_000_000
    shown = words.ago(now - seconds * 1_000_000, now)
    assert f">{told}</time>" in shown
    assert 'title="2025-11-' in shown


def test_a_citation_links_to_its_very_characters() -> None:
    link = urlsplit(words.document_link(CITED))
    assert (link.path, link.fragment) == ("/console/document", "quote")
    assert parse_qs(link.query) == {"name": ["handbook/a & b.md"], "version": ["b4" * 32], "start": ["3"], "end": ["14"]}


def test_findings_say_what_kind_and_where_only() -> None:
    found = Finding("pii", "1", "email_address", Origin.PROMPT, 0, 14, 33, Action.MASK)
    assert words.finding(found) == "email address masked in the question (characters 14 to 33)"


def test_an_error_says_what_is_so_and_what_to_do() -> None:
    error = Refused(
        "A guard stopped it.",
        mend="Take the key out.",
        facts={"findings": (Finding("secrets", "1", "api-key", Origin.PROMPT, 0, 3, 20, Action.REFUSE),)},
    )
    error.request = "req_1"
    found = said(error)
    assert (found.status, found.message, found.mend, found.code, found.sign_in) == (
        403, "A guard stopped it.", "Take the key out.", "guard.refused", False,
    )  # fmt: skip
    assert found.facts.findings is not None
    assert words.finding(found.facts.findings[0]) == "api key refused in the question (characters 3 to 20)"


def test_what_speaks_to_programs_is_said_to_people() -> None:
    assert said(Forbidden("No.", mend="Use a service that GET /v1/models lists.")).mend == MEND["policy.denied"]
    assert said(Unauthenticated("Who?")).sign_in


def test_every_mark_of_a_draft_is_a_link() -> None:
    found = words.linked(replace(ANSWER, mode=Mode.DRAFT, text="One. [1] Two. [1][2] a[1]b"))
    assert found.count('<a class="mark"') == 2
    assert plain(found) == "One. [1] Two. [1][2] a[1]b"


def test_a_service_that_drafts_is_shown_with_what_its_deployments_earn() -> None:
    earned = (Earned("big", "draft", "2026-03-02", 64), Earned("small", "quote"), Earned("new", "not measured"))
    assert words.offer_mode(Offer("d", grounded=True, mode="draft", earned=earned)) == (
        "drafted from documents, each sentence checked · big earns drafts (64 questions, 2026-03-02)"
        " · small earns quotes · new is not measured"
    )
