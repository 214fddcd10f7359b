"""Asking through the page, with and without the script: the same answers, refusals, records."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from headrace.app.console.render import page as rendered
from headrace.app.http.ports.gateway import Offer
from headrace.core.values import Principal
from headrace.evidence.verify import standalone
from tests.support.consoles import ROLLBACK, Browser, console
from tests.support.rooms import SECRET

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.consoles import House, Page

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUESTION = "Which command returns the service to the revision before, within five seconds?"


async def events(browser: Browser, question: str, service: str) -> tuple[int, list[dict[str, str]]]:
    """What the script is sent."""
    form = (await browser.get("/console/")).fields["form"]
    page = await browser.post(
        "/console/ask", {"form": form, "question": question, "service": service}, Accept="application/x-ndjson", Origin=browser.url
    )
    assert page.headers["Content-Type"] == "application/x-ndjson"
    assert page.headers["Cache-Control"] == "no-store"
    return page.status, [json.loads(line) for line in page.html.splitlines()]


def request_of(page: Page) -> str:
    """The id of the answer on a page."""
    (found,) = [each for each in page.attribute("article", "id") if each.startswith("req_")]
    return found


async def test_only_what_may_be_asked_is_offered(ana: Browser, ben: Browser, house: House) -> None:
    assert (await ana.get("/console/")).attribute("input", "value").count("help") == 1
    offered = [value for value in (await ana.get("/console/")).attribute("input", "value") if value in {"closed", "extract", "local"}]
    assert offered == ["local"]
    theirs = await ben.get("/console/")
    assert [value for value in theirs.attribute("input", "value") if len(value) < 20] == ["local"]
    async with Browser(house.url) as zoe:
        await zoe.sign_in(house.key("zoe"))
        assert "There is no service that you may ask here." in (await zoe.get("/console/")).text


async def test_a_grounded_service_is_chosen_first_and_any_by_the_address(ana: Browser) -> None:
    def chosen(page: Page) -> list[str | None]:
        return [attributes["value"] for tag, attributes in page.tags if tag == "input" and "checked" in attributes]

    assert chosen(await ana.get("/console/")) == ["help"]
    assert chosen(await ana.get("/console/?service=local")) == ["local"]
    assert chosen(await ana.get("/console/?service=nothing")) == ["help"]


async def test_many_services_are_a_list() -> None:
    principal = Principal("ana", "person", "default", frozenset(), "hr_1")
    offers = [Offer(f"s{n}", "About & more" if n else "") for n in range(9)]
    content = {
        "principal": principal,
        "form": "f",
        "navigation": (),
        "offers": offers,
        "chosen": "s3",
        "few": False,
        "question": "",
        "said": None,
        "answer": None,
    }
    found = rendered("ask.html", content)
    assert '<option value="s3" selected>s3 – About &amp; more</option>' in found
    assert '<option value="s0">s0</option>' in found


async def test_a_quoted_answer_with_its_facts(house: House, ana: Browser) -> None:
    page = await ana.ask(QUESTION)
    assert page.status == 200
    for said in (
        "`headrace rollback support-answers` returns the service to the revision before, within five seconds",
        "[1] handbook/how-to/roll-back.md, line 3",
        "quoted: the sentences of the sources, word for word · confidence 0.",
        "base/members-may-ask",
        "none needed",
        "0 EUR · no tokens",
        "record ",
        "of log headrace.local/",
    ):
        assert said in page.text
    record = await house.end(request_of(page))
    assert (record["outcome"], record["service"], record["principal"]) == ("answered", "help", "ana")
    assert record["stages"][0]["facts"]["endpoint"] == "/console/ask"
    (link,) = [href for href in page.attribute("a", "href") if href.startswith("/console/document")]
    document = await ana.get(link.partition("#")[0])
    assert document.status == 200
    assert "quoted: line 1, characters" in document.text
    assert record["stages"][-1]["facts"]["citations"][0]["place"] == "line 3"
    followed = await ana.get(f"/console/requests/{request_of(page)}")
    assert "handbook/how-to/roll-back.md line 3, characters" in followed.text


async def test_a_document_says_which_requests_cited_it_as_far_as_one_may_inspect_them(house: House, ana: Browser) -> None:
    request = request_of(await ana.ask(QUESTION))
    history = f"/console/versions?{urlencode({'name': 'handbook/how-to/roll-back.md'})}"
    page = await ana.get(history)
    assert f"/console/requests/{request}" in page.attribute("a", "href")
    async with Browser(house.url) as dora:
        await dora.sign_in(house.key("dora"))
        page = await dora.get(history)
        assert "Cited lately By no request that you may inspect." in page.text
        assert request not in page.html


async def test_an_abstention_names_the_nearest(ana: Browser) -> None:
    page = await ana.ask("Wherefore do zebras philosophise nocturnally about revision tariffs?")
    assert "I did not find this" in page.text
    assert "abstained: nothing that you may read answers this" in page.text
    assert "The nearest that you may read" in page.text


async def test_a_generated_answer_with_its_price(house: House, ana: Browser) -> None:
    page = await ana.ask("What is the answer to this question?", "local")
    assert "The answer to this question is forty-two." in page.text
    assert "generated: written by a model, without sources" in page.text
    assert "0.0000054 EUR · 20 tokens in · 9 out" in page.text
    assert "good" in page.text
    assert (await house.end(request_of(page)))["outcome"] == "answered"


async def test_the_script_gets_the_answer_as_it_comes(house: House, ana: Browser) -> None:
    status, found = await events(ana, "What is the answer to this question?", "slow")
    assert status == 200
    assert found[0]["opened"].startswith("req_")
    assert "".join(each.get("delta", "") for each in found) == "The answer to this question is forty-two."
    assert len(found) > 4
    assert found[-1]["end"] == "answered"
    assert found[-1]["said"].startswith("Answered in ")
    assert "forty-two." in found[-1]["html"]
    records = [each["record"] for each in await house.ledger.find(found[0]["opened"])]
    assert [record["kind"] for record in records] == ["opened", "settled"]


async def test_the_scripts_answer_is_the_pages_answer(ana: Browser) -> None:
    _, found = await events(ana, QUESTION, "help")
    page = await ana.ask(QUESTION)
    assert found[-1]["said"].startswith("Answered with 1 source in ")
    for said in ("within five seconds", 'class="mark"', "handbook/how-to/roll-back.md", "base/members-may-ask", "Proof"):
        assert said in found[-1]["html"]
        assert said in page.html


@pytest.mark.parametrize(
    ("question", "service", "status", "code"),
    [
        ("", "local", 400, "request.missing"),
        (" \n ", "local", 400, "request.missing"),
        ("What?", "", 400, "request.missing"),
        ("What?", "nothing", 404, "request.unknown_model"),
        ("What?", "closed", 403, "policy.denied"),
        ("What?", "extract", 400, "request.schema_needed"),
        (f"Keep {SECRET} safe", "local", 403, "guard.secrets"),
        ("What?", "cut", 502, "upstream.truncated"),
    ],
)
async def test_whatever_goes_wrong_is_said(ana: Browser, question: str, service: str, status: int, code: str) -> None:
    page = await ana.ask(question, service)
    assert (page.status, code in page.text) == (status, True), page.text
    assert question.strip() in page.text
    assert page.attribute("div", "role").count("alert") == 1
    _, found = await events(ana, question, service)
    assert found[-1]["end"] == "failed"
    assert code in found[-1]["html"]
    assert SECRET not in found[-1]["html"]


async def test_a_refusal_names_its_record_and_what_was_found(house: House, ana: Browser) -> None:
    page = await ana.ask(f"Keep {SECRET} safe", "local")
    assert f"refused in the question (characters 5 to {5 + len(SECRET)})" in page.text
    request = page.attribute("div", "id")[0].removesuffix("-said")
    record = await house.end(request)
    assert (record["outcome"], record["error"]) == ("refused", "guard.secrets")


async def test_an_answer_that_a_guard_stops_keeps_what_was_let_out(ana: Browser) -> None:
    status, found = await events(ana, f"{'All is well so far. ' * 20} and {SECRET} is the key", "echo")
    assert status == 200
    text = "".join(each.get("delta", "") for each in found)
    assert text.startswith("All is well")
    assert SECRET not in text
    assert (found[-1]["end"], "guard.secrets" in found[-1]["html"]) == ("failed", True)


async def test_a_session_that_ends_is_told_to_the_script(stranger: Browser) -> None:
    page = await stranger.post("/console/ask", {"form": "x", "question": "What?", "service": "local"}, Accept="application/x-ndjson")
    assert page.status == 401
    (last,) = [json.loads(line) for line in page.html.splitlines()]
    assert (last["end"], 'href="/console/sign-in"' in last["html"]) == ("failed", True)


@pytest.mark.parametrize("accept", ["application/x-ndjson", "text/html"])
async def test_whoever_leaves_ends_the_work_and_the_record_says_cancelled(house: House, ana: Browser, accept: str) -> None:
    form = (await ana.get("/console/")).fields["form"]
    before, asked = house.provider.state.cancelled, house.provider.state.asked
    fields = {"form": form, "question": "What?", "service": "slow"}
    sent = ana._session.post(f"{ana.url}/console/ask", data=fields, headers={"Origin": ana.url, "Accept": accept})
    waiting = asyncio.ensure_future(sent.__aenter__())
    while house.provider.state.asked == asked:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    if waiting.done():
        waiting.result().close()
    waiting.cancel()
    async with asyncio.timeout(5):
        while house.provider.state.cancelled == before:
            await asyncio.sleep(0.01)
    metrics = house.inside.registry
    async with asyncio.timeout(5):
        while not metrics.get_sample_value("headrace_requests_total", {"service": "slow", "outcome": "cancelled", "code": ""}):
            await asyncio.sleep(0.01)


async def test_an_answer_that_outlives_the_server_is_told_so() -> None:
    async with console() as stopping, Browser(stopping.url) as browser:
        await browser.sign_in(stopping.key("ana"))
        asking = asyncio.ensure_future(events(browser, "What?", "hang"))
        while not stopping.provider.state.asked:
            await asyncio.sleep(0.01)
        stopping.serving.cancel()
        status, found = await asking
        assert (status, found[-1]["end"]) == (503, "failed")
        assert "Headrace is being stopped" in found[-1]["html"]


async def test_the_proof_is_one_file_that_verifies_offline(house: House, ana: Browser, tmp_path: Path) -> None:
    page = await ana.ask(QUESTION)
    proof = await ana.post("/console/proof", {name: page.fields[name] for name in ("form", "request", "opens")})
    assert proof.status == 200
    assert proof.headers["Content-Disposition"] == f'attachment; filename="{request_of(page)}.proof.json"'
    assert proof.headers["Content-Type"] == "application/json"
    bundle = tmp_path / "bundle.json"
    bundle.write_text(proof.html)
    pin = (house.folder / "log.vkey").read_text().strip()
    command = [sys.executable, "-I", "-c", standalone.source(), str(bundle), "--key", pin]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    opened: Mapping[str, object] = json.loads(proof.html)
    assert ROLLBACK[22:70] in str(opened["text"])
    bundle.write_text(json.dumps({**opened, "text": "Another answer."}))
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode == 1


async def test_a_proof_is_for_whoever_asked(ana: Browser, ben: Browser, house: House) -> None:
    request = request_of(await ana.ask(QUESTION))
    async with Browser(house.url) as dora:
        await dora.sign_in(house.key("dora"))
        for browser in (ben, dora):
            form = (await browser.get("/console/")).fields["form"]
            page = await browser.post("/console/proof", {"form": form, "request": request, "opens": ""})
            unknown = await browser.post("/console/proof", {"form": form, "request": f"req_{'0' * 26}", "opens": ""})
            assert page.status == unknown.status == 404
            assert page.text == unknown.text
    form = (await ana.get("/console/")).fields["form"]
    assert (await ana.post("/console/proof", {"form": form, "request": request})).status == 200
    for bad in ("", "req_1", "../../etc/passwd", f"req_{'0' * 26}\r\nX: y"):
        assert (await ana.post("/console/proof", {"form": form, "request": bad})).status == 404
    for opens in ("{", '{"text": 1}', '{"text": "", "prompt": "", "salts": {"a": "' + "0" * 200 + '"}}', '"\\ud800"'):
        page = await ana.post("/console/proof", {"form": form, "request": request, "opens": opens})
        assert (page.status, "cannot be read" in page.text) == (400, True)
