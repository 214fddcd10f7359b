"""The knowledge process: searches each tenant's passages while the ingest process writes them, checks drafts against what was found,
and turns texts into vectors.

It listens at once and loads what is heavy (vector store, embedder) beside that: a search that comes meanwhile waits for it.
"""

from __future__ import annotations

import asyncio
import functools
import os
from typing import TYPE_CHECKING

import msgspec

from headrace.app.processes import child
from headrace.config.layout import Layout
from headrace.core.errors import Unavailable
from headrace.core.values import Scope
from headrace.ipc import server
from headrace.knowledge.messages import Check, Embed, Find

if TYPE_CHECKING:
    from headrace.app.search.drivers import Searching

LEAN = {"TOKIO_WORKER_THREADS": "2", "LANCE_CPU_THREADS": "2", "LANCE_IO_THREADS": "4"}
"""Threads of the vector store. By default it starts dozens, each with memory of its own."""

_embed = msgspec.msgpack.Decoder(Embed)
_find = msgspec.msgpack.Decoder(Find)
_check = msgspec.msgpack.Decoder(Check)
_encoder = msgspec.msgpack.Encoder()


class Knowledge:
    """The methods of the process; `loading` brings what they work with."""

    def __init__(self, loading: asyncio.Future[Searching]) -> None:
        self._loading = loading

    async def find(self, payload: bytes) -> bytes:
        """Search; waits while the embedder loads."""
        asked = _find.decode(payload)
        retrieval = (await asyncio.shield(self._loading)).retrieval
        scope = Scope(asked.tenant, asked.sources, frozenset(asked.acls), asked.under)
        found = await retrieval.find(asked.question, scope, asked.limit, quotes=asked.quotes, scores=asked.scores)
        return _encoder.encode(found)

    async def check(self, payload: bytes) -> bytes:
        """Check the sentences of a draft; waits while the embedder loads."""
        asked = _check.decode(payload)
        checker = (await asyncio.shield(self._loading)).checker
        return _encoder.encode(await checker.check(asked.sentences, asked.evidence()))

    async def embed(self, payload: bytes) -> bytes:
        """Turn texts into vectors; waits while the embedder loads."""
        asked = _embed.decode(payload)
        searching = await asyncio.shield(self._loading)
        return _encoder.encode(await asyncio.to_thread(searching.embedded, asked.texts))

    async def ready(self, payload: bytes) -> bytes:
        """Nil, once searches are answered at once. Raises Unavailable until then."""
        del payload
        if not self._loading.done():
            raise Unavailable("The knowledge process loads its embedder.", code="internal.knowledge_loading", mend="It takes seconds.")
        self._loading.result()
        return _encoder.encode(None)


async def serve(name: str, layout: Layout) -> None:
    """Serve searches until cancelled. Raises OperationFailed when the embedder's weights are not here."""
    loading = asyncio.ensure_future(asyncio.to_thread(_loaded, layout))
    knowledge = Knowledge(loading)
    methods = {"find": knowledge.find, "check": knowledge.check, "embed": knowledge.embed, "ready": knowledge.ready}
    async with await server.serve(layout.socket(name), methods):
        await loading
        await asyncio.get_running_loop().create_future()


def _loaded(layout: Layout) -> Searching:
    for name, value in LEAN.items():
        os.environ.setdefault(name, value)
    # Imported here, in a thread, and not before: native start-up takes a second or more, and the socket listens meanwhile.
    from headrace.app.search import drivers  # noqa: PLC0415

    return drivers.searching(layout, drivers.embedder())


if __name__ == "__main__":
    given = child.arguments("The knowledge process", "name")
    child.run(given.name, Layout(given.workspace), functools.partial(serve, given.name))
