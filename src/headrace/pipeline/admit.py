"""Admitted: who asks, and may they use this service?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from headrace.core.errors import BadRequest, Forbidden, NotFound
from headrace.core.flow import Admitted
from headrace.core.labels import Label

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.config.model import Service
    from headrace.core.flow import Received
    from headrace.core.values import Decision, Principal
    from headrace.pipeline.rooms import Rooms

UNKNOWN: Final = "request.unknown_model"
BOUND: Final = "policy.key_bound"
UNNAMED: Final = frozenset({UNKNOWN, BOUND})
"""Codes of errors that say nothing about whether there is a service of the name that was asked."""
Demands: TypeAlias = "Callable[[Service, Received], None]"
"""What a service demands of a request of one kind. Raises BadRequest."""


async def identify(received: Received, rooms: Rooms) -> Principal:
    """Raises Unauthenticated. Until somebody is known there is nobody to keep a record for."""
    return await rooms.directory.authenticate(received.credential)


async def run(received: Received, principal: Principal, rooms: Rooms, demands: Demands) -> Admitted:
    """Raises NotFound (no such service), Forbidden (policy), BadRequest (what the service demands, and what it is not for)."""
    call = received.call
    service, decision = _asked(call.service, principal, rooms)
    demands(service, received)
    return Admitted(
        call=call,
        principal=principal,
        decision=decision,
        label=Label(tenant=principal.tenant),
        revision=rooms.revision,
        turns=received.turns,
    )


def _asked(name: str, principal: Principal, rooms: Rooms) -> tuple[Service, Decision]:
    """The service and the decision that lets this principal ask it. Whether there is a service is told to those who may see it alone;
    to everybody else one that they may not ask is none, and a key that is bound to services hears of no other."""
    if principal.services is not None and name not in principal.services:
        raise _bound(rooms.policy.decide(principal, "ask", ("Service", name), {}))
    service = rooms.service(name)
    if service is None:
        raise _unknown(name)
    decision = rooms.policy.decide(principal, "ask", ("Service", name), {})
    if not decision.allowed:
        seen = rooms.policy.decide(principal, "see", ("Service", name), {}).allowed
        raise _denied(service, decision) if seen else _unknown(name)
    return service, decision


def _unknown(name: str) -> NotFound:
    msg = (
        f'There is no service "{name}" that you may ask.' if name else "There is no service that you may ask and that knows these sources."
    )
    return NotFound(msg, code=UNKNOWN, param="model" if name else "sources", mend="GET /v1/models lists the services that you may ask.")


def _bound(decision: Decision) -> Forbidden:
    return Forbidden(
        decision.reason,
        code=BOUND,
        param="model",
        mend="Use a service that GET /v1/models lists, or another key.",
        facts={"policies": [], "what_would_allow_it": decision.would_allow or None},
    )


def _denied(service: Service, decision: Decision) -> Forbidden:
    owner = f" or ask {service.owner} for access" if service.owner else ""
    return Forbidden(
        f'You may not ask service "{service.service}".{f" {decision.reason}" if decision.reason else ""}',
        param="model",
        mend=f"Use a service that GET /v1/models lists{owner}.",
        facts={"policies": list(decision.policies), "what_would_allow_it": decision.would_allow or None},
    )


def answers(service: Service, received: Received) -> None:
    """What a service demands of a question."""
    if service.answer == "vectors":
        msg = f'Service "{service.service}" answers in vectors, and writes nothing.'
        raise BadRequest(
            msg, code="request.service_embeds", param="model", mend="Send texts to POST /v1/embeddings, or ask another service."
        )
    if service.answer == "json" and received.call.sampling.format is None:
        msg = f'Service "{service.service}" answers in JSON and needs the schema to answer in.'
        raise BadRequest(
            msg,
            code="request.schema_needed",
            param="response_format",
            mend='Send response_format {"type": "json_schema", "json_schema": …}.',
        )
    if service.knowledge is not None and received.call.sampling.format is not None:
        msg = f'Service "{service.service}" answers with quotes from documents, which have no JSON form.'
        raise BadRequest(
            msg,
            code="request.format_not_served",
            param="response_format",
            mend="Ask a service that generates, or leave response_format out.",
        )


def embeds(service: Service, received: Received) -> None:
    """Only some services give vectors."""
    del received
    if service.answer != "vectors":
        msg = f'Service "{service.service}" gives no vectors.'
        raise BadRequest(
            msg, code="request.service_writes", param="model", mend="GET /v1/models says which services do (headrace.vectors)."
        )


def finds(service: Service, received: Received) -> None:
    """Only what a service knows can be searched."""
    del received
    if service.knowledge is None:
        msg = f'Service "{service.service}" knows no documents, so there is nothing to search.'
        raise BadRequest(
            msg, code="request.nothing_to_search", param="service", mend="GET /v1/models says which services do (headrace.grounded)."
        )
