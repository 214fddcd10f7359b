"""Lists of requests: what is asked of the ledger's index, and what it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from headrace.evidence.facts import text, whole

if TYPE_CHECKING:
    from headrace.evidence.facts import RequestFacts

MOST: Final = 200
"""Requests of one page."""


class Visible(msgspec.Struct, array_like=True, frozen=True):
    """Which requests somebody may see: own ones and others', each when it was flagged and when it was not.

    `principal` and `holder` (what it is: person or application) say which are their own.
    """

    principal: str
    holder: str
    own_flagged: bool = False
    own_plain: bool = False
    other_flagged: bool = False
    other_plain: bool = False

    @property
    def anything(self) -> bool:
        """Whether there may be something to see at all."""
        return self.own_flagged or self.own_plain or self.others

    @property
    def others(self) -> bool:
        """Whether others' requests may be among it."""
        return self.other_flagged or self.other_plain

    def shows(self, *, own: bool, flagged: bool) -> bool:
        """Whether a request of this kind may be seen."""
        if own:
            return self.own_flagged if flagged else self.own_plain
        return self.other_flagged if flagged else self.other_plain


class Wanted(msgspec.Struct, array_like=True, frozen=True):
    """Which requests to list, newest first. None and the empty text ask for any."""

    tenant: str = ""
    service: str = ""
    outcome: str = ""
    person: str = ""
    """Who asked: a person or an application, by id."""
    key: str = ""
    since_us: int | None = None
    until_us: int | None = None
    """Received from `since_us` on, and before `until_us`."""
    decision: str = ""
    policy: str = ""
    deployment: str = ""
    findings: bool | None = None
    after: tuple[int, str] | None = None
    """The last request of the page before: when it was received, and its id."""
    limit: int = 50
    services: tuple[str, ...] | None = None
    """Only requests to these services."""
    visible: Visible | None = None
    """Only what somebody may see; None: the operator, who may see everything."""
    cites: tuple[str, ...] = ()
    """Only requests whose answer cites one of these versions of documents."""


class Listed(msgspec.Struct, array_like=True, frozen=True):
    """A request on one line. Times are microseconds; `amount` is an exact decimal text, empty when nothing was priced."""

    request: str
    received_us: int
    tenant: str
    principal: str
    holder: str
    key: str
    service: str
    revision: str
    outcome: str
    error: str | None
    at: str | None
    decision: str | None
    policies: tuple[str, ...]
    deployment: str | None
    mode: str | None
    streamed: bool
    findings: int
    flagged: bool
    took_us: int | None
    input: int
    input_cached: int
    output: int
    amount: str
    currency: str


class Listing(msgspec.Struct, array_like=True, frozen=True):
    """A page of requests. `behind`: records of the log that were not read into the index yet, so that the newest may be missing."""

    lines: tuple[Listed, ...]
    behind: int = 0


def listed(facts: RequestFacts) -> Listed:
    """The line of a request."""
    return Listed(
        request=facts.request,
        received_us=facts.received_us,
        tenant=facts.tenant,
        principal=facts.principal,
        holder=facts.holder,
        key=facts.key,
        service=facts.service,
        revision=facts.revision,
        outcome=facts.outcome,
        error=facts.error,
        at=facts.at,
        decision=facts.decision,
        policies=facts.policies,
        deployment=facts.deployment,
        mode=facts.mode,
        streamed=facts.streamed,
        findings=len(facts.findings) + facts.findings_left_out,
        flagged=facts.flagged,
        took_us=facts.took_us,
        input=whole(facts.usage.get("input")),
        input_cached=whole(facts.usage.get("input_cached")),
        output=whole(facts.usage.get("output")),
        amount=text(facts.cost.get("amount")),
        currency=text(facts.cost.get("currency")),
    )
