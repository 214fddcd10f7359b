"""Searches: whatever is asked, nothing comes back that the asker may not read, and nothing that a guard stops."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headrace.core.errors import BadRequest, Forbidden, NotFound, Refused
from headrace.core.search import Passages, Search
from headrace.pipeline import line
from tests.support.rooms import ANA, KEY, MAIL, SECRET, House, Keys, received, stage, stages

EVERYTHING = "annual fee notice cancel salaries director refunds contact production bucket opens"
LAB = replace(ANA, id="eve", tenant="lab", key="hr_eve")
VISITOR = replace(ANA, id="vic", groups=frozenset({"members"}), key="hr_vic")
DIRECTOR = replace(ANA, id="director", key="hr_dir")
BOUND = replace(ANA, services=frozenset({"free"}), key="hr_bound")
CURATOR = replace(ANA, id="cara", groups=frozenset({"support", "members", "curators"}), key="hr_cara")


@pytest.fixture
def house(home: House) -> House:
    people = {each.key: each for each in (ANA, LAB, VISITOR, DIRECTOR, BOUND, CURATOR)}
    return home.with_(directory=Keys({KEY: ANA, **people}))


async def find(home: House, key: str = KEY, *, service: str = "help", question: str = EVERYTHING, **asked: object) -> Passages:
    defaults: dict[str, object] = {"sources": (), "under": (), "limit": 10, "quotes": 3, "scores": False}
    search = Search(received(service, question, key=key), **{**defaults, **asked})  # pyright: ignore[reportArgumentType]
    return await line.find(search, home.rooms)


def documents(found: Passages) -> set[str]:
    return {each.document for each in found.searched.passages}


async def test_one_reads_what_one_may_and_secrets_stay_where_they_are(house: House) -> None:
    found = await find(house)
    assert documents(found) == {"handbook/fees.md", "handbook/notice.md", "handbook/contact.md"}
    record = await house.end(found.call.request)
    assert stages(record) == ["received", "admitted", "screened", "searched"]
    facts = stage(record, "searched")
    assert facts["candidates"] == 5
    assert sorted(each["action"] for each in facts["findings"]) == ["mask", "refuse"]
    for text in (SECRET, MAIL, "9000", "francs", EVERYTHING):
        assert text not in str(record)
    assert SECRET not in str(found)
    assert "9000" not in str(found)


async def test_masks_are_undone_for_those_who_may_see_through_them_alone(house: House) -> None:
    def contact(found: Passages) -> str:
        return next(each.text for each in found.searched.passages if each.document == "handbook/contact.md")

    assert MAIL in contact(await find(house))
    assert MAIL not in contact(await find(house.forbidding(("unmask", "help")).with_(directory=house.rooms.directory)))


async def test_a_search_quotes_the_stored_characters(house: House) -> None:
    found = await find(house, question="How much is the annual fee?")
    best = next(each for each in found.searched.passages if each.document == "handbook/fees.md")
    quote = best.quotes[0]
    assert best.text[quote.start - best.start : quote.end - best.start] == quote.text
    assert 0 < quote.confidence <= 1
    assert best.scores == {}


@pytest.mark.parametrize(
    ("key", "kind", "code"), [("hr_eve", NotFound, "request.unknown_model"), ("hr_bound", Forbidden, "policy.key_bound")]
)
@pytest.mark.parametrize("service", ["help", "nowhere"])
async def test_strangers_learn_nothing(house: House, key: str, kind: type[Exception], code: str, service: str) -> None:
    """Another tenant's asker, and a key that is bound to other services, are told the same of a service that is there and of one that is
    not; so is their record."""
    with pytest.raises(kind) as raised:
        await find(house, key, service=service)
    assert raised.value.code == code  # pyright: ignore[reportAttributeAccessIssue]
    record = await house.end(raised.value.request)  # pyright: ignore[reportAttributeAccessIssue]
    assert (record["service"], record["error"]) == ("", code)
    assert str(raised.value).replace(service, "…") in {
        'model: There is no service "…" that you may ask. GET /v1/models lists the services that you may ask.',
        "model: This key is bound to services: free. Use a service that GET /v1/models lists, or another key.",
    }


async def test_without_the_right_to_read_there_is_nothing(house: House) -> None:
    found = await find(house, "hr_vic")
    assert (documents(found), found.searched.candidates) == (set(), 0)


async def test_the_one_who_may_read_a_part_gets_that_part(house: House) -> None:
    assert "handbook/hr/pay.md" not in documents(await find(house))


async def test_sources_find_their_service(house: House) -> None:
    found = await find(house, service="", sources=("handbook",))
    assert found.call.service == "draft"  # the first by name
    assert (await house.end(found.call.request))["service"] == "draft"
    for key in ("hr_eve", "hr_bound"):
        with pytest.raises(NotFound if key == "hr_eve" else Forbidden):
            await find(house, key, service="", sources=("handbook",))
    with pytest.raises(NotFound) as raised:
        await find(house, service="", sources=("handbook", "payroll"))
    assert (raised.value.code, raised.value.param) == ("request.unknown_model", "sources")
    with pytest.raises(NotFound) as raised:
        await find(house, sources=("payroll",))
    assert (raised.value.code, raised.value.param) == ("search.unknown_source", "sources[0]")


async def test_what_cannot_be_searched(house: House) -> None:
    with pytest.raises(BadRequest) as raised:
        await find(house, service="free")
    assert raised.value.code == "request.nothing_to_search"
    with pytest.raises(Refused):
        await find(house, question=f"who uses {SECRET}")


async def test_raw_scores_need_a_curator(house: House) -> None:
    with pytest.raises(Forbidden) as raised:
        await find(house, scores=True)
    assert (raised.value.param, raised.value.facts["what_would_allow_it"]) == ("scores", "membership of group curators")
    assert (await find(house, "hr_cara", scores=True)).searched.passages
