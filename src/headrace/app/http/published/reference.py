"""The reference of the API, made from the tables that the code goes by: what is documented is what is served."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

from prometheus_client import CollectorRegistry

from headrace.app.http.errors import BY_CODE, TABLE
from headrace.app.http.exchange.running import MOST_RUNNING
from headrace.app.http.exchange.wire import READER_STALLS_S
from headrace.app.http.headrace import search
from headrace.app.http.metrics import Metrics
from headrace.app.http.openai import embeddings
from headrace.app.http.openai.request import HONOURED, NEUTRAL
from headrace.app.http.published import openapi, schemas
from headrace.app.http.server.connection import LARGEST_HEAD, LONGEST_TARGET, MOST_HEADERS
from headrace.app.ids import SystemClock
from headrace.app.inside import meters
from headrace.app.inside.deployments import Deployments
from headrace.app.requests.filters import FILTERS
from headrace.config.layout import Layout
from headrace.core.errors import HeadraceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.app.http.errors import Shape

_NAMED = {"models": "NAME", "tile": "LEVEL/INDEX", "since": "SIZE"}
"""What `{name}` stands for in a path, beside an id."""

Json: TypeAlias = "Mapping[str, object]"

_INTRODUCTION = """# API

Headrace speaks the OpenAI chat dialect: point a client at `http://HOST:PORT/v1` and give it a key (`headrace keys create`). `model` is
the name of a *service*. Made from the tables that the code goes by.

```console
$ ASKED='{"model": "help", "messages": [{"role": "user", "content": "How do I return to an earlier revision?"}]}'
$ curl -sf http://127.0.0.1:8080/v1/chat/completions -H "Authorization: Bearer $HEADRACE_KEY" -d "$ASKED"
$ curl -sf http://127.0.0.1:8080/v1/models -H "Authorization: Bearer $HEADRACE_KEY"
```

The whole of it for programs, as OpenAPI 3.1, is at `/v1/openapi.json`: made of the same tables, and held to what is served by tests.

Who asks is told by `Authorization: Bearer KEY` and nothing else; cookies count only in the console.

## Endpoints
"""
_PARAMETERS = """
## What a chat request may say

Every parameter is honoured or refused by its name; none is dropped in silence. `null` asks for nothing and is always accepted. The body
is JSON in UTF-8: a name that stands twice in one object, NaN, a number beyond double precision, NUL and half a surrogate pair are refused.
A message has a role and content: text, or a list of parts `{"type": "text", "text": …}`. Images, sound, files and tool calls are refused.
"""
_REFUSED = """
These parameters of the dialect are refused (`request.unsupported_parameter`), except with a value that asks for nothing:
"""
_ANSWER = """
## What an answer says

The standard fields, and one object more under `headrace`. A streamed answer has it in its last event before `[DONE]`: the event with the
`finish_reason`, or the one with `usage` when `stream_options.include_usage` asks for it. `system_fingerprint` is the revision in force.
`id`, `headrace.request` and the header `x-request-id` are the same: `headrace trace ID` shows the request's way.

No byte of an answer leaves before the ledger has its record: of a streamed one the *opened* record before the first event and the
*settled* one before the last, of any other the *settled* one before the first byte.
"""
_VECTORS = """
## Vectors

`POST /v1/embeddings` turns texts into vectors, on a service with `answer: vectors`. Each text is screened and embedded by itself, so its
vector never depends on its neighbours; what a guard masks is embedded as it is masked. A text that is longer than the model sees is refused
with its number, its tokens and the limit: nothing is cut short.

```console
$ curl -sf http://127.0.0.1:8080/v1/embeddings -H "Authorization: Bearer $HEADRACE_KEY" -d '{"model": "embed", "input": ["One text."]}'
```
"""
_SEARCH = """
## Search

`POST /v1/headrace/search` gives passages instead of an answer: what the asker may read now of the sources that a service knows, screened by
that service's guards. `text` and the quotes are the stored characters at `start` to `end` of `version`, but for what a guard masks.

```console
$ SEARCH='{"service": "help", "query": "How do I return to an earlier revision?", "max_num_results": 3}'
$ curl -sf http://127.0.0.1:8080/v1/headrace/search -H "Authorization: Bearer $HEADRACE_KEY" -d "$SEARCH"
```
"""
_ERRORS = """
## Errors

The shape is OpenAI's, so clients map it to their own exceptions: `{"error": {"type", "code", "param", "message", "headrace"}}`. `code` is
stable and dotted, and programs match on it; `param` is the place (`messages[1].content`); `message` is a sentence that never holds
content; `headrace` says which request it was, how to mend it, which policies or findings decided it, and where its record stands.

An error in the middle of a stream is the stream's last event; no `[DONE]` follows. `retry-after` (seconds) says when to try again,
`x-should-retry: false` that trying again unchanged cannot help. The nearest class decides:
"""
_BY_CODE = """
Errors of HTTP itself have a status of their own:
"""
_FOLLOWING = """
## Following requests

`GET /v1/headrace/requests/ID` gives the facts of a request from its record in the ledger, and `GET /v1/headrace/requests` those that you
may inspect, newest first. Policy decides (action `inspect`): in a new workspace your own; for reviewers also what was flagged, for auditors
all of their tenant. A request that you may not inspect and one that never was are the same 404. A key that is bound to services sees
requests to these alone.

The list takes these parameters; together they all hold, and one that is not known is refused. `limit` (1 to 200, 50 unless said) is how
many come at one time, and `after` the `next` of the page before. Neither questions nor answers are in any record, so none are given here.
"""
_METRICS = """
## Health and metrics

`/healthz` says that the gateway's process answers, `/readyz` whether every service can be asked now: point a load balancer at it.
`/metrics` counts what happened since the gateway's process began, without content and without names of people or keys. It and the parts in
`/readyz` are for programs on this machine, and for a key whose principal policy lets `observe`:

```console
$ curl -s http://127.0.0.1:8080/readyz
$ curl -sf http://127.0.0.1:8080/metrics
```
"""


def markdown() -> str:
    """The whole page."""
    answer, told = _objects(schemas.of_answer(), frozenset())
    error, told = _objects(schemas.of_error(), told)
    request, told = _objects(schemas.of_request(), told, "request")
    requests, _ = _objects(schemas.of_requests(), told, "requests")
    parts = [_INTRODUCTION, *_endpoints(), _PARAMETERS, *_honoured(HONOURED), _REFUSED, *_neutral(), _ANSWER, *answer, _ERRORS]
    vectors, told = _objects(schemas.of(embeddings.EmbeddingList, "embeddings"), told, "list of embeddings")
    found, _ = _objects(schemas.of(search.PassageList, "search"), told, "list of passages")
    parts[-1:-1] = [_VECTORS, *_honoured(embeddings.HONOURED), "", *vectors, _SEARCH, *_honoured(search.HONOURED), "", *found]
    parts += [*_classes(), _BY_CODE, *_codes(), "", "`headrace` of an error:", "", *error]
    parts += [_FOLLOWING, *_filters(), "", "A request:", "", *request, "A list:", "", *requests, _METRICS, *_meters(), "", *_limits()]
    return "\n".join(parts) + "\n"


def _endpoints() -> list[str]:
    rows = ["| path | what it gives |", "|---|---|"]
    for path, methods in cast("Mapping[str, Mapping[str, Json]]", openapi.document()["paths"]).items():
        shown = path.replace("{name}", next((word for part, word in _NAMED.items() if part in path), "ID"))
        rows += [f"| `{method.upper()} {shown}` | {said['summary']} |" for method, said in methods.items()]
    return [*rows, "", "`GET /` leads to the console."]


def _honoured(parameters: Mapping[str, str]) -> list[str]:
    return ["| parameter | what it does |", "|---|---|", *(f"| `{name}` | {about} |" for name, about in parameters.items())]


def _neutral() -> list[str]:
    rows = [f"| `{name}` | {', '.join(f'`{json.dumps(value)}`' for value in values) or 'nothing'} |" for name, values in NEUTRAL.items()]
    return ["| parameter | accepted beside `null` |", "|---|---|", *rows]


def _filters() -> list[str]:
    return ["| parameter | requests |", "|---|---|", *(f"| `{name}` | {about} |" for name, about in FILTERS.items())]


def _objects(schema: Json, told: frozenset[str], outer: str = "headrace") -> tuple[list[str], frozenset[str]]:
    """One table a struct, the outermost first, without those that are `told` already; and all that are told now."""
    forms = cast("Mapping[str, Json]", schema["$defs"])
    outermost = str(schema["$ref"]).rpartition("/")[2]
    ordered = [outermost, *(name for name in forms if name != outermost and name not in told)]
    parts: list[str] = []
    for name in ordered:
        form = forms[name]
        heading = outer if name == outermost else _titled(name)
        parts += [f"### `{heading}`", "", str(form.get("description", "")).replace("``", "`"), "", "| field | type |", "|---|---|"]
        fields = cast("Mapping[str, Json]", form["properties"])
        parts += [f"| `{field}` | {' or '.join(_types(kind))} |" for field, kind in fields.items()]
        parts.append("")
    return parts, told | forms.keys()


def _types(kind: Json) -> list[str]:
    """What a field may be, in words; null last."""
    if "$ref" in kind:
        return [f"`{_titled(str(kind['$ref']).rpartition('/')[2])}`"]
    if "enum" in kind:
        return [f"`{each}`" for each in cast("list[object]", kind["enum"])]
    if "anyOf" in kind:
        found = dict.fromkeys(word for each in cast("list[Json]", kind["anyOf"]) for word in _types(each))
        return sorted(found, key=lambda word: word == "null")
    if kind.get("type") == "array":
        return [f"list of {' or '.join(_types(cast('Json', kind['items'])))}"]
    if kind.get("type") == "object":
        of = cast("Json", kind.get("additionalProperties", {}))
        return [f"object of {', '.join(_types(of))}" if of else "object"]
    return [str(kind["type"])]


def _titled(name: str) -> str:
    return name.removesuffix("Words").removeprefix("Answer").lower()


def _classes() -> list[str]:
    return ["| error | status | type | default code |", "|---|---|---|---|", *(_row(kind, form) for kind, form in TABLE.items())]


def _row(kind: type[HeadraceError], form: Shape) -> str:
    about = "A defect of Headrace itself." if kind is HeadraceError else _about(kind)
    return f"| {about.replace('``', '`')} | {form.status}{' (try again)' if form.again else ''} | `{form.type}` | `{kind.default_code}` |"


def _codes() -> list[str]:
    rows = [f"| `{code}` | {form.status}{' (try again)' if form.again else ''} | `{form.type}` |" for code, form in BY_CODE.items()]
    return ["| code | status | type |", "|---|---|---|", *rows]


def _meters() -> list[str]:
    """Every metric, from registries as the gateway fills them."""
    registry = CollectorRegistry()
    Metrics(registry, tuple)
    meters.register(registry, Deployments(Layout(Path()), SystemClock()), int)
    rows: list[str] = []
    for each in sorted(registry.collect(), key=lambda each: each.name):
        name = f"{each.name}_total" if each.type == "counter" else each.name
        rows.append(f"| `{name}` | {each.type} | {each.documentation} |")
    return ["| metric | type | what it says |", "|---|---|---|", *rows]


def _limits() -> list[str]:
    return [
        "## Bounds",
        "",
        "What may be sent, and how long that may take, is said in `headrace.yaml` under `limits` (see [configuration](configuration.md)).",
        f"Besides: a request's target has at most {LONGEST_TARGET:,} bytes, and its at most {MOST_HEADERS} header fields {LARGEST_HEAD:,};",
        f"{MOST_RUNNING} requests run at one time, and more are shed at once. A client that reads nothing of a streamed answer for",
        f"{READER_STALLS_S:g} s is let go, and the record says so.",
    ]


def _about(thing: object) -> str:
    """The first sentence of a docstring, on one line; a full stop within quotes or ids ends none."""
    text = " ".join((inspect.getdoc(thing) or "").split())
    return text.split(". ", 1)[0].rstrip(".") + "."
