"""A whole installation keeps nothing of what people ask and get: not in its ledger, its logs, its metrics, its traces."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pytest

if TYPE_CHECKING:
    from tests.support.installation import Installation

DOCUMENT = "annual fee is 40 francs"
"""A stretch of a document (tests/scenario/conftest.py) that is quoted."""
PROVIDER = "SECRET-CONTENT"
"""What the provider writes into its errors."""


class Client:
    """Requests of any form, and the canaries in them."""

    def __init__(self, installation: Installation, key: str) -> None:
        self._there = urlsplit(installation.url)
        self._key = key
        self.canaries: list[str] = []
        self.requests: set[str] = set()

    def canary(self) -> str:
        """A word that stands nowhere else; it passes for part of an access key too."""
        self.canaries.append("".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(16)))
        return self.canaries[-1]

    def send(self, method: str, path: str, body: bytes, *, leave: bool = False, **headers: str) -> tuple[int, bytes]:
        """Status and body; `leave`: hang up after the first bytes."""
        with contextlib.closing(http.client.HTTPConnection(str(self._there.hostname), self._there.port, timeout=30)) as connection:
            headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json", **headers}
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            if (request := response.getheader("x-request-id")) is not None:
                self.requests.add(request)
            return response.status, response.read(64 if leave else None)

    def chat(self, model: str, *texts: str, leave: bool = False, **more: Any) -> tuple[int, bytes]:
        """A chat request."""
        body = {"model": model, "messages": [{"role": "user", "content": text} for text in texts], **more}
        return self.send("POST", "/v1/chat/completions", json.dumps(body).encode(), leave=leave)


def _ask_in_every_way(client: Client) -> None:
    new = client.canary
    assert client.chat("help", f"How much is the annual fee? {new()}")[0] == 200
    assert DOCUMENT.encode() in client.chat("help", "How much is the annual fee?")[1]
    echo = new()
    assert echo.encode() in client.chat("on-echo", f"say {echo}", stream=True)[1]
    assert client.chat("on-slow", new(), stream=True, leave=True)[0] == 200
    assert client.chat("local", f"my key is AKIA{new()}")[0] == 403
    assert client.chat("local", f"write to {new().lower()}@example.org", max_tokens=4)[0] == 200
    client.canaries.append(client.canaries[-1].lower())
    assert client.chat(new(), "x")[0] == 404
    names = {"type": "object", "properties": {new(): {"const": new()}}, "additionalProperties": False}
    kept = {"type": "json_schema", "json_schema": {"name": "x", "schema": names}}
    assert client.chat("extract", new(), response_format=kept, max_tokens=8)[0] == 200
    names["properties"][new()] = {"type": "string", "pattern": new()}
    assert client.chat("extract", new(), response_format=kept)[0] == 400
    for service in ("on-500", "on-cut", "on-fault", "on-too-long"):
        client.chat(service, new(), stream=True)
    assert client.send("POST", "/v1/chat/completions", b'{"model": "' + new().encode())[0] == 400
    assert client.chat("help", "x", **{new(): new()})[0] == 400
    assert client.chat("help", "x", metadata={new(): new()}, user=new())[0] == 200
    assert client.send("GET", f"/{new()}?{new()}={quote(new())}", b"")[0] == 404
    assert client.send("GET", f"/v1/headrace/requests/{new()}/proof", b"")[0] == 404
    body = json.dumps({"model": "help", "messages": [{"role": "user", "content": "x"}]}).encode()
    assert client.send("POST", "/v1/chat/completions", body, **{"User-Agent": new(), "X-Anything": new()})[0] == 200
    assert client.send("POST", "/v1/chat/completions", body, Authorization=f"Bearer hr_{new()}")[0] == 401


@pytest.fixture(scope="module")
def asked(installation: Installation, key: str) -> Client:
    client = Client(installation, key)
    _ask_in_every_way(client)
    return client


def searched(installation: Installation) -> dict[str, bytes]:
    """Every file that an installation keeps as evidence: its ledger, its control store, its logs."""
    state = installation.workspace / ".headrace"
    files = [each for name in ("ledger", "logs") for each in (state / name).rglob("*") if each.is_file()]
    files += [each for each in state.glob("*") if each.is_file()]
    return {str(each.relative_to(state)): each.read_bytes() for each in files}


def assert_clean(client: Client, where: str, content: bytes) -> None:
    for canary in (*client.canaries, DOCUMENT, PROVIDER):
        assert canary.encode() not in content, where
        assert hashlib.sha256(canary.encode()).hexdigest().encode() not in content, where


def test_no_file_of_evidence_holds_content(installation: Installation, asked: Client) -> None:
    files = searched(installation)
    assert {"ledger/log.db", "control.db", "logs/gateway.log", "logs/ledger.log"} <= files.keys()
    log = b"".join(content for name, content in files.items() if name.startswith("ledger/log.db"))
    assert any(request.encode() in log for request in asked.requests)  # of one alone, the id may lie across two pages of the database
    for name, content in files.items():
        assert_clean(asked, name, content)


def test_metrics_hold_no_content(installation: Installation, asked: Client) -> None:
    status, text = installation.get("/metrics")
    assert status == 200
    assert b"headrace_requests_total" in text
    assert_clean(asked, "metrics", text)


def test_traces_hold_no_content(installation: Installation, asked: Client) -> None:
    assert len(asked.requests) > 10
    told = 0
    for request in asked.requests:
        if installation.records(request):
            told += 1
            assert_clean(asked, request, installation.run("trace", request).encode())
            assert_clean(asked, request, json.dumps(installation.records(request)).encode())
    assert told > 10
