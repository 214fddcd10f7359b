"""The OpenAPI 3.1 document, made of the tables that requests are read by and the structs that are sent: what it says is what is served."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import msgspec

from headrace import __version__
from headrace.app.http.errors import BY_CODE, TABLE, ErrorBody
from headrace.app.http.exchange.look import Found
from headrace.app.http.exchange.wire import encode
from headrace.app.http.headrace import lookups, requests, search
from headrace.app.http.headrace.followed import PageWords, RequestWords
from headrace.app.http.headrace.log import LOG_ENDPOINTS
from headrace.app.http.openai import chat, embeddings, messages, request
from headrace.app.http.openai.response import Chunk, Completion
from headrace.app.requests.filters import FILTERS, LIMIT
from headrace.evidence import schemas as evidence
from headrace.evidence.listing import MOST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.app.http.exchange.look import Endpoint, Look

Json: TypeAlias = "dict[str, object]"

PATH: Final = "/v1/openapi.json"
JSON: Final = "application/json"
SCHEMA: Final = "application/schema+json"
EVENTS: Final = "text/event-stream"
BYTES: Final = "application/octet-stream"
TEXT: Final = "text/plain"
ANY_TIME: Final = (400, 408, 414, 431, 500, 503)
"""What any request may be told, whatever it asks for."""
LINE: Final = (401, 403, 404, 413, 502, 504)
"""What a request that goes a line's way may be told besides."""
_KEY: Final = "key"
_BODIES: Final[Mapping[str, type[msgspec.Struct]]] = {
    chat.PATH: request.Parameters,
    embeddings.PATH: embeddings.Parameters,
    search.PATH: search.Parameters,
}
_SENT: Final = (
    Completion,
    Chunk,
    embeddings.EmbeddingList,
    search.PassageList,
    lookups.ModelList,
    lookups.Health,
    lookups.Ready,
    RequestWords,
    PageWords,
    ErrorBody,
)
_TOGETHER: Final[Mapping[str, Mapping[str, object]]] = {chat.PATH: request.TOGETHER, search.PATH: search.EITHER}
"""What parameters must keep to together."""
_EXAMPLES: Final[Mapping[str, Json]] = {
    chat.PATH: {"model": "help", "messages": [{"role": "user", "content": "How do I return to an earlier revision?"}]},
    embeddings.PATH: {"model": "embed", "input": ["How do I return to an earlier revision?"], "encoding_format": "base64"},
    search.PATH: {"service": "help", "query": "How do I return to an earlier revision?", "max_num_results": 3},
}


@dataclass(frozen=True, slots=True)
class Given:
    """What an endpoint gives: its media and their schemas; what it may say instead; who may ask, and with which parameters."""

    content: Mapping[str, Json]
    errors: tuple[int, ...] = ()
    key: bool | None = True
    """None: with a key or without, depending on the workspace or on where one asks from."""
    query: Mapping[str, Json] = field(default_factory=dict[str, Json])
    also: Mapping[int, Mapping[str, Json]] = field(default_factory=dict[int, "Mapping[str, Json]"])
    """Other statuses with a body of their own."""


def _ref(kind: type[msgspec.Struct]) -> Json:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def _plain(media: str) -> dict[str, Json]:
    return {media: {"type": "string", **({"format": "binary"} if media == BYTES else {})}}


_OBJECT: Final[Json] = {"type": "object"}
_EVENT: Final[Json] = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "data": {
            "description": "A chunk; at the end `[DONE]`, or the error that broke the answer off.",
            "anyOf": [
                {"const": "[DONE]"},
                {"type": "string", "contentMediaType": JSON, "contentSchema": {"anyOf": [_ref(Chunk), _ref(ErrorBody)]}},
            ],
        }
    },
}
"""One event of a streamed answer."""
_LIST_QUERY: Final[Mapping[str, Json]] = {
    **{name: {"type": "string", "description": about} for name, about in FILTERS.items()},
    "after": {"type": "string", "description": "Where the page begins: `next` of the page before."},
    "limit": {
        "anyOf": [{"type": "integer", "minimum": 1, "maximum": MOST}, {"const": ""}],
        "description": f"Requests of one page; {LIMIT} when left out or empty.",
    },
}
_NAMED: Final = (401, 404)
_GIVEN: Final[Mapping[str, Given]] = {
    "/v1/models": Given({JSON: _ref(lookups.ModelList)}, (401,)),
    "/v1/models/{name:path}": Given({JSON: _ref(lookups.Model)}, _NAMED),
    requests.PATH: Given({JSON: _ref(PageWords)}, (401,), query=_LIST_QUERY),
    f"{requests.PATH}/{{name}}/proof": Given({JSON: {"$ref": "#/components/schemas/Bundle"}}, _NAMED),
    f"{requests.PATH}/{{name:path}}": Given({JSON: _ref(RequestWords)}, _NAMED),
    "/v1/headrace/schema": Given({SCHEMA: _OBJECT}, key=False),
    "/v1/headrace/schema/error": Given({SCHEMA: _OBJECT}, key=False),
    "/v1/headrace/schema/request": Given({SCHEMA: _OBJECT}, key=False),
    "/v1/headrace/schema/requests": Given({SCHEMA: _OBJECT}, key=False),
    "/healthz": Given({JSON: _ref(lookups.Health)}, key=False),
    "/readyz": Given({JSON: _ref(lookups.Ready)}, key=None, also={503: {JSON: _ref(lookups.Ready)}}),
    "/metrics": Given(_plain(TEXT), (401, 403), key=None),
    PATH: Given({JSON: _OBJECT}, key=False),
    "/log/checkpoint": Given(_plain(TEXT), _NAMED, key=None),
    "/log/tile/{name:path}": Given(_plain(BYTES), _NAMED, key=None),
    "/v1/headrace/log/since/{name}": Given({JSON: {"$ref": "#/components/schemas/Growth"}}, _NAMED, key=None),
}
"""By the path of the router. Each that is served must stand here: the document cannot be made without."""


async def described(look: Look) -> Found:
    """This API as an OpenAPI 3.1 document."""
    del look
    return Found(_encoded())


@cache
def _encoded() -> bytes:
    return encode(document())


@cache
def document() -> Json:
    """The whole document. It says nothing of the workspace."""
    looked_up = {**lookups.ENDPOINTS, **LOG_ENDPOINTS, PATH: described}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Headrace",
            "version": __version__,
            "summary": "One request path, one policy, one ledger, one trace.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": {
            chat.PATH: {"post": _line(chat.PATH, chat.Chat, {JSON: _ref(Completion), EVENTS: _EVENT})},
            embeddings.PATH: {"post": _line(embeddings.PATH, embeddings.Embed, {JSON: _ref(embeddings.EmbeddingList)})},
            search.PATH: {"post": _line(search.PATH, search.Find, {JSON: _ref(search.PassageList)})},
            **{_shown(path): {"get": _looked_up(path, endpoint)} for path, endpoint in looked_up.items()},
        },
        "components": {
            "schemas": _schemas(),
            "responses": {f"Error{status}": _error(status) for status in _statuses()},
            "securitySchemes": {_KEY: {"type": "http", "scheme": "bearer", "description": "A key: headrace keys create makes one."}},
        },
    }


def _schemas() -> Json:
    _, found = msgspec.json.schema_components(_SENT, ref_template="#/components/schemas/{name}")
    return {**found, **{name.capitalize(): _published(name) for name in ("bundle", "growth", "receipt")}}


def _published(name: str) -> Json:
    """A published form of the ledger's, as a component."""
    form = {key: value for key, value in evidence.schema(name).items() if key not in {"$schema", "$id"}}
    written = msgspec.json.encode(form).replace(b"urn:headrace:receipt:1", b"#/components/schemas/Receipt")
    return msgspec.json.decode(written, type=dict[str, object])


def _line(path: str, visit: type, content: Mapping[str, Json]) -> Json:
    body = {"schema": body_schema(path), "example": _EXAMPLES[path]}
    return {
        "operationId": visit.__name__.lower(),
        "summary": _about(visit),
        "security": [{_KEY: list[str]()}],
        "requestBody": {"required": True, "content": {JSON: body}},
        "responses": _responses(content, (*ANY_TIME, *LINE)),
    }


def body_schema(path: str) -> Json:
    """What the body of a line's request may be, as its reader reads it."""
    kind = _BODIES[path]
    _, parts = msgspec.json.schema_components([kind], ref_template="#/components/schemas/{name}")
    form = cast("Json", parts[kind.__name__])
    fields = dict(cast("Json", form["properties"]))
    required = list(cast("list[str]", form.get("required", [])))
    honoured: Mapping[str, str] = request.HONOURED
    if path == chat.PATH:
        fields |= {"messages": messages.SCHEMA, "response_format": request.FORMAT_SCHEMA, **request.NARROWED}
        fields |= {name: {"enum": [None, *values]} for name, values in request.NEUTRAL.items()}
        required.append("messages")
    else:
        honoured = embeddings.HONOURED if path == embeddings.PATH else search.HONOURED
    for name, about in honoured.items():
        fields[name] = {**cast("Json", fields[name]), "description": about}
    form = {"type": "object", "properties": fields, "required": required, "additionalProperties": False}
    return {**form, **_TOGETHER.get(path, {})}


def _looked_up(path: str, endpoint: Endpoint) -> Json:
    given = _GIVEN[path]
    parameters: list[Json] = []
    if "{name" in path:
        parameters.append({"name": "name", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}})
    parameters += [
        {"name": name, "in": "query", "description": form["description"], "schema": {k: v for k, v in form.items() if k != "description"}}
        for name, form in given.query.items()
    ]
    security: list[Json] = [{_KEY: list[str]()}] if given.key is not False else []
    if given.key is None:
        security.append({})
    responses = _responses(given.content, (*ANY_TIME, *given.errors))
    for status, content in given.also.items():
        responses[str(status)] = {"description": "Not all of it is there.", "content": _content(content)}
    said: Json = {"operationId": _id(endpoint), "summary": _about(endpoint), "security": security, "responses": responses}
    return {**said, "parameters": parameters} if parameters else said


def _responses(content: Mapping[str, Json], errors: tuple[int, ...]) -> Json:
    found: Json = {"200": {"description": "What was asked for.", "content": _content(content)}}
    return found | {str(status): {"$ref": f"#/components/responses/Error{status}"} for status in sorted(errors)}


def _content(content: Mapping[str, Json]) -> Json:
    return {media: {"schema": schema} for media, schema in content.items()}


def _statuses() -> list[int]:
    return sorted({form.status for form in (*TABLE.values(), *BY_CODE.values())})


def _error(status: int) -> Json:
    """An error's response: which kinds and codes have this status."""
    kinds = [_about(kind).rstrip(".") for kind, form in TABLE.items() if form.status == status]
    codes = [f"`{code}`" for code, form in BY_CODE.items() if form.status == status]
    said = "; ".join([*kinds, *codes]) + "."
    headers: Json = {"x-should-retry": {"description": "false: asking again unchanged cannot help.", "schema": {"type": "string"}}}
    if status in {429, 502, 503, 504}:
        headers = {"retry-after": {"description": "Seconds until it may be tried again.", "schema": {"type": "integer", "minimum": 0}}}
    elif status == 401:  # noqa: PLR2004 - HTTP's
        headers |= {"www-authenticate": {"description": "How to show who asks.", "schema": {"type": "string"}}}
    return {"description": said, "headers": headers, "content": {JSON: {"schema": _ref(ErrorBody)}}}


def _shown(path: str) -> str:
    return path.replace(":path", "")


def _id(endpoint: object) -> str:
    return str(getattr(endpoint, "__name__", ""))


def _about(thing: object) -> str:
    """The first sentence of a docstring, on one line."""
    text = " ".join((inspect.getdoc(thing) or "").split()).replace("``", "`")
    return text.split(". ", 1)[0].rstrip(".") + "."
