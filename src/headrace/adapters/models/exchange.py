"""One endpoint of the OpenAI dialect: where it is, and how it is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from headrace.adapters.http.client import Client
from headrace.adapters.http.reach import Site

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is asked. `url` goes up to and including ``/v1``; `key` is sent as a bearer token.

    With `socket` the embedded engine is asked there. `connections` bounds the exchanges at once; `answer_within` (seconds) each of them.
    """

    url: str
    key: str | None = field(default=None, repr=False)
    socket: Path | None = None
    connections: int = 64
    answer_within: float = 120.0

    @classmethod
    def embedded(cls, socket: Path, *, slots: int, answer_within: float = 300.0) -> Endpoint:
        """The engine that Headrace runs itself: beside those that are answered, as many again can be counted."""
        return cls("http://engine/v1", socket=socket, connections=2 * slots + 4, answer_within=answer_within)

    def client(self) -> Client:
        """Connections to it; none is made before something is asked."""
        return Client(Site.of(self.url, self.socket), connections=self.connections, within=self.answer_within)

    def asking(self, client: Client, path: str, accept: str) -> bytes:
        """The head of every request to a path below ``/v1``."""
        parts = urlsplit(self.url)
        said = {"Content-Type": "application/json", "Accept": accept, "Accept-Encoding": "identity"}
        if self.key is not None:
            said["Authorization"] = f"Bearer {self.key}"
        query = f"?{parts.query}" if parts.query else ""
        return client.head("POST", f"{parts.path.rstrip('/')}/{path}{query}", said)
