"""The request path, whole. Read this first.

    Received → Admitted → Screened ─┬→ Grounded ─┬→ Routed → Reserved → Generated → Checked → Released → Settled     answer
                                    └────────────┘ (no knowledge)       └────── streams ──────┘
    Received → Admitted → Screened ───────────────→ Routed → Reserved → Embedded ────────────────────→ Settled     embed
    Received → Admitted → Screened ──→ Searched ─────────────────────────────────────────────────────→ Settled     search

Each room takes the state that the room before it made and gives the next one (:mod:`headrace.core.flow`). From Generated on they are
streams, each drawing from the one before. The trail (:mod:`headrace.pipeline.trail`) records every room, and whatever ends the request
early.
"""

from __future__ import annotations

from contextlib import ExitStack, aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from headrace.pipeline import admit, check, generate, ground, release, reserve, route, screen, search, settle
from headrace.pipeline.embed import Embedding
from headrace.pipeline.trail import Trail

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from headrace.core.events import CleanDelta
    from headrace.core.flow import Answer, Opened, Received
    from headrace.core.search import Passages, Search
    from headrace.core.vectors import Embeddings, Texts
    from headrace.pipeline.rooms import Rooms


async def answer(received: Received, rooms: Rooms) -> AsyncGenerator[Opened | CleanDelta | Answer]:
    """Answer one request: for a streamed call Opened, CleanDelta… and Answer; otherwise the Answer alone.

    Raises a HeadraceError that knows its request and, once recorded, its receipt; UpstreamTimeout when the workspace's ``answer within``
    is over. Closing the generator early means that the client left: the work upstream is cancelled and the record says so.
    """
    principal = await admit.identify(received, rooms)
    async with Trail(received, principal, rooms) as trail:
        run, stream = trail.run, trail.recorder.stream
        with ExitStack() as held:
            admitted = await run("admitted", admit.run(received, principal, rooms, admit.answers))
            screened = await run("screened", screen.run(admitted, rooms))
            knowledge = rooms.workspace.services[received.call.service].knowledge
            grounded = await run("grounded", ground.run(screened, knowledge, rooms)) if knowledge else None
            routed = await run("routed", route.run(screened, grounded, rooms))
            reserved = await run("reserved", reserve.run(routed, rooms, held))

            trail.metered = generated = generate.run(reserved, rooms)
            checked = check.run(stream("generated", generated.events(), generated.state), generated, reserved, rooms)
            released = release.run(stream("checked", checked.events(), checked.state), checked, reserved, rooms)
            async with aclosing(trail.leaving(stream("released", released.events(), released.state))) as leaving:
                async for event in leaving:
                    yield event
        yield await settle.run(trail, reserved, generated, checked, released)


async def embed(asked: Texts, rooms: Rooms) -> Embeddings:
    """The vectors of a request's texts. Raises as :func:`answer` does; cancelled: the client left."""
    received = asked.received
    principal = await admit.identify(received, rooms)
    async with Trail(received, principal, rooms) as trail:
        with ExitStack() as held:
            admitted = await trail.run("admitted", admit.run(received, principal, rooms, admit.embeds))
            screened = await trail.run("screened", screen.apart(admitted, rooms))
            routed = await trail.run("routed", route.to_embedder(screened, rooms))
            reserved = await trail.run("reserved", reserve.embedder(routed, rooms, held))
            trail.metered = embedding = Embedding(reserved, asked.dimensions, rooms)
            embedded = await trail.run("embedded", embedding.run())
        return await settle.vectors(trail, reserved, embedding, embedded)


async def find(asked: Search, rooms: Rooms) -> Passages:
    """What the documents hold about a question. Raises as :func:`answer` does; cancelled: the client left."""
    principal = await admit.identify(asked.received, rooms)
    call = replace(asked.received.call, service=search.service_for(asked, principal, rooms))
    received = replace(asked.received, call=call)
    async with Trail(received, principal, rooms) as trail:
        admitted = await trail.run("admitted", admit.run(received, principal, rooms, admit.finds))
        screened = await trail.run("screened", screen.run(admitted, rooms))
        searched = await trail.run("searched", search.run(screened, asked, rooms))

        return await settle.passages(trail, screened, searched)
