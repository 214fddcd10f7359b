"""A console with people to look after: administrators of two tenants, an auditor, somebody whom a policy names, and two of an import."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from headrace.core.people import StoredPerson
from headrace.evidence.log.reader import LogReader
from tests.support.consoles import FILES, Browser, House, Page, console
from tests.support.people import keep

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

POLICIES = """
@id("default-administer")
permit (principal in Group::"default/administrators", action in [Action::"administer", Action::"observe"], resource == Tenant::"default");
@id("lab-administer")
permit (principal in Group::"lab/administrators", action == Action::"administer", resource == Tenant::"lab");
@id("zoe-alone")
permit (principal == Person::"default/zoe", action == Action::"curate", resource);
"""
PEOPLE = """people:
  - {person: ana, groups: [members]}
  - {person: ada, name: Ada L., groups: [members, administrators]}
  - {person: aud, groups: [auditors]}
  - {person: ben, tenant: lab, groups: [members]}
  - {person: bea, tenant: lab, groups: [members, administrators]}
  - {person: dora, groups: [members, directors]}
  - {person: zoe}
  - {person: rea}
applications:
  - {application: desk, groups: [members]}
"""
ADMIN_PAGES = ("/console/everyone", "/console/everyone/ana", "/console/keys", "/console/keys/new", "/console/sessions")


@contextlib.asynccontextmanager
async def administered() -> AsyncGenerator[House]:
    """The console, for the block."""
    source = FILES["sources/handbook.yaml"].replace("groups: [members]", "groups: [members], people: [rea]")
    files = {"people.yaml": PEOPLE, "policies/base.cedar": FILES["policies/base.cedar"] + POLICIES, "sources/handbook.yaml": source}
    async with console(files) as serving:
        imported = StoredPerson("default", "max", "max@acme.example", "Max <i>Lang</i>", "max@acme.example", groups=("members",))
        keep(serving.store, [imported, StoredPerson("default", "gone", "gone", active=False)])
        yield serving


async def signed_in(house: House, who: str, tenant: str = "default", **key: Any) -> Browser:
    browser = Browser(house.url)
    await browser.sign_in(house.key(who, tenant, **key))
    return browser


async def make(browser: Browser, **fields: str) -> Page:
    """Send the form for a new key."""
    page = await browser.get("/console/people")
    return await browser.post("/console/keys/new", {"form": page.fields["form"], "name": "k", "lasts": "30", **fields})


def acts(house: House) -> list[dict[str, Any]]:
    with LogReader(house.folder) as log:
        found: list[dict[str, Any]] = []
        while (entry := log.at(len(found))) is not None:
            found.append(dict(entry["record"]))
    return [each for each in found if each["kind"] == "act"]
