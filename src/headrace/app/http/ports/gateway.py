"""What the HTTP application needs from the rest of Headrace. :mod:`headrace.app.wiring` makes one; nothing here knows how.

A *credential* is the text that a caller shows: an API key, or a console session's token (:data:`SESSION_PREFIX`). Both mean the same
principal; only the console accepts tokens and only ``Authorization: Bearer`` carries keys, so neither can be used in place of the
other from a foreign page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from headrace.policy import keys

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Mapping, Sequence

    from prometheus_client import CollectorRegistry

    from headrace.app.http.ports.identity import SignIns
    from headrace.app.http.ports.library import Library
    from headrace.app.http.ports.log import Log
    from headrace.app.http.ports.people import People
    from headrace.app.http.ports.revisions import Revisions
    from headrace.app.requests.port import Requests
    from headrace.config.model import Limits
    from headrace.core.events import CleanDelta
    from headrace.core.flow import Answer, Opened, Received
    from headrace.core.ports import Clock, Ids
    from headrace.core.search import Passages, Search
    from headrace.core.values import Principal
    from headrace.core.vectors import Embeddings, Texts

SESSION_PREFIX: Final = keys.SESSION_PREFIX
"""What a session's token begins with; a key never does."""
SESSION_ID_PREFIX: Final = keys.SESSION_ID_PREFIX
"""What the key of a principal begins with whom a provider vouched for: there is no key, and records name the session."""


@dataclass(frozen=True, slots=True)
class Earned:
    """What a deployment earns for answers from documents: ``quote``, ``draft`` or ``not measured``; and by which evaluation, if any."""

    deployment: str
    mode: str
    day: str = ""
    """Of the evaluation, as YYYY-MM-DD; empty when there was none."""
    asked: int = 0
    draft: Mapping[str, int] = field(default_factory=dict[str, int])
    """Answers that were right, wrong and silent, in drafts."""
    quote: Mapping[str, int] = field(default_factory=dict[str, int])
    """The same questions, in quotes."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One service that a principal may ask."""

    name: str
    about: str = ""
    owner: str = ""
    since_us: int = 0
    """When it came into force, microseconds since 1970."""
    grounded: bool = False
    """It answers from documents, with citations."""
    json: bool = False
    """Its answers are JSON, and a request must bring the schema: the console cannot ask it."""
    mode: str = ""
    """Of a grounded service: ``quote`` or ``draft``, as it is set."""
    earned: tuple[Earned, ...] = ()
    """Of a service that drafts: what each of its deployments earns."""
    vectors: bool = False
    """It turns texts into vectors, and writes nothing: the console cannot ask it."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """What is there and what still warms.

    `serves`: every service of the revision in force can answer now. `parts` has a word or a sentence for each part (``ledger``,
    ``knowledge``, ``engine-local``…): ``ready``, or what it is doing ("loads its weights").
    """

    serves: bool
    parts: Mapping[str, str]


class Sessions(Protocol):
    """Console sessions: kept by the SHA-256 of their token, never by the token."""

    async def begin(self, key: str, lasts_s: float) -> str:
        """A new session that stands for `key`, for `lasts_s` seconds at most; its token (SESSION_PREFIX and 32 random bytes,
        base64url). It ends earlier when the key is revoked or expires. Raises Unauthenticated when the key is not valid now."""
        ...

    async def end(self, token: str) -> None:
        """End the session; unknown tokens are passed over."""
        ...


class Gateway(Protocol):
    """The inside, as HTTP sees it. Every method looks at the revision in force when it is called."""

    @property
    def limits(self) -> Limits:
        """What is accepted of one client."""
        ...

    @property
    def clock(self) -> Clock:
        """Time."""
        ...

    @property
    def ids(self) -> Ids:
        """Request ids and salts."""
        ...

    @property
    def registry(self) -> CollectorRegistry:
        """Where metrics are registered: the application's own, and whatever the inside adds. One registry an application."""
        ...

    @property
    def sessions(self) -> Sessions:
        """Console sessions."""
        ...

    @property
    def log(self) -> Log:
        """The log, as it may be shown."""
        ...

    @property
    def library(self) -> Library:
        """Sources and documents."""
        ...

    @property
    def requests(self) -> Requests:
        """Following requests: their facts, their proofs, lists of them."""
        ...

    @property
    def people(self) -> People:
        """People, keys and sessions."""
        ...

    @property
    def sign_ins(self) -> SignIns:
        """Signing in with a company's provider."""
        ...

    @property
    def revisions(self) -> Revisions:
        """What is in force, and what was."""
        ...

    @property
    def hosts(self) -> Collection[str]:
        """Host names (lower case, without port) under which browsers reach the console, beside IP addresses and ``localhost``.
        Any other name in a Host header is a foreign page that resolves to us, and is turned away."""
        ...

    def service_names(self) -> Collection[str]:
        """Every service of the revision in force: the values that a metric's label may take."""
        ...

    def answer(self, received: Received) -> AsyncGenerator[Opened | CleanDelta | Answer]:
        """The line. For a streamed call Opened (after the durable *opened* record), CleanDelta…, then Answer (after the durable
        *settled* record); otherwise the Answer alone. `received.credential` is a key or a session's token.

        Raises a HeadraceError with `request`, and `receipt` once it is recorded; UpstreamTimeout when ``limits.answer_within`` is over.
        Closed or cancelled early: the client left.
        """
        ...

    async def embed(self, asked: Texts) -> Embeddings:
        """The line for vectors: raises as :meth:`answer` does. Cancelled: the client left."""
        ...

    async def find(self, asked: Search) -> Passages:
        """The line for searches: raises as :meth:`answer` does. Cancelled: the client left."""
        ...

    async def authenticate(self, credential: str) -> Principal:
        """Who shows this key or session token. Raises Unauthenticated (``identity.unknown_key``, ``…expired_key``,
        ``…revoked_key``)."""
        ...

    def services(self, principal: Principal) -> Sequence[Offer]:
        """The services that policy lets this principal ask, in order of name. Not recorded: nothing is asked yet."""
        ...

    def observes(self, principal: Principal) -> bool:
        """May this principal read the metrics (action ``observe`` on its tenant)?"""
        ...

    async def readiness(self) -> Readiness:
        """What is there and what still warms. Never raises; answers within a second."""
        ...
