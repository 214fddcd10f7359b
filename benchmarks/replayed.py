"""A provider over the OpenAI dialect that replays recorded answers, and an installation of Headrace in front of it.

Two models. ``good`` gives the recorded answer when it stands in the passages that it is shown, and says NOT IN THE PASSAGES otherwise: the
best that a model can do. ``invents`` gives the same with other numbers and names, none of which it was shown, and adds a sentence of that
kind.
"""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HEADRACE = str(Path(sys.executable).parent / "headrace")
DECLINED = "NOT IN THE PASSAGES"
NAME = "Zorblax"
ADDED = f"It was announced by {NAME} in "
GUARDS = "guards: {input: [secrets: refuse, pii: mask], passages: [secrets: refuse, pii: mask]}\n"


@dataclass
class Recorded:
    """What a model once answered. `needs`: one of these must be in the passages that it is shown; none: it always declines."""

    answer: str
    needs: tuple[str, ...]


@dataclass
class Replay:
    """Recorded answers by question; `invented` fills with what was made up for each."""

    recorded: Mapping[str, Recorded]
    invented: dict[str, list[str]] = field(default_factory=dict)

    def answer(self, model: str, messages: list[dict[str, str]]) -> str:
        """What this model says."""
        shown, question = messages[0]["content"], messages[-1]["content"]
        known = self.recorded.get(question)
        if known is None or not any(each.lower() in shown.lower() for each in known.needs):
            return DECLINED
        if model == "good":
            return known.answer
        text, made_up = invented(known.answer, shown)
        self.invented[question] = made_up
        return text


def invented(answer: str, shown: str) -> tuple[str, list[str]]:
    """The answer with numbers and names changed, and what is made up in it: nothing of that is in what was shown."""
    made_up: list[str] = []

    def other(number: re.Match[str]) -> str:
        value = int(number[0])
        while re.search(rf"(?<!\d){value}(?!\d)", shown):
            value += 7
        made_up.append(str(value))
        return str(value)

    text = re.sub(r"(?<=\w )[A-Z][a-z]{2,}", NAME, re.sub(r"(?<![\d.,])\d{1,6}(?![\d,])", other, answer))
    year = other(re.match(r"\d+", "1387"))  # type: ignore[arg-type]
    return f"{text} {ADDED}{year}.", [*made_up, NAME]


class _Handler(BaseHTTPRequestHandler):
    replay: Replay

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = self.replay.answer(asked["model"], asked["messages"])
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for delta, reason in (*(({"content": text[at : at + 12]}, None) for at in range(0, len(text), 12)), ({}, "stop")):
            chunk = {"id": "r", "object": "chat.completion.chunk", "created": 0, "model": "r"}
            self._event({**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, content: object) -> None:
        self.wfile.write(b"data: " + json.dumps(content).encode() + b"\n\n")

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def provider(replay: Replay) -> Iterator[str]:
    """Serve for the block; the address up to /v1."""
    handler = type("Handler", (_Handler,), {"replay": replay})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()


@contextmanager
def installation(documents: Mapping[str, str], provider_url: str) -> Iterator[tuple[str, str]]:
    """An installation with the services ``quote``, ``good``, ``invents`` and ``embedded`` over these documents: its address, and a key."""
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as name:
        folder, texts = Path(name) / "workspace", Path(name) / "documents"
        texts.mkdir()
        for title, text in documents.items():
            (texts / f"{title}.txt").write_text(text, encoding="utf-8")
        _run("init", "--workspace", str(folder), "--docs", str(texts))
        for path in (folder / "services").glob("*.yaml"):
            path.unlink()
        _service(folder, "quote", "quote", "")
        for model in ("good", "invents"):
            (folder / "deployments" / f"{model}.yaml").write_text(
                f"deployment: {model}\nprovider: {{url: {provider_url}, model: {model}}}\n"
            )
            _service(folder, model, "draft", f"models: [{{deployment: {model}}}]\n")
        _service(folder, "embedded", "draft", "models: [{deployment: local}]\ntemperature: 0\nmax tokens: 128\n")
        command = [HEADRACE, "up", "--workspace", str(folder), "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            assert process.stdout is not None
            try:
                url = json.loads(process.stdout.readline())["url"]
                _ready(url)
                _run("ingest", "--workspace", str(folder))
                made = _run("keys", "create", "--name", "bench", "--group", "members", "--json", "--workspace", str(folder))
                yield url, json.loads(made)["key"]
            finally:
                process.terminate()
                process.wait(60)


def ask(url: str, key: str, service: str, question: str) -> tuple[str, dict[str, object]]:
    """An answer's text, and its ``headrace`` object."""
    body = json.dumps({"model": service, "messages": [{"role": "user", "content": question}]}).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    with closing(http.client.HTTPConnection(url.removeprefix("http://"), timeout=300)) as connection:
        connection.request("POST", "/v1/chat/completions", body, headers)
        got = json.load(connection.getresponse())
    return got["choices"][0]["message"]["content"], got["headrace"]


def _service(folder: Path, name: str, mode: str, more: str) -> None:
    knowledge = f"knowledge: {{sources: [documents], mode: {mode}}}\n"
    (folder / "services" / f"{name}.yaml").write_text(f"service: {name}\n{knowledge}{more}{GUARDS}")


def _ready(url: str) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        with closing(http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)) as connection:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == HTTPStatus.OK:
                return
        time.sleep(0.5)
    message = "the installation does not become ready"
    raise SystemExit(message)


def _run(*words: str) -> str:
    return subprocess.run([HEADRACE, *words], check=True, capture_output=True, text=True).stdout
