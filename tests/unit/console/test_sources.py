"""Sources and documents: what is there for whom, and nothing of what is not."""

from __future__ import annotations

import contextlib
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import pytest

from headrace.knowledge.ingest.manifest import Entry, Manifest, Row
from tests.support.consoles import EARLIER, TEXTS, UNREAD, Browser

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.support.consoles import House, Page

pytestmark = pytest.mark.asyncio(loop_scope="module")

JUNE, MAY, WARNINGS, SALARIES = "archive/minutes/june.md", "archive/minutes/\u202emay.md", "archive/hr/warnings.md", "payroll/salaries.md"


def versions(name: str) -> str:
    return f"/console/versions?{urlencode({'name': name})}"


def main(page: Page) -> str:
    return page.html.partition("<main")[2]


def ways(page: Page) -> list[str]:
    return [href for href in page.attribute("a", "href") if href.startswith("/console/sources/")]


@contextlib.asynccontextmanager
async def signed(house: House, holder: str, tenant: str = "default", services: tuple[str, ...] | None = None) -> AsyncGenerator[Browser]:
    async with Browser(house.url) as browser:
        await browser.sign_in(house.key(holder, tenant, services=services))
        yield browser


async def test_a_reader_sees_its_sources_and_counts_of_what_it_may_read(ana: Browser) -> None:
    page = await ana.get("/console/sources")
    assert page.status == 200
    assert ways(page) == ["/console/sources/archive", "/console/sources/handbook"]
    assert "2 sources with 5 documents that you may see." in page.text
    assert "payroll" not in page.html


async def test_a_source_tells_a_reader_nothing_of_what_is_not_for_it(ana: Browser) -> None:
    page = await ana.get("/console/sources/archive")
    assert page.status == 200
    assert "2 documents in 2 passages that you may read" in page.text
    assert "as a member of members" in page.text
    for hidden in ("hr/", "warnings", "directors", "july", "encrypted", "zoe", "not read", "texts"):
        assert hidden not in main(page), hidden
    for asked in ("?state=unread", "?path=july", "?path=warnings", "?path=hr"):
        found = await ana.get(f"/console/sources/archive{asked}")
        assert (found.status, "warnings.md" in found.html, "july.pdf" in found.html) == (200, False, False)


async def test_who_is_named_reads_and_who_is_not_does_not(house: House) -> None:
    async with signed(house, "zoe") as zoe:
        assert ways(await zoe.get("/console/sources")) == ["/console/sources/archive"]
        page = await zoe.get("/console/sources/archive")
        assert "because you are named" in page.text
    async with signed(house, "dora") as dora:
        page = await dora.get("/console/sources/archive")
        assert "hr/" in main(page)
        assert "3 documents" in page.text


async def test_a_curator_sees_everything_with_what_is_wrong_and_its_mend_but_no_text(house: House) -> None:
    async with signed(house, "cuno") as cuno:
        assert ways(await cuno.get("/console/sources")) == [f"/console/sources/{name}" for name in ("archive", "handbook", "payroll")]
        page = await cuno.get("/console/sources/archive?state=unread")
        for told in (
            "minutes/",
            "july.pdf",
            "It is encrypted.",
            "save it anew",
            "you look after it, and may not read it",
            "hr/**: group directors",
            "1 not read",
            "texts",
        ):
            assert told in page.text, told
        assert "june.md" not in page.text
        page = await cuno.get(versions(UNREAD))
        assert "It is encrypted." in page.text
        assert "No version is kept." in page.text
        page = await cuno.get(versions(WARNINGS))
        assert "group directors: the rule for hr/** holds; you are not among them, and look after the source" in page.text
        assert not [href for href in page.attribute("a", "href") if "/console/document" in href]
        for version in (house.versions[WARNINGS], house.versions[JUNE]):
            for name in (WARNINGS, JUNE):
                asked = urlencode({"name": name, "version": version})
                assert (await cuno.get(f"/console/document?{asked}")).status == 404


async def test_the_versions_of_a_document_open_its_text_as_it_was(ana: Browser) -> None:
    page = await ana.get(versions(JUNE))
    assert page.status == 200
    opened = [await ana.get(href) for href in dict.fromkeys(page.attribute("a", "href")) if "/console/document" in href]
    assert [EARLIER.strip() in each.text for each in opened] == [False, True]
    assert TEXTS[JUNE].strip() in opened[0].text
    assert "holds now" in page.text
    assert page.text.count(" UTC") >= 3


async def test_unknown_and_forbidden_look_the_same(house: House, ana: Browser, ben: Browser) -> None:
    async with signed(house, "ana", services=("local",)) as bound:
        sources = {
            main(await browser.get(f"/console/sources/{name}"))
            for browser, name in (
                (ana, "payroll"), (ana, "nothing"), (ana, "%25"), (ana, "a" * 300), (ben, "archive"), (bound, "archive")
            )
        }  # fmt: skip
        assert len(sources) == 1
        assert "There is no such source that you may read." in sources.pop()
        documents = {
            (page.status, main(page))
            for page in (
                await ana.get(versions(WARNINGS)),
                await ana.get(versions(SALARIES)),
                await ana.get(versions(UNREAD)),
                await ana.get(versions("archive/nothing.md")),
                await ana.get(versions("archive")),
                await ana.get(versions("archive/" + "n" * 3000)),
                await ana.get("/console/versions"),
                await ben.get(versions(JUNE)),
                await bound.get(versions(JUNE)),
            )
        }
        assert len(documents) == 1
        ((status, html),) = documents
        assert (status, "There is no such document that you may read." in html) == (404, True)
        assert "Sources" not in (await bound.get("/console/")).text
    assert "Sources" not in (await ben.get("/console/")).text
    assert (await ben.get("/console/sources")).status == 200


async def test_a_key_that_is_bound_to_a_service_sees_what_it_answers_from(house: House) -> None:
    async with signed(house, "dora", services=("help",)) as bound:
        assert ways(await bound.get("/console/sources")) == ["/console/sources/handbook", "/console/sources/payroll"]
        assert (await bound.get(versions(WARNINGS))).status == 404
    async with signed(house, "cuno", services=("help",)) as bound:
        assert ways(await bound.get("/console/sources")) == []  # a bound key curates nothing


async def test_names_are_shown_apart_and_what_cannot_be_seen_is_visible(ana: Browser) -> None:
    for page in (await ana.get("/console/sources/archive"), await ana.get(versions(MAY))):
        assert '<span class="unprinted">U+202E</span>may.md</bdi>' in page.html
        assert "\u202e" not in page.html.replace(quote("\u202e"), "")
    page = await ana.get(f"/console/document?{urlencode({'name': MAY, 'version': 'x'})}")
    assert page.status == 404


async def test_twenty_thousand_documents_come_in_pages(house: House, ana: Browser) -> None:
    rows = [Row(f"handbook/many/{n:05}.md", "handbook", "s", "c", "r", "0" * 64, "handbook", "", 1, 1) for n in range(20_000)]
    with closing(Manifest(house.inside._parts.layout.manifest("default"))) as manifest:
        manifest.enter([Entry(row) for row in rows])
        try:
            page = await ana.get("/console/sources/handbook?path=MANY%2F")
            assert "1 to 50 of 20,000 documents" in page.text
            assert len(page.html) < 100_000
            (later,) = [href for href in page.attribute("a", "href") if "skip=" in href]
            assert later == "/console/sources/handbook?path=MANY%2F&skip=50"
            page = await ana.get(later)
            assert "51 to 100 of 20,000 documents" in page.text
            assert "00050.md" in page.text
            page = await ana.get("/console/sources/handbook?path=many/&skip=19999")
            assert "20,000 to 20,000 of 20,000 documents" in page.text
            for odd in ("-1", "x", "99999999999", "1e3"):
                assert "1 to 50 of" in (await ana.get(f"/console/sources/handbook?skip={odd}")).text
            page = await ana.get("/console/sources/handbook?skip=999999")
            assert "There is no document yet." not in page.text
        finally:
            manifest.forget([row.document for row in rows])
