"""Requests, as HTTP and the console see them: who may see what is decided behind this, each time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.core.values import Principal
    from headrace.evidence.facts import RequestFacts
    from headrace.evidence.listing import Listed, Wanted
    from headrace.evidence.messages import Found


@dataclass(frozen=True, slots=True)
class Followed:
    """A request as somebody may see it. `facts` are those of its last record."""

    facts: RequestFacts
    records: Sequence[Found]
    """Each with its receipt, in order."""
    included: int | None
    """Size of the latest signed tree, which its closing record is in; None while it has none."""
    documents: Mapping[str, Sequence[str]] = field(default_factory=dict[str, "Sequence[str]"])
    """Names of the documents that have a cited version and that this principal may open now, by version."""
    provable: bool = False
    """This principal may have the proof too."""


@dataclass(frozen=True, slots=True)
class Page:
    """Requests that somebody may see, newest first."""

    lines: Sequence[Listed]
    after: str | None
    """Where the next page begins; None: there is none."""
    behind: int
    """Records that were not read into the list yet."""
    others: bool
    """Others' requests may be among them."""


class Requests(Protocol):
    """Following requests. What is not there and what is not for this principal are None alike, and are found out by the same steps."""

    def listable(self, principal: Principal) -> bool:
        """May there be any request that this principal may see?"""
        ...

    async def follow(self, principal: Principal, request: str) -> Followed | None:
        """The facts of a request (action ``inspect``). Raises Unavailable when the ledger is not there."""
        ...

    async def proof(self, principal: Principal, request: str) -> Mapping[str, object] | None:
        """The proof bundle of a request's closing record (action ``prove``). Raises Unavailable."""
        ...

    async def page(self, principal: Principal, wanted: Wanted) -> Page:
        """The requests that are wanted, as far as this principal may see them. Raises Unavailable."""
        ...

    def log_key(self) -> str:
        """The log's public key in its C2SP form, as it lies beside the log. Raises Unavailable."""
        ...
