"""The knowledge process as other processes see it. Port Retriever. Light: it imports nothing native."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from headrace.ipc.client import Client
from headrace.knowledge.messages import Answer, Find

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.core.values import Found, Scope

WITHIN = 30.0
"""Seconds in which a search must be answered, the loading of the embedder included; most take milliseconds."""

_answer = msgspec.msgpack.Decoder(Answer)
_encoder = msgspec.msgpack.Encoder()


class KnowledgeClient:
    """Asks the knowledge process that listens on `socket`."""

    def __init__(self, socket: Path) -> None:
        self._client = Client(socket, "knowledge")

    async def find(self, question: str, scope: Scope, limit: int, *, quotes: int = 0, scores: bool = False) -> Found:
        """The `limit` best passages in fused order, and up to `quotes` quotes from them.

        Raises Unavailable when the process is not there, does not answer in time, or cannot read the passages.
        """
        question = question.encode(errors="replace").decode()  # half a surrogate pair cannot be sent
        asked = Find(question, scope.tenant, scope.sources, tuple(sorted(scope.acls)), limit, quotes, scores)
        return _answer.decode(await self._client.call("find", _encoder.encode(asked), within=WITHIN)).found()

    async def ready(self) -> None:
        """Return when searches are answered at once. Raises Unavailable when the process is not there or still loads its embedder."""
        await self._client.call("ready", _encoder.encode(None), within=WITHIN)

    async def close(self) -> None:
        """Hang up. Idempotent."""
        await self._client.close()
