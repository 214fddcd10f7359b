"""What a client may look up: the services that it may ask, the proof of its requests, the schemas; and for those who run it, how it is.

Each endpoint is a function from a look to a page of JSON (or, for the metrics, of Prometheus' text format). None reads a body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from headrace.app.http.exchange.credentials import at_this_machine
from headrace.app.http.exchange.look import Found
from headrace.app.http.exchange.wire import encode
from headrace.app.http.headrace import requests
from headrace.app.http.published import schemas
from headrace.core.errors import Forbidden, HeadraceError, NotFound, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.app.http.exchange.look import Endpoint, Look
    from headrace.app.http.ports.gateway import Earned, Offer


class EarnedWords(msgspec.Struct):
    """What a deployment earns for answers from documents, by which evaluation; answers right, wrong and silent."""

    deployment: str
    mode: str
    day: str
    asked: int
    draft: dict[str, int]
    quote: dict[str, int]


class ModelFacts(msgspec.Struct):
    """What a service is for, and how it answers."""

    about: str
    grounded: bool
    json: bool
    vectors: bool
    mode: str | None
    earned: list[EarnedWords]


class Model(msgspec.Struct):
    """A service, as the dialect describes a model. `created`: since when it is in force (seconds since 1970)."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    headrace: ModelFacts


class ModelList(msgspec.Struct):
    """The services that one may ask."""

    object: Literal["list"]
    data: list[Model]


class Health(msgspec.Struct):
    """The process answers."""

    status: Literal["ok"]


class Ready(msgspec.Struct):
    """Whether every service can answer, and what each part does; null for strangers."""

    serves: bool
    parts: dict[str, str] | None


async def models(look: Look) -> Found:
    """The services that policy lets the key ask, as the dialect lists models."""
    principal = await look.principal()
    listed = [_model(offer) for offer in look.gateway.services(principal)]
    return Found(encode(ModelList("list", listed)))


async def model(look: Look) -> Found:
    """One service. Raises NotFound, alike for one that is not there and one that the key may not ask."""
    principal = await look.principal()
    found = next((offer for offer in look.gateway.services(principal) if offer.name == look.name), None)
    if found is None:
        message = "There is no such service that you may ask."
        raise NotFound(message, code="request.unknown_model", param="model", mend="GET /v1/models lists those that you may ask.")
    return Found(encode(_model(found)))


async def answer_schema(look: Look) -> Found:
    """The JSON Schema of the ``headrace`` object of an answer."""
    del look
    return Found(encode(schemas.of_answer()), media=b"application/schema+json")


async def request_schema(look: Look) -> Found:
    """The JSON Schema of a request that is followed."""
    del look
    return Found(encode(schemas.of_request()), media=b"application/schema+json")


async def requests_schema(look: Look) -> Found:
    """The JSON Schema of a list of requests."""
    del look
    return Found(encode(schemas.of_requests()), media=b"application/schema+json")


async def error_schema(look: Look) -> Found:
    """The JSON Schema of the ``headrace`` object of an error."""
    del look
    return Found(encode(schemas.of_error()), media=b"application/schema+json")


async def health(look: Look) -> Found:
    """The process answers. Nothing else is looked at: a restart of the gateway mends nothing that is wrong elsewhere."""
    del look
    return Found(encode(Health("ok")))


async def readiness(look: Look) -> Found:
    """200 when every service can answer now, else 503; with what still warms, for this machine and for keys that may observe."""
    ready = await look.gateway.readiness()
    told = Ready(ready.serves, None)  # a stranger needs no list of what stands here
    try:
        await _observer(look)
        told.parts = dict(ready.parts)
    except HeadraceError:
        pass
    return Found(encode(told), status=200 if ready.serves else 503)


async def metrics(look: Look) -> Found:
    """Prometheus' text format. Raises Unauthenticated, Forbidden."""
    await _observer(look)
    return Found(generate_latest(look.gateway.registry), media=CONTENT_TYPE_LATEST.encode())


ENDPOINTS: Final[Mapping[str, Endpoint]] = {
    "/v1/models": models,
    "/v1/models/{name:path}": model,
    requests.PATH: requests.requests,
    f"{requests.PATH}/{{name}}/proof": requests.proof,
    f"{requests.PATH}/{{name:path}}": requests.request,
    "/v1/headrace/schema": answer_schema,
    "/v1/headrace/schema/error": error_schema,
    "/v1/headrace/schema/request": request_schema,
    "/v1/headrace/schema/requests": requests_schema,
    "/healthz": health,
    "/readyz": readiness,
    "/metrics": metrics,
}
"""Every path that is looked up with GET."""


async def _observer(look: Look) -> None:
    """Raises unless a program on this machine asks, or a key that may observe."""
    if at_this_machine(look.scope):
        return
    try:
        principal = await look.principal()
    except Unauthenticated as error:
        error.mend = "Ask from this machine, or with a key that may observe."
        raise
    if not look.gateway.observes(principal):
        message = "You may not read the metrics."
        raise Forbidden(message, mend="A policy may permit it: action observe on the tenant.")


def _earned(each: Earned) -> EarnedWords:
    return EarnedWords(each.deployment, each.mode, each.day, each.asked, dict(each.draft), dict(each.quote))


def _model(offer: Offer) -> Model:
    facts = ModelFacts(offer.about, offer.grounded, offer.json, offer.vectors, offer.mode or None, [_earned(each) for each in offer.earned])
    return Model(offer.name, "model", offer.since_us // 1_000_000, offer.owner or "headrace", facts)
