"""A provider that speaks the OpenAI chat dialect, faults included: for tests, and (being quick) for benchmarks.

    python tests/providers/openai_server.py        prints {"url": "http://127.0.0.1:PORT"} and serves until it is stopped

The *model* asked for says how it behaves (see FAULTS); any other name answers well. ``GET /state`` tells what it has seen.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, cast

import uvloop

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

FAULTS = {
    "obedient": "keeps to max_tokens and to a JSON Schema with name and age; 5 ms between the pieces",
    "slow": "50 ms between the pieces of the answer",
    "late": "0.5 s before the first",
    "echo": "answers with the last message",
    "json": "answers with a JSON object",
    "silent": "tells no usage",
    "cached": "had 12 of the prompt's 20 tokens cached",
    "filtered": "ends with content_filter",
    "401": "",
    "404": "",
    "429": "with Retry-After: 7",
    "500": "",
    "503": "",
    "504": "",
    "too-long": "400, context_length_exceeded",
    "refuse": "400, another reason",
    "mute": "400 without a body that parses",
    "cut": "breaks the connection off in the middle; 20 ms between the pieces",
    "unfinished": "ends the stream in order, but without a finish_reason",
    "finished": "ends the stream in order after the finish_reason, without [DONE]",
    "open": "says [DONE] and keeps the stream open",
    "garbage": "a page of HTML instead of a stream",
    "broken": "a piece that is not JSON",
    "endless": "a line that never ends",
    "fault": "an error event in the middle; 20 ms between the pieces",
    "hang": "never answers",
    "stall": "two pieces, then nothing more",
    "drop": "closes the connection without an answer",
    "once": "closes a kept connection when it is used again",
    "redirect": "302 to another address",
}
PIECES = ("The", " answer", " to", " this", " question", " is", " forty", "-two", ".")
JSON_PIECES = ('{"name": ', '"Ana", ', '"age": 31}')
USAGE = {"prompt_tokens": 20, "completion_tokens": len(PIECES), "total_tokens": 20 + len(PIECES)}
PAUSES = {"slow": 0.05, "obedient": 0.005, "cut": 0.02, "fault": 0.02}
_MODEL = re.compile(rb'"model"\s*:\s*"([^"]*)"')
_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
_STREAM = re.compile(rb'"stream"\s*:\s*true')
_STATUS = {
    200: "OK", 302: "Found", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests",
    500: "Internal Server Error", 503: "Service Unavailable", 504: "Gateway Timeout",
}  # fmt: skip


@dataclass
class State:
    """What the provider has seen."""

    asked: int = 0
    active: int = 0
    cancelled: int = 0
    connections: int = 0
    last: dict[str, object] = field(default_factory=dict)
    authorization: str = ""
    pieces: Sequence[str] | None = None
    """What ``obedient`` writes, when a test says so."""
    usage: dict[str, int] | None = None
    """What ``obedient`` says that it used, when a test says so."""


def event(content: str | None = None, *, finish: str | None = None, usage: object = None) -> bytes:
    """One server-sent event."""
    choices: list[object] = []
    if content is not None or finish is not None:
        choices = [{"index": 0, "delta": {} if content is None else {"content": content}, "finish_reason": finish}]
    chunk: dict[str, object] = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "mock", "choices": choices}
    if usage is not None:
        chunk["usage"] = usage
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def answer(pieces: Sequence[str], *, finish: str = "stop", usage: object = USAGE) -> list[bytes]:
    """The events of a good answer."""
    last = [] if usage is None else [event(usage=usage)]
    return [event(""), *(event(piece) for piece in pieces), event(finish=finish), *last, b"data: [DONE]\n\n"]


def head(status: int, headers: str) -> bytes:
    """The head of a response."""
    return f"HTTP/1.1 {status} {_STATUS[status]}\r\n{headers}\r\n\r\n".encode()


def whole(status: int, body: object, extra: str = "") -> bytes:
    """A response of one JSON body."""
    content = json.dumps(body).encode()
    return head(status, f"Content-Type: application/json\r\nContent-Length: {len(content)}{extra}") + content


def chunk(content: bytes) -> bytes:
    """One chunk of a chunked body."""
    return f"{len(content):x}\r\n".encode() + content + b"\r\n"


def completion(text: str) -> object:
    """An answer that is not streamed."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "mock", "choices": [choice], "usage": USAGE}


def embeddings(asked: dict[str, object], model: str) -> bytes:
    """The vectors of texts: of three numbers (or as many as asked for) that tell the text's length apart; or what `model` does wrong."""
    texts = asked["input"]
    assert isinstance(texts, list)
    if model.isdecimal():
        return whole(int(model), {"error": {"message": "SECRET-CONTENT"}}, "\r\nRetry-After: 7" if model == "429" else "")
    if model in REFUSALS:
        return whole(400, {"error": REFUSALS[model]})
    size = cast("int", asked.get("dimensions", 3))
    data = [
        {"object": "embedding", "index": n, "embedding": [len(text), *[0.25] * (size - 1)]}
        for n, text in reversed(list(enumerate(cast("list[str]", texts))))
    ]
    changed: dict[str, object] = {
        "cut": data[1:],
        "broken": [{**each, "embedding": [0.5] * (n + 1)} for n, each in enumerate(data)],
        "fault": [{**each, "embedding": []} for each in data],
        "stall": [{**each, "embedding": [1e300]} for each in data],
        "drop": [{**each, "embedding": "AA"} for each in data],
        "cached": [{**each, "embedding": "AACAPwAAAEA="} for each in data],
    }
    usage = {"prompt_tokens": 5 * len(texts), "total_tokens": 5 * len(texts)}
    return whole(200, {"object": "list", "data": changed.get(model, data), "model": "mock", "usage": usage})


STREAM_HEAD = head(200, "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked")
END = b"0\r\n\r\n"
GOOD_STREAM = STREAM_HEAD + b"".join(chunk(each) for each in answer(PIECES)) + END
GOOD_WHOLE = whole(200, completion("".join(PIECES)))
REFUSALS = {
    "too-long": {
        "message": "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
        "code": "context_length_exceeded",
    },
    "refuse": {"message": "The word SECRET-CONTENT is not allowed.", "code": None},
}


class Connection(asyncio.Protocol):
    """One client connection: requests one after another."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._buffer = b""
        self._requests = 0
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's do not derive from it
        self._state.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._task is not None and not self._task.done():
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(self._buffer, 0, end)
        total = end + 4 + (int(length[1]) if length else 0)
        if len(self._buffer) < total:
            return
        top, body, self._buffer = self._buffer[:end], self._buffer[end + 4 : total], self._buffer[total:]
        self._requests += 1
        if top.startswith(b"GET"):
            self._transport.write(whole(200, asdict(self._state)))
            return
        self._answer(top, body)

    def _answer(self, top: bytes, body: bytes) -> None:
        found = _MODEL.search(body)
        model = found[1].decode() if found else ""
        streamed = _STREAM.search(body) is not None
        self._state.asked += 1
        if top.startswith(b"POST /v1/embeddings"):
            self._state.last = json.loads(body)
            self._write(embeddings(self._state.last, model))
            return
        if model not in FAULTS:
            self._transport.write(GOOD_STREAM if streamed else GOOD_WHOLE)
            return
        self._state.last = json.loads(body)
        self._state.authorization = next(
            (line[15:].decode() for line in top.split(b"\r\n") if line.lower().startswith(b"authorization:")), ""
        )
        self._task = asyncio.get_running_loop().create_task(self._misbehave(model))

    async def _misbehave(self, model: str) -> None:
        self._state.active += 1
        try:
            if model.isdecimal():
                self._write(whole(int(model), {"error": {"message": "no"}}, "\r\nRetry-After: 7" if model == "429" else ""))
            elif model in REFUSALS:
                self._write(whole(400, {"error": REFUSALS[model]}))
            elif model in _PLAIN:
                self._write(_PLAIN[model])
            elif model == "drop" or (model == "once" and self._requests > 1):
                self._transport.close()
            elif model == "hang":
                await asyncio.Event().wait()
            else:
                await self._stream(model)
        except asyncio.CancelledError:
            self._state.cancelled += 1
            raise
        finally:
            self._state.active -= 1

    async def _stream(self, model: str) -> None:
        if model == "late":
            await asyncio.sleep(0.5)
        self._write(STREAM_HEAD)
        for piece in self._events(model):
            self._write(chunk(piece))
            await asyncio.sleep(PAUSES.get(model, 0))
        if model in {"stall", "open"}:
            await asyncio.Event().wait()
        if model == "cut":
            self._transport.abort()
        else:
            self._write(END)

    def _events(self, model: str) -> list[bytes]:
        good = answer(PIECES)
        changed = {
            "obedient": self._obey,
            "echo": lambda: answer([str(self._last_message())]),
            "json": lambda: answer(JSON_PIECES),
            "silent": lambda: answer(PIECES, usage=None),
            "cached": lambda: answer(PIECES, usage={**USAGE, "prompt_tokens_details": {"cached_tokens": 12}}),
            "filtered": lambda: answer(PIECES[:2], finish="content_filter"),
            "cut": lambda: good[:4],
            "stall": lambda: good[:3],
            "unfinished": lambda: good[:6],
            "finished": lambda: good[:-1],
            "broken": lambda: [*good[:3], b"data: {this is not JSON\n\n", *good[3:]],
            "endless": lambda: [b"data: " + b"x" * (1 << 20)] * 2,
            "fault": lambda: [*good[:3], b'data: {"error": {"message": "SECRET-CONTENT", "code": 500}}\n\n'],
        }
        return changed[model]() if model in changed else good

    def _obey(self) -> list[bytes]:
        pieces = JSON_PIECES if "response_format" in self._state.last else PIECES
        pieces = pieces if self._state.pieces is None else self._state.pieces
        most = self._state.last.get("max_tokens", len(pieces))
        assert isinstance(most, int)
        usage = self._state.usage or {**USAGE, "completion_tokens": min(most, len(pieces))}
        return answer(pieces[:most], finish="length" if most < len(pieces) else "stop", usage=usage)

    def _last_message(self) -> object:
        messages = self._state.last["messages"]
        assert isinstance(messages, list)
        return messages[-1]["content"]

    def _write(self, content: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(content)


_PLAIN = {
    "garbage": head(200, "Content-Type: text/html\r\nContent-Length: 30") + b"<html>SECRET-CONTENT</html>\r\n\r\n"[:30].ljust(30),
    "mute": head(400, "Content-Type: text/plain\r\nContent-Length: 4") + b"what",
    "redirect": head(302, "Location: http://127.0.0.1:9/elsewhere\r\nContent-Length: 0"),
}


@dataclass(frozen=True)
class Provider:
    """A provider that is being served in this event loop."""

    url: str
    state: State


@contextlib.asynccontextmanager
async def provider(host: str = "127.0.0.1", port: int = 0) -> AsyncGenerator[Provider]:
    """Serve in this event loop for the block."""
    state = State()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(state), host, port)
    try:
        yield Provider("http://{}:{}".format(*server.sockets[0].getsockname()[:2]), state)
    finally:
        server.close()


async def _serve(port: int) -> None:
    async with provider(port=port) as serving:
        print(json.dumps({"url": serving.url}), flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="A provider that speaks the OpenAI chat dialect.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_serve(arguments.port))


if __name__ == "__main__":
    main()
