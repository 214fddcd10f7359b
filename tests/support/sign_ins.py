"""Sign-ins of one gateway over a real control store and a real provider, without the pages."""

from __future__ import annotations

import contextlib
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp

from headrace.adapters.stores.control import ControlStore
from headrace.adapters.stores.migrations import upgrade
from headrace.app.people.joining import Joining
from headrace.app.people.signing_in import ProviderSignIns
from headrace.config.model import Workspace
from headrace.policy.directory import KeyDirectory
from headrace.policy.sessions import ConsoleSessions
from headrace.policy.uses import KeyUses
from headrace.testing.clock import SetClock
from tests.providers.openid_server import CLIENT, SECRET, OpenIdServer, openid

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from headrace.core.values import Facts, Principal

BACK = "http://127.0.0.1:1/console/sign-in/done"
MINE = "m" * 43
"""The secret of one browser."""
PEOPLE: dict[str, Any] = {
    "people": [
        {"person": "ana", "groups": ["members"]},
        {"person": "eva", "sign in": "Eva.Muster@acme.example", "groups": ["members"]},
        {"person": "twice", "groups": ["members"]},
        {"person": "twice", "tenant": "lab", "groups": ["members"]},
    ],
    "applications": [{"application": "desk", "groups": ["members"]}],
}


@dataclass
class Desk:
    """Sign-ins, and what stands behind them."""

    acme: OpenIdServer
    store: ControlStore
    clock: SetClock
    workspace: Workspace
    sessions: ConsoleSessions
    acts: list[tuple[str, Facts, str]] = field(default_factory=list["tuple[str, Facts, str]"])
    sign_ins: ProviderSignIns = field(init=False)

    def __post_init__(self) -> None:
        joining = Joining(self.store, self._record, self.clock)
        self.sign_ins = ProviderSignIns(lambda: self.workspace, self.store, self.sessions, joining, self.clock)

    async def _record(self, name: str, facts: Facts, by: str) -> str:
        self.acts.append((name, facts, by))
        return "req_1"

    def says(self, *, people: dict[str, Any] | None = None, tenants: tuple[str, ...] = ("default", "lab"), **identity: Any) -> None:
        """Another revision: these words under identity."""
        root = {"headrace": 1, "name": "t", "tenants": tenants, "groups": ["members", "auditors"], "identity": identity}
        parts: dict[str, Any] = {"services": {}, "deployments": {}, "sources": {}, "models": {}, "policies": []}
        self.workspace = Workspace.model_validate({"root": root, "people": people or PEOPLE, **parts})

    def form(self, **changes: Any) -> dict[str, Any]:
        """What headrace.yaml says of the provider."""
        return {"issuer": self.acme.url, "client": CLIENT, "secret": "env:ACME_SECRET", **changes}

    async def came(self, secret: str = MINE) -> dict[str, str]:
        """What the provider sends a browser back with."""
        there = await self.sign_ins.begin(secret, BACK)
        async with aiohttp.ClientSession() as session, session.get(there, allow_redirects=False) as response:
            assert response.status == 302, await response.text()
            assert response.headers["Location"].startswith(BACK)
            return dict(parse_qsl(urlsplit(response.headers["Location"]).query))

    async def token(self, who: str = "ana") -> str:
        """A whole sign-in."""
        self.acme.who = who
        return await self.sign_ins.finish(MINE, BACK, await self.came())

    async def who(self, token: str) -> Principal:
        """Whose session it is, by the revision in force."""
        return await KeyDirectory(self.store, self.sessions, self.store.people, KeyUses(), self.clock, self.workspace).authenticate(token)


@contextlib.asynccontextmanager
async def desk(folder: Path) -> AsyncGenerator[Desk]:
    """Sign-ins for the block. ACME_SECRET must be set (tests do it)."""
    upgrade(folder / "control.db")
    clock = SetClock()
    with closing(ControlStore(folder / "control.db")) as store:
        async with openid() as acme:
            sessions = ConsoleSessions(store, store.sessions, store.people, clock)
            made = Desk(acme, store, clock, None, sessions)  # pyright: ignore[reportArgumentType] - said at once
            acme.now = lambda: clock.now_us() / 1_000_000
            made.says(**{"sign in": made.form()})
            yield made


__all__ = ["BACK", "MINE", "SECRET", "Desk", "desk"]
