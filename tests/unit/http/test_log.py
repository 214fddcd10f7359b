"""The log over HTTP: tiles as the specification has them, to whom, and for how long they may be kept."""

from __future__ import annotations

import gzip
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from headrace.app.http.application import build
from headrace.config.model import Policy
from headrace.evidence import records, verify
from headrace.evidence.schemas import schema
from headrace.evidence.verify.growth import verify_growth
from headrace.policy.engine import CedarEngine
from tests.support import ledgers
from tests.support.rooms import ANA, KEY, POLICIES, Keys, house
from tests.support.serving import HouseGateway, Served, serving
from tests.support.tile_client import TileClient

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.support.serving import Response

MINE = {"Authorization": f"Bearer {KEY}"}
AUDITOR = {"Authorization": "Bearer hr_audit"}
OTHERS = {"Authorization": "Bearer hr_other"}
FOR_EVER = "max-age=31536000, immutable"
EVERYTHING = Policy(path="policies/careless.cedar", text='@id("everything")\npermit (principal, action, resource);')
"""A policy that permits whatever there is, to everybody: what a careless hand writes."""


def changed(gateway: HouseGateway, *, tenants: tuple[str, ...] = ("default",), public: bool = False, careless: bool = False) -> None:
    """The same house with these tenants, and with tiles for everybody or not."""
    made = gateway.house.rooms.workspace
    root = made.root.model_copy(update={"tenants": tenants, "ledger": made.root.ledger.model_copy(update={"public_tiles": public})})
    made = made.model_copy(update={"root": root, "policies": (POLICIES, EVERYTHING) if careless else (POLICIES,)})
    gateway.house = gateway.house.with_(workspace=made, policy=CedarEngine(made))


@pytest.fixture
async def gateway() -> AsyncGenerator[HouseGateway]:
    async with house() as built:
        auditor = replace(ANA, id="eve", groups=frozenset({"auditors"}), key="hr_audit")
        other = replace(auditor, id="mallory", tenant="lab", key="hr_other")
        gateway = HouseGateway(built.with_(directory=Keys({KEY: ANA, "hr_audit": auditor, "hr_other": other})))
        yield gateway
        gateway.log.close()


@pytest.fixture
async def served(gateway: HouseGateway) -> AsyncGenerator[Served]:
    async with serving(build(gateway)) as running:
        yield running


async def filled(gateway: HouseGateway, count: int = 5, tenant: str = "default") -> list[bytes]:
    """Records of a tenant in the log."""
    made = [{**ledgers.settled(), "tenant": tenant} for _ in range(count)]
    for each in made:
        await gateway.house.ledger.append(each)
    return [records.canonical(each) for each in made]


async def get(served: Served, path: str, **headers: str) -> Response:
    return await served.ask("GET", f"/log/{path}", **headers)


async def test_a_client_of_the_specification_reads_the_whole_log(served: Served, gateway: HouseGateway) -> None:
    wrote = await filled(gateway, 300)
    fetched: dict[str, bytes] = {}
    paths = ["checkpoint", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44"]
    for path in paths:
        response = await get(served, path, **AUDITOR)
        assert response.status == 200, path
        fetched[path] = response.body
    origin, size, root = TileClient.checkpoint(fetched.get)
    tree = TileClient(fetched.get, size)
    assert (size, tree.root(), tree.entries()) == (300, root, wrote)
    assert origin.startswith("headrace.local/")


async def test_what_is_said_beside_the_bytes(served: Served, gateway: HouseGateway) -> None:
    await filled(gateway)
    note = await get(served, "checkpoint", **MINE)
    assert note.headers["content-type"] == "text/plain; charset=utf-8"
    assert note.headers["cache-control"] == "no-cache"
    tile = await get(served, "tile/0/000.p/5", **MINE)
    assert tile.headers["content-type"] == "application/octet-stream"
    assert tile.headers["cache-control"] == f"private, {FOR_EVER}"
    entries = await get(served, "tile/entries/000.p/5", **AUDITOR)
    assert entries.headers["cache-control"] == f"private, {FOR_EVER}"
    assert entries.headers["vary"] == "accept-encoding"
    assert "content-encoding" not in entries.headers
    for accepted in ("gzip", "br, gzip;q=0.5", "*", "GZIP"):
        packed = await get(served, "tile/entries/000.p/5", **AUDITOR, Accept_Encoding=accepted)
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(packed.body) == entries.body
    for accepted in ("gzip;q=0", "identity", "br", ""):
        plain = await get(served, "tile/entries/000.p/5", **AUDITOR, Accept_Encoding=accepted)
        assert (plain.headers.get("content-encoding"), plain.body) == (None, entries.body)


@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/000.p/6", "tile/1/000", "tile/0/0", "tile/x/000", "tile/64/000", "tile/"])
async def test_what_is_not_there_is_kept_by_nobody(served: Served, gateway: HouseGateway, path: str) -> None:
    await filled(gateway)
    response = await get(served, path, **MINE)
    assert (response.status, response.code) == (404, "ledger.no_such_tile")
    assert response.headers["cache-control"] == "no-store"


async def test_an_empty_log_has_no_checkpoint(served: Served) -> None:
    assert (await get(served, "checkpoint", **MINE)).code == "ledger.no_such_tile"


async def test_without_a_key_only_where_the_workspace_says_so(served: Served, gateway: HouseGateway) -> None:
    await filled(gateway)
    hashes = ("/log/checkpoint", "/log/tile/0/000.p/5", "/v1/headrace/log/since/3")
    assert [(await served.ask("GET", path)).status for path in (*hashes, "/log/tile/entries/000.p/5")] == [401] * 4
    changed(gateway, public=True)
    assert [(await served.ask("GET", path)).status for path in (*hashes, "/log/tile/entries/000.p/5")] == [200, 200, 200, 401]
    assert (await get(served, "tile/0/000.p/5")).headers["cache-control"] == f"public, {FOR_EVER}"


async def test_entries_are_for_those_who_may_audit(served: Served, gateway: HouseGateway) -> None:
    """And for anybody else they look as if they were not there."""
    wrote = await filled(gateway, 1)
    there = await get(served, "tile/entries/000.p/1", **AUDITOR)
    assert (there.status, there.body[2:]) == (200, wrote[0])
    mine, beyond = await get(served, "tile/entries/000.p/1", **MINE), await get(served, "tile/entries/000.p/2", **AUDITOR)
    assert mine.status == 404
    assert mine.json == beyond.json


async def test_a_key_that_is_bound_to_services_reads_no_entries(served: Served, gateway: HouseGateway) -> None:
    """Records of other services are among them, which it may not inspect one by one either."""
    await filled(gateway, 1)
    bound = replace(ANA, id="eve", groups=frozenset({"auditors"}), key="hr_audit", services=frozenset({"helpdesk"}))
    gateway.house = gateway.house.with_(directory=Keys({"hr_audit": bound}))
    assert (await get(served, "tile/entries/000.p/1", **AUDITOR)).status == 404
    assert (await get(served, "tile/0/000.p/1", **AUDITOR)).status == 200


@pytest.mark.parametrize("careless", [False, True])
async def test_no_policy_gives_a_tenant_the_records_of_another(served: Served, gateway: HouseGateway, *, careless: bool) -> None:
    await filled(gateway, 2)
    await filled(gateway, 1, tenant="lab")
    changed(gateway, tenants=("default", "lab"), careless=careless)
    for whose in (AUDITOR, OTHERS):
        assert (await get(served, "tile/entries/000.p/3", **whose)).status == 404
        assert (await get(served, "tile/0/000.p/3", **whose)).status == 200
    # What is its own alone it may have: the first two records are of one tenant.
    assert (await get(served, "tile/entries/000.p/2", **AUDITOR)).status == 200
    assert (await get(served, "tile/entries/000.p/2", **OTHERS)).status == 404
    # A tenant that the workspace has forgotten is a tenant still.
    changed(gateway, careless=careless)
    assert (await get(served, "tile/entries/000.p/3", **AUDITOR)).status == 404


@pytest.mark.parametrize(
    ("facts", "tenants", "status"),
    [
        ({"tenant": "lab"}, ("default",), 404),
        ({"tenant": "default"}, ("default", "lab"), 200),
        ({"revision": "7f3c"}, ("default", "lab"), 404),
        ({"revision": "7f3c"}, ("default",), 200),
    ],
)
async def test_acts_are_of_the_tenant_that_they_name_or_of_the_installation(
    served: Served, gateway: HouseGateway, facts: dict[str, Any], tenants: tuple[str, ...], status: int
) -> None:
    await gateway.house.ledger.append({**ledgers.act(), "facts": facts})
    changed(gateway, tenants=tenants, careless=True)
    assert (await get(served, "tile/entries/000.p/1", **AUDITOR)).status == status


async def test_growth_leads_from_a_checkpoint_that_was_kept_to_todays(served: Served, gateway: HouseGateway) -> None:
    await filled(gateway, 3)
    kept = await get(served, "checkpoint", **MINE)
    await filled(gateway, 4)
    response = await served.ask("GET", "/v1/headrace/log/since/3", **MINE)
    jsonschema.Draft202012Validator(schema("growth")).validate(response.json)
    key = verify.key_of(str(gateway.house.folder / "log" / "log.vkey"))
    assert [link.holds for link in verify_growth(response.json, kept.body.decode(), key)] == [True] * 3
    for size in ("8", "x", "-1", "03", "9" * 30):
        assert (await served.ask("GET", f"/v1/headrace/log/since/{size}", **MINE)).code == "ledger.no_such_size"


async def test_a_log_that_cannot_be_read_is_not_an_empty_one(served: Served, gateway: HouseGateway) -> None:
    await filled(gateway)
    (gateway.house.folder / "log" / "log.vkey").rename(gateway.house.folder / "away")
    response = await get(served, "checkpoint", **MINE)
    assert (response.status, response.code) == (503, "ledger.not_shown")
    (gateway.house.folder / "away").rename(gateway.house.folder / "log" / "log.vkey")
    assert (await get(served, "checkpoint", **MINE)).status == 200
