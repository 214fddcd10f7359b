"""A client that writes down every byte that it gets, whatever becomes of the other side; and what those bytes say."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

_REQUEST = re.compile(rb"req_[0-9A-HJKMNP-TV-Z]{26}")


@dataclass
class Entry:
    """One request, and all that came back. Nothing is thrown away: the bytes are the evidence."""

    prompt: str
    stream: bool
    received: bytes = b""
    whole: bool = False
    """The other side ended the response in order."""

    @property
    def request(self) -> str | None:
        """The request's id, wherever it stands first in what came."""
        found = _REQUEST.search(self.received)
        return found[0].decode() if found else None

    @property
    def status(self) -> int | None:
        """The response's status, once its line has come."""
        line, end, _ = self.received.partition(b"\r\n")
        return int(line.split(b" ")[1]) if end else None

    @property
    def body(self) -> bytes:
        """The body as far as it came, its framing undone."""
        head, end, rest = self.received.partition(b"\r\n\r\n")
        return (_unchunked(rest) if b"transfer-encoding: chunked" in head.lower() else rest) if end else b""

    @property
    def events(self) -> list[dict[str, Any]]:
        """Whole events of a stream, ``[DONE]`` left out."""
        lines = [line[6:] for line in self.body.split(b"\n\n")[:-1] if line.startswith(b"data: ")]
        return [json.loads(line) for line in lines if line != b"[DONE]"]

    @property
    def text(self) -> str:
        """The text of the answer that came, as far as it came."""
        if self.stream and self.status == 200:
            return "".join(each["choices"][0]["delta"].get("content", "") for each in self.events if each.get("choices"))
        said = self.said
        return str(said["choices"][0]["message"]["content"]) if "choices" in said else ""

    @property
    def said(self) -> dict[str, Any]:
        """The whole JSON body, or nothing."""
        try:
            return dict(json.loads(self.body))
        except ValueError:
            return {}

    @property
    def facts(self) -> dict[str, Any]:
        """The ``headrace`` object that ends an answer or an error; empty when it did not come."""
        parts = [*self.events, self.said] if self.stream else [self.said]
        for part in reversed(parts):
            if "headrace" in part or "error" in part:
                return dict(part.get("headrace") or part["error"].get("headrace") or {})
        return {}

    @property
    def receipt(self) -> dict[str, Any] | None:
        """The receipt that the client holds."""
        return self.facts.get("receipt")


def _unchunked(content: bytes) -> bytes:
    """A chunked body, as far as it came."""
    pieces: list[bytes] = []
    while content:
        size, end, content = content.partition(b"\r\n")
        if not end:
            break
        pieces.append(content[: int(size, 16)])
        content = content[int(size, 16) + 2 :]
    return b"".join(pieces)


@dataclass
class Journal:
    """Every entry, and who is told when something comes."""

    url: str
    key: str
    entries: list[Entry] = field(default_factory=list[Entry])
    told: Callable[[Entry], None] = lambda _: None

    async def ask(self, service: str, prompt: str, *, stream: bool) -> Entry:
        """One request on a connection of its own, read to its end."""
        entry = Entry(prompt, stream)
        self.entries.append(entry)
        there = urlsplit(self.url)
        body = json.dumps({"model": service, "messages": [{"role": "user", "content": prompt}], "stream": stream}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {there.netloc}\r\nAuthorization: Bearer {self.key}\r\nConnection: close\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(there.hostname, there.port)
            try:
                writer.write(head.encode() + body)
                self.told(entry)
                while piece := await reader.read(1 << 16):
                    entry.received += piece
                    self.told(entry)
                entry.whole = True
            finally:
                writer.close()
        return entry
