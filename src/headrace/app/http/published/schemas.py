"""The published JSON Schemas of the ``headrace`` objects, made from the structs that are sent (draft 2020-12)."""

from __future__ import annotations

import msgspec

from headrace.app.http.errors import FlawWords
from headrace.app.http.headrace.followed import PageWords, RequestWords
from headrace.app.http.openai.response import HeadraceWords

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def of_answer() -> dict[str, object]:
    """The ``headrace`` object of an answer."""
    return of(HeadraceWords, "answer")


def of_request() -> dict[str, object]:
    """A request that is followed."""
    return of(RequestWords, "request")


def of_requests() -> dict[str, object]:
    """A list of requests."""
    return of(PageWords, "requests")


def of_error() -> dict[str, object]:
    """The ``headrace`` object of an error."""
    return of(FlawWords, "error")


def of(kind: type[msgspec.Struct], name: str) -> dict[str, object]:
    """The schema of what is sent as `kind`."""
    return {"$schema": DIALECT, "$id": f"headrace/api/1/{name}.json", **msgspec.json.schema(kind)}
