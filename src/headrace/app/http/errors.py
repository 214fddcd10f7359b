"""From the error tree to HTTP: the one table, and the body that clients read (the OpenAI shape, and our ``headrace`` object)."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import msgspec

from headrace.app.http.openai.response import FindingWords, finding_words
from headrace.core.errors import (
    BadRequest,
    BodyTooLarge,
    Forbidden,
    HeadraceError,
    NotFound,
    OperationFailed,
    Overloaded,
    Refused,
    Unauthenticated,
    Unavailable,
    UpstreamFailed,
    UpstreamTimeout,
    defect_place,
)
from headrace.core.text import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shape:
    """How an error looks over HTTP. `again`: a client may send the same request once more and hope."""

    status: int
    type: str
    again: bool


TABLE: Final[Mapping[type[HeadraceError], Shape]] = {
    BodyTooLarge: Shape(413, "invalid_request_error", again=False),
    BadRequest: Shape(400, "invalid_request_error", again=False),
    Unauthenticated: Shape(401, "authentication_error", again=False),
    Forbidden: Shape(403, "permission_error", again=False),
    Refused: Shape(403, "permission_error", again=False),
    NotFound: Shape(404, "not_found_error", again=False),
    OperationFailed: Shape(409, "invalid_request_error", again=False),
    Overloaded: Shape(503, "overloaded_error", again=True),
    UpstreamTimeout: Shape(504, "upstream_error", again=True),
    UpstreamFailed: Shape(502, "upstream_error", again=True),
    Unavailable: Shape(503, "unavailable_error", again=True),
    HeadraceError: Shape(500, "internal_error", again=False),
}
"""The nearest class of an error's own line decides (method resolution order), so a new subclass has a place at once."""

BY_CODE: Final[Mapping[str, Shape]] = {
    "request.too_slow": Shape(408, "invalid_request_error", again=True),
    "request.method_not_allowed": Shape(405, "invalid_request_error", again=False),
    "request.target_too_long": Shape(414, "invalid_request_error", again=False),
    "request.headers_too_large": Shape(431, "invalid_request_error", again=False),
    "request.foreign_host": Shape(421, "permission_error", again=False),
    "identity.too_many_attempts": Shape(429, "rate_limit_error", again=True),
}
"""Errors of HTTP itself, which have a status of their own."""

UNAVAILABLE_AGAIN_S: Final = 2
"""Seconds after which a part that was restarted is usually back."""


class FlawWords(msgspec.Struct, omit_defaults=True):
    """Our part of an error: the request, its receipt, and what to do next."""

    request: str | None = None
    mend: str | None = None
    policies: list[str] | None = None
    what_would_allow_it: str | None = None
    findings: list[FindingWords] | None = None
    facts: dict[str, str | int | bool | None] | None = None
    receipt: ReceiptWords | None = None


class ReceiptWords(msgspec.Struct):
    """The ledger's word that the record of this refusal is durable."""

    log: str
    sequence: int
    leaf: str
    signature: str
    time_us: int


class Flaw(msgspec.Struct):
    """The object under ``error``."""

    type: str
    code: str
    param: str | None
    message: str
    headrace: FlawWords


class ErrorBody(msgspec.Struct):
    """The body of every response that is not a success, and of the event that ends a broken stream."""

    error: Flaw


def shape(error: HeadraceError) -> Shape:
    """Status and type of an error."""
    found = BY_CODE.get(error.code)
    return found or next(TABLE[kind] for kind in type(error).__mro__ if kind in TABLE)


def headers(error: HeadraceError) -> list[tuple[bytes, bytes]]:
    """Headers that tell a client whether and when to ask again, and how to show who it is."""
    form = shape(error)
    said: list[tuple[bytes, bytes]] = []
    if isinstance(error, Overloaded):
        said.append((b"retry-after", str(max(1, math.ceil(error.retry_after))).encode()))
    elif isinstance(error, Unavailable):
        said.append((b"retry-after", str(UNAVAILABLE_AGAIN_S).encode()))
    elif isinstance(wait := error.facts.get("retry_after_s"), int):
        said.append((b"retry-after", str(wait).encode()))  # as the provider said
    if not form.again:
        said.append((b"x-should-retry", b"false"))
    if isinstance(error, Unauthenticated):
        said.append((b"www-authenticate", b"Bearer"))
    allow = error.facts.get("allow")
    if isinstance(allow, str):
        said.append((b"allow", allow.encode()))
    if error.request is not None:
        said.append((b"x-request-id", error.request.encode()))
    return said


def body(error: HeadraceError) -> ErrorBody:
    """What a client is told."""
    receipt = error.receipt
    words = FlawWords(
        request=error.request,
        mend=error.mend,
        policies=_strings(error.facts.get("policies")),
        what_would_allow_it=_string(error.facts.get("what_would_allow_it")),
        findings=_findings(error.facts.get("findings")),
        facts=_rest(error.facts),
        receipt=None
        if receipt is None
        else ReceiptWords(
            log=receipt.log, sequence=receipt.sequence, leaf=receipt.leaf, signature=receipt.signature, time_us=receipt.time_us
        ),
    )
    return ErrorBody(Flaw(type=shape(error).type, code=error.code, param=error.param, message=error.message, headrace=words))


def of_defect(error: Exception, where: str) -> HeadraceError:
    """A defect as an error that tells a client nothing of the inside. The log has its place."""
    _log.error("%s failed with a defect: %s", where, defect_place(error))
    return HeadraceError("Headrace itself failed.", mend="Report it with the request's id; its log has the place.")


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _strings(value: object) -> list[str] | None:
    return [str(each) for each in cast("list[object]", value)] if isinstance(value, list | tuple) else None


def _findings(value: object) -> list[FindingWords] | None:
    """What a refusal's `facts` hold: findings without what was found."""
    if not isinstance(value, tuple):
        return None
    return [finding_words(each) for each in cast("tuple[object, ...]", value) if isinstance(each, Finding)]


def _rest(facts: Mapping[str, object]) -> dict[str, str | int | bool | None] | None:
    """Plain facts that have no field of their own: the numbers of a prompt that does not fit, say."""
    named = {"policies", "what_would_allow_it", "findings", "allow"}
    rest = {name: value for name, value in facts.items() if name not in named and (value is None or isinstance(value, str | int))}
    return rest or None
