"""What can be looked up, by whom, and what everybody else is told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from headrace.app.http.application import LINES, Application, build
from headrace.app.http.exchange.credentials import at_this_machine, host_of
from headrace.app.http.headrace.lookups import ENDPOINTS
from headrace.core.errors import Unavailable
from tests.support.rooms import ANA, KEY, Keys, house
from tests.support.serving import HouseGateway, Served, serving

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.types import Receive, Scope, Send

MINE = {"Authorization": f"Bearer {KEY}"}
WATCHING = {"Authorization": "Bearer hr_op"}
FOREIGN = {"X-Forwarded-For": "203.0.113.9"}


@pytest.fixture
async def gateway() -> AsyncGenerator[HouseGateway]:
    async with house() as built:
        operator = replace(ANA, id="op", groups=frozenset({"operators"}), key="hr_op")
        yield HouseGateway(built.with_(directory=Keys({KEY: ANA, "hr_op": operator})))


@pytest.fixture
async def served(gateway: HouseGateway) -> AsyncGenerator[Served]:
    async with serving(build(gateway)) as running:
        yield running


async def test_models_are_the_services_that_the_key_may_ask(served: Served, gateway: HouseGateway) -> None:
    gateway.house = gateway.house.forbidding(("ask", "free"))
    listed = (await served.ask("GET", "/v1/models", **MINE)).json
    assert listed["object"] == "list"
    names = [each["id"] for each in listed["data"]]
    assert names == sorted(gateway.service_names() - {"free"})
    found = {each["id"]: each for each in listed["data"]}
    assert found["help"] == {
        "id": "help", "object": "model", "created": 1_790_000_000, "owned_by": "desk",
        "headrace": {"about": "", "grounded": True, "json": False, "vectors": False, "mode": "quote", "earned": []},
    }  # fmt: skip
    assert found["extract"]["owned_by"] == "headrace"
    assert (await served.ask("GET", "/v1/models/help", **MINE)).json == found["help"]


@pytest.mark.parametrize("name", ["free", "nowhere", "a%2Fb", "a/b"])
async def test_a_service_that_is_not_there_and_one_that_is_not_mine_look_alike(served: Served, gateway: HouseGateway, name: str) -> None:
    gateway.house = gateway.house.forbidding(("ask", "free"))
    response = await served.ask("GET", f"/v1/models/{name}", **MINE)
    assert (response.status, response.code) == (404, "request.unknown_model")
    assert name not in response.body.decode()


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/help", "/v1/headrace/requests/req_1/proof"])
async def test_strangers_look_nothing_up(served: Served, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer hr_no"}, {"Cookie": f"headrace={KEY}"}):
        assert (await served.ask("GET", path, **headers)).status == 401


async def test_a_request_is_proven_to_its_asker_only(served: Served, gateway: HouseGateway) -> None:
    body = {"model": "on-good", "messages": [{"role": "user", "content": "x"}]}
    asked = (await served.ask("POST", "/v1/chat/completions", body, **MINE)).json["headrace"]
    bundle = (await served.ask("GET", f"/v1/headrace/requests/{asked['request']}/proof", **MINE)).json
    assert bundle == await gateway.requests.proof(ANA, asked["request"])
    assert asked["request"] in str(bundle)
    for other in ("req_none", asked["request"] + "x", "%00"):
        response = await served.ask("GET", f"/v1/headrace/requests/{other}/proof", **MINE)
        assert (response.status, response.code) == (404, "request.unknown_request")


async def test_a_ledger_that_is_not_there_is_no_missing_record(
    served: Served, gateway: HouseGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(request: str) -> Any:
        raise Unavailable(request)

    monkeypatch.setattr(gateway.house.ledger, "find", gone)
    assert (await served.ask("GET", "/v1/headrace/requests/req_1/proof", **MINE)).status == 503


async def test_health_asks_nobody(served: Served) -> None:
    response = await served.ask("GET", "/healthz")
    assert (response.status, response.json) == (200, {"status": "ok"})
    head = b"HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    async with served.wire() as wire:
        await wire.send(head + head)
        for _ in range(2):
            status, headers = await wire.head()
            assert (status, headers["content-length"]) == (200, "15")


async def test_readiness_tells_what_still_warms_to_those_who_run_it(served: Served, gateway: HouseGateway) -> None:
    assert (await served.ask("GET", "/readyz")).json == {"serves": True, "parts": {"ledger": "ready", "engine-local": "ready"}}
    gateway.serves = False
    response = await served.ask("GET", "/readyz")
    assert (response.status, response.json["parts"]["engine-local"]) == (503, "loads its weights")
    assert (await served.ask("GET", "/readyz", **FOREIGN)).json == {"serves": False, "parts": None}
    assert (await served.ask("GET", "/readyz", **FOREIGN, **WATCHING)).json["parts"]
    assert (await served.ask("GET", "/readyz", **FOREIGN, **MINE)).json["parts"] is None


async def test_metrics_are_for_this_machine_and_for_keys_that_may_observe(served: Served) -> None:
    response = await served.ask("GET", "/metrics")
    assert response.status == 200
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert "# TYPE headrace_requests_total counter" in response.body.decode()
    for headers in (FOREIGN, {"Via": "1.1 proxy"}, {"Forwarded": "for=1"}, {"X-Real-IP": "1"}):
        assert (await served.ask("GET", "/metrics", **headers)).status == 401
    assert (await served.ask("GET", "/metrics", **FOREIGN, **WATCHING)).status == 200
    response = await served.ask("GET", "/metrics", **FOREIGN, **MINE)
    assert (response.status, response.code) == (403, "policy.denied")


async def test_a_page_that_leads_its_browser_here_under_a_foreign_name_gets_nothing(served: Served) -> None:
    async with served.wire() as wire:
        await wire.send(b"GET /metrics HTTP/1.1\r\nHost: evil.example:8080\r\n\r\n")
        assert (await wire.response()).status == 401


@pytest.mark.parametrize(
    ("client", "host", "here"),
    [
        ("127.0.0.1", "127.0.0.1:8080", True),
        ("127.9.9.9", "LOCALHOST", True),
        ("::1", "[::1]:8080", True),
        ("::ffff:127.0.0.1", "localhost:8080", True),
        ("192.0.2.1", "localhost", False),
        ("127.0.0.1", "192.0.2.1", False),
        ("127.0.0.1", "localhost.evil.example", False),
        ("127.0.0.1", "", False),
        ("not an address", "localhost", False),
    ],
)
def test_this_machine(client: str, host: str, *, here: bool) -> None:
    assert at_this_machine({"client": (client, 1), "headers": [(b"host", host.encode())]}) is here
    assert not at_this_machine({"client": None, "headers": [(b"host", host.encode())]})


def test_a_host_header_is_read_without_port_and_brackets() -> None:
    assert [host_of(each) for each in ("A.example:80", "[::1]:80", "[::1]", "a", "")] == ["a.example", "::1", "::1", "a", ""]


async def test_the_schemas_say_what_is_sent(served: Served) -> None:
    of_answer = (await served.ask("GET", "/v1/headrace/schema")).json
    of_error = (await served.ask("GET", "/v1/headrace/schema/error")).json
    body = {"model": "on-good", "messages": [{"role": "user", "content": "x"}]}
    answer = (await served.ask("POST", "/v1/chat/completions", body, **MINE)).json["headrace"]
    error = (await served.ask("POST", "/v1/chat/completions", {**body, "model": "nowhere"}, **MINE)).json["error"]["headrace"]
    for schema, sent in ((of_answer, answer), (of_error, error)):
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema).validate(sent)
        form = schema["$defs"][schema["$ref"].rpartition("/")[2]]
        assert sent.keys() <= form["properties"].keys()
        assert not Draft202012Validator(schema).is_valid({**sent, "request": 5})
    assert answer.keys() == set(of_answer["$defs"]["HeadraceWords"]["properties"])


@pytest.mark.parametrize(
    "path", ["/nowhere", "/v1", "/v1/", "/v1/embeddings/", "/v1/chat/completions/", "/metrics/", "/v1/../healthz", "/%2e%2e"]
)
async def test_an_unknown_address_is_told_in_our_shape(served: Served, path: str) -> None:
    for method in ("GET", "POST", "BREW"):
        response = await served.ask(method, path, **MINE)
        if method == "BREW":
            assert response.code == "request.not_http"
            continue
        assert (response.status, response.code) == (404, "request.not_found")
        assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", [*LINES, *(path.replace("{name:path}", "x").replace("{name}", "x") for path in ENDPOINTS)])
async def test_an_unknown_method_is_told_which_is_served(served: Served, path: str) -> None:
    wrong, right = ("GET", "POST") if path in LINES else ("POST", "GET, HEAD")
    for method in (wrong, "OPTIONS", "DELETE"):
        response = await served.ask(method, path, **MINE)
        assert (response.status, response.code, response.headers["allow"]) == (405, "request.method_not_allowed", right)


async def test_a_defect_anywhere_is_answered_as_one(
    served: Served, gateway: HouseGateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(principal: object) -> Any:
        raise ZeroDivisionError(principal)

    monkeypatch.setattr(gateway, "services", broken)
    response = await served.ask("GET", "/v1/models", **MINE)
    assert (response.status, response.code) == (500, "internal.error")
    assert "ana" not in response.body.decode()
    assert "/v1/models failed with a defect" in caplog.text


async def test_a_defect_after_the_answer_began_is_not_answered_twice(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}", "more_body": False})
        raise ZeroDivisionError

    async with serving(Application({}, broken)) as served:
        response = await served.ask("GET", "/else")
    assert (response.status, response.body) == (200, b"{}")
    assert "defect" in caplog.text


async def test_the_console_stands_beside_the_api(served: Served) -> None:
    response = await served.ask("GET", "/")
    assert response.status in {302, 303, 307}
    assert (await served.ask("PUT", "/console/", **MINE)).status == 405
