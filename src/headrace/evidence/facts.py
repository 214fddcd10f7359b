"""A record of a request read as facts: the one reading that traces, lists, the API and the console share.

It takes what is there and makes nothing up: a record of an older or newer form, or one whose stages ended early, gives fewer facts and no
error. How facts are said is the business of others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Json: TypeAlias = "Mapping[str, object]"

UNDER_WAY: Final = "open"
"""The outcome of a request that was opened and has no end yet."""
OUTCOMES: Final = ("answered", "refused", "failed", "cancelled", "interrupted", UNDER_WAY)
"""What may have come of a request."""
ALLOWED: Final = "allowed"
DENIED: Final = "denied"
_WENT_WRONG: Final = frozenset({"refused", "failed", "interrupted"})
_DENIALS: Final = frozenset({"policy.denied", "policy.no_placement"})
_ASKED: Final[Mapping[str, str]] = {"admitted": "ask", "routed": "place", "released": "unmask"}
"""What policy is asked in which room."""


def mapping(value: object) -> Json:
    """An object; empty for anything else."""
    return cast("Json", value) if isinstance(value, dict) else {}


def items(value: object) -> Sequence[object]:
    """A list; empty for anything else."""
    return cast("Sequence[object]", value) if isinstance(value, list | tuple) else ()


def mappings(value: object) -> Sequence[Json]:
    """The objects of a list."""
    return [cast("Json", each) for each in items(value) if isinstance(each, dict)] if value else ()


def texts(value: object) -> tuple[str, ...]:
    """The texts of a list."""
    return tuple([each for each in items(value) if isinstance(each, str)]) if value else ()


def text(value: object) -> str:
    """A text; empty for anything else."""
    return value if isinstance(value, str) else ""


def whole(value: object) -> int:
    """A whole number; 0 for anything else."""
    return value if isinstance(value, int) else 0


@dataclass(frozen=True, slots=True)
class StageFacts:
    """What one room did: when it began (microseconds after the request came in), how long it worked, and its facts.

    `ended`: the request ended here, and the facts are those of what ended it.
    """

    name: str
    began_us: int
    us: int
    facts: Json
    ended: bool


@dataclass(frozen=True, slots=True)
class Ruling:
    """What policy said in one room, and by which policies. `would_allow`: of a denial, what would have helped."""

    stage: str
    action: str
    allowed: bool
    policies: tuple[str, ...]
    obligations: tuple[str, ...] = ()
    would_allow: str = ""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A deployment that was considered and not chosen; `reason` is empty where the record gives none."""

    deployment: str
    reason: str = ""


class RequestFacts:
    """The facts of one record: *opened*, *settled* or *interrupted*."""

    def __init__(self, record: Json) -> None:
        self.record = record
        self.request = text(record.get("request"))
        self.kind = text(record.get("kind"))
        self.tenant = text(record.get("tenant"))
        self.principal = text(record.get("principal"))
        self.key = text(record.get("key"))
        self.service = text(record.get("service"))
        """Empty: it asked for a service that was not there."""
        self.revision = text(record.get("revision"))
        self.received_us = whole(record.get("received_us"))
        self.written_us = whole(record.get("time_us"))
        self.error = text(record.get("error")) or None
        self.at = text(record.get("at")) or None
        """The stage in which it ended, when that was no answer."""

    @property
    def outcome(self) -> str:
        """What came of it: one of :data:`OUTCOMES`."""
        return text(self.record.get("outcome")) or UNDER_WAY

    @cached_property
    def stages(self) -> tuple[StageFacts, ...]:
        """The rooms in the order in which they ended."""
        found: list[StageFacts] = []
        for each in mappings(self.record.get("stages")):
            name = text(each.get("stage"))
            found.append(
                StageFacts(name, whole(each.get("began_us")), whole(each.get("us")), mapping(each.get("facts")), ended=self.at == name)
            )
        return tuple(found)

    def of(self, stage: str) -> Json:
        """The facts of a room; empty when the request did not come that far."""
        for each in self.stages:
            if each.name == stage:
                return each.facts
        return {}

    @property
    def holder(self) -> str:
        """What the principal is: ``person`` or ``application``; empty when the request ended before that was noted."""
        return text(self.of("admitted").get("kind"))

    @property
    def streamed(self) -> bool:
        """Whether it asked for a stream."""
        return self.of("received").get("stream") is True

    @property
    def took_us(self) -> int | None:
        """From when it came in to its record, in microseconds, by the gateway's clock; None while it has no end that was seen."""
        return max(0, self.written_us - self.received_us) if self.kind == "settled" else None

    @cached_property
    def mode(self) -> str | None:
        """How the answer came about: ``quote``, ``draft``, ``abstain`` or ``generate``. What was checked knows best: a draft may have
        fallen back to quotes."""
        return next((mode for stage in ("checked", "generated", "grounded") if (mode := text(self.of(stage).get("mode")))), None)

    @property
    def deployment(self) -> str | None:
        """The deployment that answered; None when none was needed, or it did not come that far."""
        return text(self.of("routed").get("deployment")) or None

    @property
    def passed_over(self) -> tuple[PassedOver, ...]:
        """Deployments that were considered and not chosen. A request that ended in routing knows their names alone."""
        rejected = items(self.of("routed").get("rejected"))
        return tuple(
            PassedOver(each)
            if isinstance(each, str)
            else PassedOver(text(mapping(each).get("deployment")), text(mapping(each).get("reason")))
            for each in rejected
        )

    @cached_property
    def findings(self) -> tuple[Json, ...]:
        """What guards found, over all rooms: kind, place and what was done; never the thing itself."""
        return tuple(found for stage in self.stages for found in mappings(stage.facts.get("findings")))

    @property
    def findings_left_out(self) -> int:
        """How many findings more there were than the record has room for."""
        return sum(whole(stage.facts.get("findings_left_out")) for stage in self.stages)

    @property
    def flagged(self) -> bool:
        """Whether a guard found something, or it was refused, failed (or was interrupted) or abstained: what a reviewer looks at."""
        return bool(self.findings) or self.outcome in _WENT_WRONG or self.mode == "abstain"

    @cached_property
    def rulings(self) -> tuple[Ruling, ...]:
        """What policy said, room by room. A room in which it was not asked, or that ended for another reason, has none."""
        found: list[Ruling] = []
        for stage in self.stages:
            if stage.name not in _ASKED:
                continue
            policies = texts(stage.facts.get("policies"))
            denied = stage.ended and self.error in _DENIALS
            asked = bool(policies) or denied or (stage.name == "admitted" and not stage.ended)
            if asked and (denied or not stage.ended):
                would_allow = text(stage.facts.get("what_would_allow_it"))
                obligations = texts(stage.facts.get("obligations"))
                found.append(Ruling(stage.name, _ASKED[stage.name], not denied, policies, obligations, would_allow))
        return tuple(found)

    @property
    def decision(self) -> str | None:
        """``denied`` when policy ended it, ``allowed`` when it let it in; None when it was not asked (there was no such service)."""
        if self.error in _DENIALS:
            return DENIED
        return ALLOWED if any(each.name == "admitted" and not each.ended for each in self.stages) else None

    @property
    def policies(self) -> tuple[str, ...]:
        """Every policy that decided anything of it, once."""
        return tuple(dict.fromkeys(each for ruling in self.rulings for each in ruling.policies))

    @property
    def citations(self) -> tuple[Json, ...]:
        """What was quoted: version of the document, start and end in characters, and the place where the record tells it."""
        return tuple(mappings(self.of("released").get("citations")))

    @property
    def cited(self) -> tuple[str, ...]:
        """Versions of the documents that were quoted, each once."""
        return tuple(dict.fromkeys(version for each in self.citations if (version := text(each.get("version")))))

    @property
    def usage(self) -> Json:
        """Tokens and engine time; empty until it is settled."""
        return mapping(self.record.get("usage"))

    @property
    def cost(self) -> Json:
        """Amount (exact decimal text) and currency; empty until it is settled."""
        return mapping(self.record.get("cost"))
