"""Following requests: the ledger's records, given to those whom policy lets see them.

Nobody learns that a request exists which they may not see: what is unknown and what is forbidden take the same steps to the same answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from headrace.app.requests.filters import place
from headrace.app.requests.port import Followed, Page
from headrace.core.errors import Unavailable
from headrace.evidence.facts import RequestFacts, mapping, text, whole
from headrace.evidence.listing import Visible
from headrace.policy.rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headrace.app.http.ports.library import Library
    from headrace.config.layout import Layout
    from headrace.config.model import Workspace
    from headrace.core.values import Principal
    from headrace.evidence.client import LedgerClient
    from headrace.evidence.listing import Listed, Wanted
    from headrace.pipeline.rooms import Rooms

_NOTHING: Final = RequestFacts({})
"""What is looked at when there is no record: nobody's, and nothing allows it."""
_UNNAMED: Final = ""
"""A record that no policy names. What policy says of it, it says of every other such record in the same circumstances: so the decision is
made once for all of them."""
_ROUNDS: Final = 8
"""Pages that are read at most to fill one, where policies forbid single records by name."""


class Following:
    """The port :class:`headrace.app.requests.port.Requests` over the ledger, the library, and the rooms that stand when it is asked."""

    def __init__(self, ledger: LedgerClient, layout: Layout, rooms: Callable[[], Rooms], library: Library) -> None:
        self._library = library
        self._ledger = ledger
        self._layout = layout
        self._rooms = rooms
        self._named: tuple[Workspace, frozenset[str]] | None = None

    def listable(self, principal: Principal) -> bool:
        """May there be any request that this principal may see?"""
        return self._visible(principal).anything

    async def follow(self, principal: Principal, request: str) -> Followed | None:
        """The facts of a request (action ``inspect``). Raises Unavailable."""
        found = await self._ledger.find(request)
        facts = RequestFacts(found[-1]["record"]) if found else _NOTHING
        if not self._may("inspect", principal, facts):
            return None
        bundle = await self._ledger.proof(request)
        documents = await self._documents(principal, facts)
        included = whole(mapping(bundle["proof"]).get("size")) if bundle is not None else None
        return Followed(facts, found, included, documents, provable=self._may("prove", principal, facts))

    async def proof(self, principal: Principal, request: str) -> Mapping[str, object] | None:
        """The proof bundle of a request's closing record (action ``prove``). Raises Unavailable."""
        found = await self._ledger.find(request)
        facts = RequestFacts(found[-1]["record"]) if found else _NOTHING
        return await self._ledger.proof(request) if self._may("prove", principal, facts) else None

    async def page(self, principal: Principal, wanted: Wanted) -> Page:
        """The requests that are wanted, as far as this principal may see them. Raises Unavailable."""
        visible = self._visible(principal)
        services = None if principal.services is None else tuple(sorted(principal.services))
        asked = msgspec.structs.replace(wanted, tenant=principal.tenant, services=services, visible=visible, limit=wanted.limit + 1)
        lines: list[Listed] = []
        behind = 0
        for _ in range(_ROUNDS if visible.anything else 0):
            listing = await self._ledger.requests(asked)
            behind = listing.behind
            lines += [line for line in listing.lines if not self._forbidden_by_name(principal, line)]
            if len(lines) > wanted.limit or len(listing.lines) < asked.limit:
                break
            asked = msgspec.structs.replace(asked, after=(listing.lines[-1].received_us, listing.lines[-1].request))
        shown = lines[: wanted.limit]
        return Page(shown, place(shown[-1]) if len(lines) > wanted.limit else None, behind, visible.others)

    def log_key(self) -> str:
        """The log's public key. Raises Unavailable."""
        try:
            return self._layout.log_key.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            message = "The log's public key cannot be read."
            raise Unavailable(message, code="ledger.no_key", mend="It is log.vkey in the ledger's folder.") from error

    async def _documents(self, principal: Principal, facts: RequestFacts) -> Mapping[str, Sequence[str]]:
        """What was cited, by its names of today. A list of documents that cannot be read keeps nobody from the record."""
        try:
            return await self._library.holding(principal, frozenset(text(each.get("version")) for each in facts.citations))
        except Unavailable:
            return {}

    def _may(self, action: str, principal: Principal, facts: RequestFacts) -> bool:
        """Policy is asked in any case, and then the rest is looked at, so that no step tells what was found."""
        allowed = self._decided(action, principal, facts.request, own=_own(principal, facts.principal, facts.holder), flagged=facts.flagged)
        here = facts.tenant == principal.tenant
        bound = principal.services is None or facts.service in principal.services
        return allowed and here and bound

    def _decided(self, action: str, principal: Principal, request: str, *, own: bool, flagged: bool) -> bool:
        rooms = self._rooms()
        name = request if request in self._names(rooms.workspace) else _UNNAMED
        context = {"own": own, "flagged": flagged} if action == "inspect" else {"own": own}
        return rooms.policy.decide(principal, action, ("Record", name), context).allowed

    def _visible(self, principal: Principal) -> Visible:
        """What policy lets the principal see of records that it does not name. One that it grants by name can be followed, but is in no
        list."""

        def sees(*, own: bool, flagged: bool) -> bool:
            return self._decided("inspect", principal, _UNNAMED, own=own, flagged=flagged)

        return Visible(
            principal.id,
            principal.kind,
            own_flagged=sees(own=True, flagged=True),
            own_plain=sees(own=True, flagged=False),
            other_flagged=sees(own=False, flagged=True),
            other_plain=sees(own=False, flagged=False),
        )

    def _forbidden_by_name(self, principal: Principal, line: Listed) -> bool:
        if line.request not in self._names(self._rooms().workspace):
            return False
        own = _own(principal, line.principal, line.holder)
        return not self._decided("inspect", principal, line.request, own=own, flagged=line.flagged)

    def _names(self, workspace: Workspace) -> frozenset[str]:
        """The records that policies name: of any other, policy cannot say anything of its own."""
        if self._named is None or self._named[0] is not workspace:
            named = (rule.named.get("Record", frozenset[str]()) for rule in rules_of(workspace.policies))
            self._named = workspace, frozenset[str]().union(*named)
        return self._named[1]


def _own(principal: Principal, asker: str, holder: str) -> bool:
    """Whether the principal is who asked. A record that ended before it was noted what its asker is tells no more than the id."""
    return asker == principal.id and holder in {"", principal.kind}
