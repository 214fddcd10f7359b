"""Services and revisions: for whoever may ask, and for those who may change what is in force."""

from __future__ import annotations

import contextlib
import re
from functools import partial
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from headrace.app.acts import recording
from headrace.evidence.client import LedgerClient
from tests.support.consoles import Browser

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.support.consoles import House, Page

pytestmark = pytest.mark.asyncio(loop_scope="module")

REVISIONS = "/console/revisions"
SERVICES = ["closed", "cut", "echo", "embed", "extract", "hang", "help", "local", "slow"]


def main(page: Page) -> str:
    """What a page says, without the way on, which is each person's own."""
    return re.sub(r'<p class="line"><a class="go" .*?</p>', "", page.html.partition("<main")[2])


def named(page: Page) -> list[str]:
    return [href.rpartition("/")[2] for href in page.attribute("a", "href") if href.startswith("/console/services/")]


@contextlib.asynccontextmanager
async def signed(house: House, holder: str, tenant: str = "default", services: tuple[str, ...] | None = None) -> AsyncGenerator[Browser]:
    async with Browser(house.url) as browser:
        await browser.sign_in(house.key(holder, tenant, services=services))
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ada(house: House) -> AsyncGenerator[Browser]:
    """An administrator of the whole installation."""
    async with signed(house, "ada") as browser:
        yield browser


async def test_a_member_sees_what_it_may_ask_and_how_that_answers(ana: Browser) -> None:
    page = await ana.get("/console/services")
    assert named(page) == [name for name in SERVICES if name != "closed"]
    assert "from documents, cited" in page.text
    page = await ana.get("/console/services/help")
    assert "Answers from the handbook." in page.text
    assert "/console/?service=help" in page.attribute("a", "href")
    for hidden in ("policies", "base/", "deployment", "placement", "Revisions"):
        assert hidden not in main(page)
    for name, answers in (("extract", "JSON, by a schema"), ("embed", "vectors of texts, for programs")):
        page = await ana.get(f"/console/services/{name}")
        assert answers in page.text
        assert "through the API" in page.text


async def test_an_administrator_sees_every_service_as_it_is_written(ada: Browser) -> None:
    page = await ada.get("/console/services")
    assert named(page) == SERVICES
    page = await ada.get("/console/services/local")
    for told in (
        "good: good, served elsewhere, placement here",
        "secrets in the question: refuse",
        "pii in the question: mask",
        "secrets in the answer",
    ):
        assert told in page.text, told
    assert "base/members-may-ask permits ask" in page.text
    page = await ada.get("/console/services/embed")
    assert "vectors of texts, for programs" in page.text
    assert "minilm: all-minilm-l6-v2, run by Headrace, placement here" in page.text
    assert "base/change permits" not in page.text
    page = await ada.get("/console/services/closed")
    assert "policy does not let you ask it" in page.text
    page = await ada.get("/console/services/help")
    assert "quote, from handbook, payroll" in page.text
    assert [href for href in page.attribute("a", "href") if href.startswith("/console/sources/")] == ["/console/sources/handbook"]


async def test_revisions_tell_who_put_what_in_force_and_what_that_changed(house: House, ada: Browser) -> None:
    page = await ada.get(REVISIONS)
    first, second = house.store.history()[:2]
    assert page.text.index(second.revision[:12]) < page.text.index(first.revision[:12])
    for told in (first.record, second.record, "in force", "applied", "tests"):
        assert told in page.text
    page = await ada.get(f"{REVISIONS}/{second.revision[:12]}?against={first.revision[:12]}")
    for told in ("help: its own file changes", "gone: it is gone", "services/help.yaml", "services/gone.yaml removed: +0 −2"):
        assert told in page.text, told
    assert "removed: about: Answers from the old handbook." in page.text
    assert "added: about: Answers from the handbook." in page.text
    assert "local:" not in page.text
    assert "It is the first." in (await ada.get(f"{REVISIONS}/{first.revision[:12]}")).text


async def test_what_is_unknown_and_what_is_not_for_one_look_the_same(house: House, ana: Browser, ada: Browser) -> None:
    known = house.store.history()[0].revision[:12]
    async with signed(house, "lou", "lab") as lou, signed(house, "ada", services=("help",)) as bound:
        seen = {
            (page.status, main(page))
            for browser in (ana, lou, bound)
            for page in (
                await browser.get(REVISIONS),
                await browser.get(f"{REVISIONS}/{known}"),
                await browser.get(f"/console/roll-back?to={known}"),
                await browser.post("/console/roll-back", {**(await browser.get("/console/")).fields, "to": known, "expected": known}),
            )
        } | {
            (page.status, main(page))
            for page in (
                await ada.get(f"{REVISIONS}/{'0' * 12}"),
                await ada.get(f"{REVISIONS}/{known}?against=%25%25%25%25%25%25"),
                await ada.get(f"{REVISIONS}/{known}?against={'f' * 64}"),
                await ada.get("/console/roll-back?to=_______"),
                await ada.get("/console/roll-back"),
            )
        }
        assert len(seen) == 1
        ((status, html),) = seen
        assert (status, "There is no such revision that you may see." in html) == (404, True)
        missing = {
            main(await browser.get(f"/console/services/{name}")) for browser, name in ((ana, "closed"), (ana, "nothing"), (lou, "help"))
        }
        assert len(missing) == 1
        assert "/console/services" not in (await lou.get("/console/")).attribute("a", "href")
    assert len(house.store.history()) == 2


async def test_a_form_that_is_not_ours_turns_nothing(house: House, ada: Browser) -> None:
    first, second = house.store.history()
    page = await ada.get(f"/console/roll-back?to={first.revision[:12]}")
    fields = page.fields
    assert fields["to"] == first.revision
    for wrong, headers in (({**fields, "form": "0" * 64}, {}), (fields, {"Origin": "http://evil.example"}), (fields, {"Origin": "null"})):
        assert (await ada.post("/console/roll-back", wrong, **headers)).status == 403
    stale = await ada.post("/console/roll-back", {**fields, "expected": first.revision})
    assert (stale.status, "workspace.changed_meanwhile" in stale.text) == (409, True)
    same = await ada.post("/console/roll-back", {**fields, "to": second.revision})
    assert (same.status, "workspace.in_force_already" in same.text) == (409, True)
    assert len(house.store.history()) == 2


async def test_nothing_turns_that_the_ledger_does_not_hold(house: House, ada: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    first = house.store.history()[0].revision
    fields = (await ada.get(f"/console/roll-back?to={first}")).fields
    gone = LedgerClient(house.folder / "nothing.sock")
    monkeypatch.setattr(house.inside.revisions, "_record", partial(recording.append, gone))
    page = await ada.post("/console/roll-back", fields)
    await gone.close()
    assert page.status == 503
    assert len(house.store.history()) == 2


async def test_rolling_back_is_an_act_of_the_person_and_holds_at_once(house: House, ada: Browser, ana: Browser) -> None:
    first, second = house.store.history()
    page = await ada.get(f"/console/roll-back?to={first.revision[:12]}")
    assert f"Roll back to revision {first.revision[:12]}?" in page.text
    assert "help: its own file changes" in page.text
    led = await ada.post("/console/roll-back", page.fields)
    assert (led.status, led.headers["Location"]) == (303, f"{REVISIONS}?turned=3")
    assert "Answers from the old handbook." in (await ana.get("/console/services/help")).text
    (turn,) = house.store.history()[2:]
    assert (turn.revision, turn.act, turn.by) == (first.revision, "rollback", "default/ada")
    (found,) = [each["record"] for each in await house.ledger.find(turn.record)]
    assert (found["act"], found["by"]) == ("workspace.rollback", "default/ada")
    assert found["facts"] == {"revision": first.revision, "before": second.revision, "files": found["facts"]["files"]}
    page = await ada.get(led.headers["Location"])
    assert f"Revision {first.revision[:12]} is in force." in page.text
    assert "is in force. Every" not in (await ada.get(f"{REVISIONS}?turned=2")).text
    again = await ada.get(f"/console/roll-back?to={second.revision[:12]}")
    assert (await ada.post("/console/roll-back", again.fields)).status == 303
    assert "Answers from the handbook." in (await ana.get("/console/services/help")).text


async def test_a_requests_service_leads_to_its_page(house: House, ana: Browser) -> None:
    answer = await ana.ask("How do I return to the revision before?")
    (request,) = {value for value in answer.fields.values() if value.startswith("req_")}
    await house.end(request)
    ways = (await ana.get(f"/console/requests/{request}")).attribute("a", "href")
    assert "/console/services/help" in ways
    assert not [each for each in ways if "service=" in each]
    async with signed(house, "aud") as auditor:  # who may inspect it, and does not have the page
        page = await auditor.get(f"/console/requests/{request}")
        assert page.status == 200
        assert not [each for each in page.attribute("a", "href") if "/services" in each]
    async with signed(house, "ada") as administrator:
        assert (await administrator.get("/console/services/help")).status == 200
