"""Documents at the quote: the exact characters, for those who may read them now."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from tests.support.consoles import HOSTILE, TEXTS, Browser

if TYPE_CHECKING:
    from tests.support.consoles import House, Page

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROLL_BACK = "handbook/how-to/roll-back.md"
LONG = "handbook/long.md"
SALARIES = "payroll/salaries.md"
ODD = next(name for name in TEXTS if "odd" in name)


def link(house: House, name: str, **more: object) -> str:
    return f"/console/document?{urlencode({'name': name, 'version': house.versions[name], **more})}"


def marked(page: Page) -> str:
    """The quoted characters on the page."""
    found = re.findall(r"<mark[^>]*>(.*?)</mark>", page.html, re.DOTALL)
    return "".join(found).replace("&#39;", "'").replace("&#34;", '"').replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@pytest.mark.parametrize("name", [ROLL_BACK, LONG, ODD])
@pytest.mark.parametrize(("start", "end"), [(0, 1), (24, 161), (10, 40)])
async def test_the_quote_is_the_exact_characters(house: House, ana: Browser, name: str, start: int, end: int) -> None:
    end = min(end, len(TEXTS[name]))
    page = await ana.get(link(house, name, start=start, end=end))
    assert page.status == 200
    assert marked(page) == TEXTS[name][start:end]
    assert page.attribute("mark", "id") == ["quote"]
    assert name in page.text


async def test_a_hostile_document_is_text(house: House, ana: Browser) -> None:
    start = TEXTS[ODD].index("<script>")
    page = await ana.get(link(house, ODD, start=start, end=start + len(HOSTILE)))
    assert marked(page) == HOSTILE
    assert "<script>alert" not in page.html
    assert not page.attribute("b", "onmouseover")
    assert not page.attribute("img", "onerror")
    assert ODD in page.text


async def test_a_long_document_opens_at_the_quote_and_leads_on(house: House, ana: Browser) -> None:
    text = TEXTS[LONG]
    start = text.index("Line 4000 ")
    page = await ana.get(link(house, LONG, start=start, end=start + 9))
    assert marked(page) == "Line 4000"
    assert len(page.html) < 200_000
    assert "Line 1 of" not in page.text
    later, earlier = (next(each for each in page.attribute("a", "href") if "at=" in each and n == i) for i, n in enumerate((0, 1)))
    for onward in (earlier, later):
        following = await ana.get(onward)
        assert following.status == 200
        assert "Earlier in the text" in following.text or "Later in the text" in following.text
    whole = next(each for each in page.attribute("a", "href") if "whole=1" in each)
    plain = await ana.get(whole)
    assert plain.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert plain.html == text


async def test_a_place_that_is_not_there_is_said(house: House, ana: Browser) -> None:
    for start, end in ((0, 10**6), (5, 5), (9, 3)):
        page = await ana.get(link(house, ROLL_BACK, start=start, end=end))
        assert page.status == 200
        assert "The place that was named does not exist in this version." in page.text
        assert not marked(page)
    for start, end in (("x", "y"), ("-1", "5"), ("1e3", "9"), ("", "")):
        page = await ana.get(link(house, ROLL_BACK, start=start, end=end))
        assert (page.status, marked(page)) == (200, "")


async def test_unknown_unreadable_and_gone_look_the_same(house: House, ana: Browser, ben: Browser) -> None:
    gone = f"/console/document?{urlencode({'name': ROLL_BACK, 'version': house.versions[LONG]})}"
    seen = {
        (page.status, page.html.partition("<main")[2])
        for page in (
            await ana.get(link(house, SALARIES)),
            await ana.get(link(house, SALARIES, whole=1)),
            await ana.get(link(house, SALARIES, start=0, end=4)),
            await ana.get(gone),
            await ana.get(f"/console/document?name={ROLL_BACK}&version={'0' * 64}"),
            await ana.get(f"/console/document?name={ROLL_BACK}&version=../../etc/passwd"),
            await ana.get(f"/console/document?name=../{ROLL_BACK}&version={house.versions[ROLL_BACK]}"),
            await ana.get("/console/document?name=handbook/nothing.md&version=x"),
            await ana.get("/console/document"),
            await ana.get(f"/console/document?name={'n' * 3000}&version=x"),
            await ben.get(link(house, ROLL_BACK)),
        )
    }
    assert len(seen) == 1
    ((status, html),) = seen
    assert status == 404
    assert "There is no such version of a document that you may read." in html
    assert "director" not in html


async def test_readers_are_todays(house: House) -> None:
    async with Browser(house.url) as dora:
        await dora.sign_in(house.key("dora"))
        page = await dora.get(link(house, SALARIES, start=0, end=10))
        assert (page.status, marked(page)) == (200, TEXTS[SALARIES][:10])


@pytest.mark.parametrize(
    ("services", "status"), [(("help",), 200), (("local", "help"), 200), (("local",), 404), (("gone",), 404), ((), 404)]
)
async def test_a_key_that_is_bound_to_services_opens_what_those_answer_from(house: House, services: tuple[str, ...], status: int) -> None:
    async with Browser(house.url) as bound:
        await bound.sign_in(house.key("dora", services=services))
        assert (await bound.get(link(house, SALARIES))).status == status


async def test_nobody_reads_without_a_session(house: House, stranger: Browser) -> None:
    page = await stranger.get(link(house, ROLL_BACK))
    assert page.status == 303
    assert page.headers["Location"].startswith("/console/sign-in?next=%2Fconsole%2Fdocument%3Fname")


async def test_answers_are_made_of_what_one_may_read(house: House, ana: Browser) -> None:
    question = "What is the salary of the director, in francs a month?"
    mine = await ana.ask(question)
    assert "9000" not in mine.text
    assert "payroll" not in mine.text
    async with Browser(house.url) as dora:
        await dora.sign_in(house.key("dora"))
        assert "9000 francs" in (await dora.ask(question)).text
