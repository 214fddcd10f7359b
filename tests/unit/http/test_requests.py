"""Following requests over HTTP: every fact to those who may see it, and one and the same nothing to everybody else."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from headrace.app.http.application import build
from headrace.config.model import Policy
from headrace.core.errors import Unavailable
from headrace.core.values import Principal
from headrace.policy.engine import CedarEngine
from tests.support.rooms import ANA, KEY, MAIL, POLICIES, SECRET, Keys, house
from tests.support.serving import HouseGateway, Response, Served, serving

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

PATH = "/v1/headrace/requests"
EVE = Principal("eve", "person", "default", frozenset({"members"}), "hr_eve")
PEOPLE = {
    KEY: ANA,
    "hr_eve": EVE,
    "hr_ann": replace(ANA, kind="application", key="hr_ann"),  # named as the person is
    "hr_lab": replace(ANA, tenant="lab", key="hr_lab"),
    "hr_few": replace(ANA, services=frozenset({"help"}), key="hr_few"),
    "hr_aud": Principal("aud", "person", "default", frozenset({"auditors"}), "hr_aud"),
    "hr_rev": Principal("rev", "person", "default", frozenset({"reviewers"}), "hr_rev"),
    "hr_lab_aud": Principal("aud", "person", "lab", frozenset({"auditors"}), "hr_lab_aud"),
}


def bearer(key: str = KEY) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
async def gateway() -> AsyncGenerator[HouseGateway]:
    async with house() as built:
        yield HouseGateway(built.with_(directory=Keys(PEOPLE)))


@pytest.fixture
async def served(gateway: HouseGateway) -> AsyncGenerator[Served]:
    async with serving(build(gateway)) as running:
        yield running


async def asked(served: Served, service: str, text: str = "x", key: str = KEY, **more: object) -> str:
    """Ask; the request's id, however it ended."""
    body = {"model": service, "messages": [{"role": "user", "content": text}], **more}
    return (await served.ask("POST", "/v1/chat/completions", body, **bearer(key))).headers["x-request-id"]


async def followed(served: Served, request: str, key: str = KEY) -> Any:
    response = await served.ask("GET", f"{PATH}/{request}", **bearer(key))
    assert response.status == 200, response.body
    await conforms(served, "request", response.json)
    return response.json


async def conforms(served: Served, name: str, found: Any) -> None:
    """It is of the published form."""
    schema = await served.ask("GET", f"/v1/headrace/schema/{name}")
    assert schema.status == 200
    Draft202012Validator.check_schema(schema.json)
    Draft202012Validator(schema.json).validate(found)


async def listed(served: Served, query: str = "", key: str = KEY) -> Any:
    response = await served.ask("GET", f"{PATH}?{query}", **bearer(key))
    assert response.status == 200, response.body
    await conforms(served, "requests", response.json)
    return response.json


async def ids(served: Served, query: str = "", key: str = KEY) -> list[str]:
    return [each["request"] for each in (await listed(served, query, key))["data"]]


async def test_a_quote_with_every_fact(served: Served) -> None:
    request = await asked(served, "help", "How much is the annual fee in francs?")
    found = await followed(served, request)
    assert (found["outcome"], found["mode"], found["decision"], found["error"]) == ("answered", "quote", "allowed", None)
    assert found["asker"] == {"principal": "ana", "kind": "person", "tenant": "default", "key": "hr_ana"}
    assert found["received"] == {"endpoint": "/v1/chat/completions", "client": "other", "stream": False, "messages": 1, "characters": 37}
    assert [each["stage"] for each in found["stages"]] == [
        "received", "admitted", "screened", "grounded", "routed", "reserved", "generated", "checked", "released",
    ]  # fmt: skip
    assert {"stage": "admitted", "action": "ask", "allowed": True, "policies": ["base/members-may-ask"]}.items() <= found["rulings"][
        0
    ].items()
    assert found["grounding"]["confidence"] > 0.5
    assert found["grounding"]["passages"][0]["ranks"] == {"bm25": 1, "dense": 1}
    assert found["grounding"]["citations"][0]["version"] == "b4" * 32
    assert [each["kind"] for each in found["findings"]] == ["email", "aws_access_key_id"]
    assert found["route"] == {"deployment": None, "considered": 0, "alternatives": []}
    assert found["usage"]["cost"] == {"amount": "0", "currency": "EUR"}
    (record,) = found["records"]
    assert record["kind"] == "settled"
    assert found["proof"] == {"state": "included", "size": record["receipt"]["sequence"] + 1, "path": f"{PATH}/{request}/proof"}
    assert (await served.ask("GET", found["proof"]["path"], **bearer())).json["receipt"] == record["receipt"]


async def test_what_a_model_cost_and_which_others_were_not_chosen(served: Served, gateway: HouseGateway) -> None:
    gateway.house = gateway.house.forbidding(("place", "slow"))
    found = await followed(served, await asked(served, "two", f"Mail {MAIL}", stream=True))
    assert found["route"]["deployment"] == "good"
    assert found["route"]["alternatives"] == [
        {"deployment": "slow", "reason": "label internal may not go to placement here"},
    ]
    assert found["usage"]["output"] > 0
    assert float(found["usage"]["cost"]["amount"]) > 0
    assert [each["kind"] for each in found["records"]] == ["opened", "settled"]
    assert found["received"]["stream"]


async def test_refusals_and_what_nobody_foresaw(served: Served, gateway: HouseGateway) -> None:
    guarded = await followed(served, await asked(served, "on-good", f"x {SECRET}"))
    assert (guarded["outcome"], guarded["ended_at"], guarded["error"]) == ("refused", "screened", "guard.secrets")
    assert [each["action"] for each in guarded["findings"]] == ["refuse"]
    assert guarded["stages"][-1]["said"][0] == "refused: guard secrets stopped it"
    gateway.house = gateway.house.forbidding(("ask", "on-good"))
    denied = await followed(served, await asked(served, "on-good"))
    assert (denied["decision"], denied["rulings"][0]["policies"], denied["rulings"][0]["allowed"]) == ("denied", ["no/1"], False)
    unknown = await followed(served, await asked(served, "nowhere"))
    assert (unknown["service"], unknown["decision"], unknown["rulings"]) == (None, None, [])


async def test_a_request_under_way_is_open(served: Served) -> None:
    async with served.wire() as wire:
        body = {"model": "on-slow", "messages": [{"role": "user", "content": "x"}], "stream": True}
        await wire.request("POST", "/v1/chat/completions", body, **bearer())
        _, headers = await wire.head()
        found = await followed(served, headers["x-request-id"])
        assert (found["outcome"], found["took_us"], found["usage"]) == ("open", None, None)
        assert found["proof"] == {"state": "open", "size": None, "path": None}
        assert (await listed(served))["data"][0]["outcome"] == "open"
    async with asyncio.timeout(5):
        while (await followed(served, headers["x-request-id"]))["outcome"] == "open":
            await asyncio.sleep(0.02)
    (line,) = (await listed(served))["data"]
    assert line["outcome"] == "cancelled"


def told(response: Response) -> tuple[object, ...]:
    """Everything that a response tells."""
    return response.status, {name: value for name, value in response.headers.items() if name != "date"}, response.body


MALFORMED = [
    "req_",
    "req_none",
    "%00",
    "..%2f..",
    "a%2Fb",
    "a/b",
    "a/b/proof",
    "x" * 4000,
    "%F0%9F%92%A7",
    "req_%27%20OR%201=1--",
    "%ff",
    "proof",
]


@pytest.fixture
def steps(gateway: HouseGateway, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What ledger and policy are asked, in order."""
    seen: list[str] = []

    def watched(of: object, name: str, told: Callable[..., str]) -> None:
        true = getattr(of, name)

        def asked(*given: Any) -> Any:
            seen.append(told(*given))
            return true(*given)

        monkeypatch.setattr(of, name, asked)

    watched(gateway.house.rooms.policy, "decide", lambda _who, action, _what, _context: f"decide {action}")
    watched(gateway.house.ledger, "find", lambda _request: "find")
    watched(gateway.house.ledger, "proof", lambda _request: "proof")
    return seen


async def test_unknown_forbidden_and_malformed_are_one_nothing(served: Served, steps: list[str]) -> None:
    """The same status, headers and bytes for all of them, by the same questions to ledger and policy."""
    mine = await asked(served, "help", "How much is the annual fee in francs?")
    plain = await asked(served, "on-good")

    async def nothing(suffix: str, key: str, request: str) -> tuple[object, ...]:
        steps.clear()
        response = await served.ask("GET", f"{PATH}/{request}{suffix}", **bearer(key))
        return (*told(response), tuple(steps))

    for suffix, action in (("", "inspect"), ("/proof", "prove")):
        unknown = await nothing(suffix, KEY, "req_" + "0" * 26)
        assert (unknown[0], unknown[3]) == (404, ("find", f"decide {action}"))
        for key in ("hr_eve", "hr_ann", "hr_lab", "hr_lab_aud"):
            assert await nothing(suffix, key, mine) == unknown, key
        assert await nothing(suffix, "hr_few", plain) == unknown
        for name in MALFORMED if not suffix else ():
            assert await nothing(suffix, KEY, name) == unknown, name
        assert (await nothing(suffix, "hr_few", mine))[0] == 200
        assert (await nothing(suffix, "hr_aud", mine))[0] == 200
    assert (await nothing("", "hr_rev", mine))[0] == 200  # a key was found in its sources
    assert (await nothing("/proof", "hr_rev", mine))[0] == 404
    assert (await nothing("", "hr_rev", plain))[0] == 404


async def test_an_act_is_no_request(served: Served, gateway: HouseGateway) -> None:
    await gateway.house.ledger.append({
        "schema": "headrace/record/1", "kind": "act", "request": "req_act", "time_us": 1, "act": "keys.create", "by": "ana", "facts": {},
    })  # fmt: skip
    assert (await served.ask("GET", f"{PATH}/req_act", **bearer("hr_aud"))).status == 404
    assert await ids(served, key="hr_aud") == []


async def test_strangers_follow_nothing(served: Served) -> None:
    for path in (PATH, f"{PATH}/req_1", f"{PATH}/req_1/proof"):
        assert (await served.ask("GET", path)).status == 401
        assert (await served.ask("GET", path, **bearer("hr_no"))).status == 401
        assert (await served.ask("POST", path, {}, **bearer())).status == 405


async def test_a_list_holds_what_one_may_see_and_nothing_else(served: Served) -> None:
    mine = await asked(served, "help", "How much is the annual fee in francs?")
    plain = await asked(served, "on-good")
    theirs = await asked(served, "on-good", key="hr_eve")
    flagged = await asked(served, "on-good", SECRET, key="hr_eve")
    other = await asked(served, "told", key="hr_lab")
    assert await ids(served) == [plain, mine]
    assert await ids(served, key="hr_eve") == [flagged, theirs]
    assert await ids(served, key="hr_ann") == []
    assert await ids(served, key="hr_few") == [mine]
    assert await ids(served, key="hr_lab") == [other]
    assert await ids(served, key="hr_lab_aud") == []  # its policies speak of another tenant's auditors
    assert await ids(served, key="hr_aud") == [flagged, theirs, plain, mine]
    assert await ids(served, key="hr_rev") == [flagged, mine]
    for key in ("hr_eve", "hr_rev", "hr_aud"):
        for request in await ids(served, key=key):
            assert (await served.ask("GET", f"{PATH}/{request}", **bearer(key))).status == 200


async def test_filters_narrow_and_pages_follow(served: Served) -> None:
    good = [await asked(served, "on-good") for _ in range(3)]
    quote = await asked(served, "help", "How much is the annual fee in francs?")
    refused = await asked(served, "on-good", SECRET)
    eve = await asked(served, "two", key="hr_eve")
    everything = await ids(served, key="hr_aud")
    assert everything == [eve, refused, quote, *reversed(good)]
    for query, expected in {
        "service=on-good": [refused, *reversed(good)],
        "outcome=refused": [refused],
        "outcome=answered&service=on-good": list(reversed(good)),
        "person=eve": [eve],
        "key=hr_ana": everything[1:],
        "decision=allowed": everything,
        "decision=denied": [],
        "policy=base%2Fmembers-may-ask": everything,
        "policy=base": [],
        "deployment=good": list(reversed(good)),
        "findings=yes": [refused, quote],
        "findings=no": [eve, *reversed(good)],
        "since=1%20h": everything,
        "since=2100-01-01": [],
        "until=2020-01-01": [],
        "until=2100-01-01T00:00:00%2B02:00&since=2020-01-01": everything,
        "service=&outcome=": everything,
    }.items():
        assert await ids(served, query, "hr_aud") == expected, query
    pages: list[str] = []
    after = ""
    while True:
        page = await listed(served, f"limit=2&after={after}", "hr_aud")
        pages += [each["request"] for each in page["data"]]
        if (after := page["next"]) is None:
            break
    assert pages == everything


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("outcome=lost", "outcome"), ("since=soon", "since"), ("until=99999-01-01", "until"), ("limit=0", "limit"), ("limit=1000", "limit"),
        ("limit=x", "limit"), ("after=1", "after"), ("after=1.x'", "after"), ("findings=maybe", "findings"), ("person=a%0Ab", "person"),
        ("service=" + "x" * 201, "service"), ("decision=1", "decision"),
    ],
)  # fmt: skip
async def test_what_cannot_be_asked_for_is_refused(served: Served, query: str, param: str) -> None:
    response = await served.ask("GET", f"{PATH}?{query}", **bearer())
    assert (response.status, response.code, response.json["error"]["param"]) == (400, "request.invalid_filter", param)


@pytest.mark.parametrize(
    "query", ["tenant=lab", "sevice=help", "service=a&service=b", "service=%ff", "&".join(f"a{n}=1" for n in range(40))]
)
async def test_a_parameter_that_is_not_known_is_refused_and_not_dropped(served: Served, query: str) -> None:
    response = await served.ask("GET", f"{PATH}?{query}", **bearer())
    assert (response.status, response.code.split(".")[0]) == (400, "request")


async def test_a_record_that_a_policy_names(served: Served, gateway: HouseGateway) -> None:
    """Forbidden by name, it is in no list; granted by name, it can be followed. The pages before and behind it stay full."""
    every = [await asked(served, "on-good") for _ in range(5)]
    named = Policy(
        path="policies/named.cedar",
        text=f'forbid (principal, action == Action::"inspect", resource == Record::"{every[3]}");\n'
        f'permit (principal == Person::"default/eve", action == Action::"inspect", resource == Record::"{every[1]}");',
    )
    made = gateway.house.rooms.workspace.model_copy(update={"policies": (POLICIES, named)})
    gateway.house = gateway.house.with_(workspace=made, policy=CedarEngine(made))
    assert await ids(served) == [every[4], *reversed(every[:3])]
    assert await ids(served, "limit=2") == [every[4], every[2]]
    assert (await served.ask("GET", f"{PATH}/{every[3]}", **bearer())).status == 404
    assert (await served.ask("GET", f"{PATH}/{every[1]}", **bearer("hr_eve"))).status == 200
    assert await ids(served, key="hr_eve") == []


async def test_a_ledger_that_is_away_is_no_missing_record(served: Served, gateway: HouseGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(asked: object) -> Any:
        raise Unavailable(f"Nobody can say of {asked}.")

    for name in ("find", "requests"):
        monkeypatch.setattr(gateway.house.ledger, name, gone)
    assert (await served.ask("GET", f"{PATH}/req_1", **bearer())).status == 503
    assert (await served.ask("GET", PATH, **bearer())).status == 503
