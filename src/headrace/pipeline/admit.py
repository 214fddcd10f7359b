"""Admitted: who asks, and may they use this service?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.core.errors import BadRequest, Forbidden, NotFound
from headrace.core.flow import Admitted
from headrace.core.labels import Label

if TYPE_CHECKING:
    from headrace.config.model import Service
    from headrace.core.flow import Received
    from headrace.core.values import Decision, Principal
    from headrace.pipeline.rooms import Rooms


async def identify(received: Received, rooms: Rooms) -> Principal:
    """Raises Unauthenticated. Until somebody is known there is nobody to keep a record for."""
    return await rooms.directory.authenticate(received.credential)


async def run(received: Received, principal: Principal, rooms: Rooms) -> Admitted:
    """Raises NotFound (no such service), Forbidden (policy), BadRequest (a service's own demands)."""
    call = received.call
    service = rooms.service(call.service)
    if service is None:
        msg = f'There is no service "{call.service}".'
        raise NotFound(msg, code="request.unknown_model", param="model", mend="GET /v1/models lists the services that you may ask.")
    decision = rooms.policy.decide(principal, "ask", ("Service", call.service), {})
    if not decision.allowed:
        raise _denied(service, decision)
    _demands(service, received)
    return Admitted(
        call=call,
        principal=principal,
        decision=decision,
        label=Label(tenant=principal.tenant),
        revision=rooms.revision,
        turns=received.turns,
    )


def _denied(service: Service, decision: Decision) -> Forbidden:
    owner = f" or ask {service.owner} for access" if service.owner else ""
    return Forbidden(
        f'You may not ask service "{service.service}".{f" {decision.reason}" if decision.reason else ""}',
        param="model",
        mend=f"Use a service that GET /v1/models lists{owner}.",
        facts={"policies": list(decision.policies), "what_would_allow_it": decision.would_allow or None},
    )


def _demands(service: Service, received: Received) -> None:
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
