"""The knowledge process as other processes see it. Ports Retriever and EvidenceChecker. Light: it imports nothing native."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from headrace.ipc.client import Client
from headrace.knowledge.messages import Answer, Check, Find, Shown, VerdictGiven

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from headrace.core.values import Evidence, Found, Scope, Verdict

WITHIN = 30.0
"""Seconds in which a search must be answered, the loading of the embedder included; most take milliseconds."""

_answer = msgspec.msgpack.Decoder(Answer)
_verdicts = msgspec.msgpack.Decoder(tuple[VerdictGiven, ...])
_encoder = msgspec.msgpack.Encoder()


class KnowledgeClient:
    """Asks the knowledge process that listens on `socket`."""

    def __init__(self, socket: Path) -> None:
        self._client = Client(socket, "knowledge")

    async def find(self, question: str, scope: Scope, limit: int, *, quotes: int = 0, scores: bool = False) -> Found:
        """The `limit` best passages in fused order, and up to `quotes` quotes from them.

        Raises Unavailable when the process is not there, does not answer in time, or cannot read the passages.
        """
        asked = Find(_sendable(question), scope.tenant, scope.sources, tuple(sorted(scope.acls)), limit, quotes, scores, scope.under)
        return _answer.decode(await self._client.call("find", _encoder.encode(asked), within=WITHIN)).found()

    async def check(self, sentences: Sequence[str], passages: Sequence[Evidence]) -> Sequence[Verdict]:
        """A verdict for each sentence of a draft, in order.

        Raises Unavailable when the process is not there or does not answer in time.
        """
        shown = tuple(Shown(_sendable(each.heading), _sendable(each.text)) for each in passages)
        asked = _encoder.encode(Check(tuple(map(_sendable, sentences)), shown))
        return [each.verdict() for each in _verdicts.decode(await self._client.call("check", asked, within=WITHIN))]

    async def ready(self) -> None:
        """Return when searches are answered at once. Raises Unavailable when the process is not there or still loads its embedder."""
        await self._client.call("ready", _encoder.encode(None), within=WITHIN)

    async def close(self) -> None:
        """Hang up. Idempotent."""
        await self._client.close()


def _sendable(text: str) -> str:
    """The text with a question mark for half a surrogate pair, which cannot be sent; of the same length."""
    return text.encode(errors="replace").decode()
