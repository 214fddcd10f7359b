"""The request path, whole. Read this first.

    Received → Admitted → Screened ─┬→ Grounded ─┬→ Routed → Reserved → Generated → Checked → Released → Settled
                                    └────────────┘ (no knowledge)       └────── streams ──────┘

Each room takes the state that the room before it made and gives the next one (:mod:`headrace.core.flow`). From Generated on they are
streams, each drawing from the one before. The trail (:mod:`headrace.pipeline.trail`) records every room, and whatever ends the request
early.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING

from headrace.pipeline import admit, check, generate, ground, release, reserve, route, screen, settle
from headrace.pipeline.trail import Trail

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from headrace.core.events import CleanDelta
    from headrace.core.flow import Answer, Opened, Received
    from headrace.pipeline.rooms import Rooms


async def answer(received: Received, rooms: Rooms) -> AsyncGenerator[Opened | CleanDelta | Answer]:
    """Answer one request: for a streamed call Opened, CleanDelta… and Answer; otherwise the Answer alone.

    Raises a HeadraceError that knows its request and, once recorded, its receipt; UpstreamTimeout when the workspace's ``answer within``
    is over. Closing the generator early means that the client left: the work upstream is cancelled and the record says so.
    """
    principal = await admit.identify(received, rooms)
    async with Trail(received, principal, rooms) as trail, AsyncExitStack() as held:
        run, stream = trail.run, trail.recorder.stream

        admitted = await run("admitted", admit.run(received, principal, rooms))
        screened = await run("screened", screen.run(admitted, rooms))
        knowledge = rooms.workspace.services[received.call.service].knowledge
        grounded = await run("grounded", ground.run(screened, knowledge, rooms)) if knowledge else None
        routed = await run("routed", route.run(screened, grounded, rooms))
        reserved = await run("reserved", reserve.run(routed, rooms, held))

        trail.generation = generated = generate.run(reserved, rooms)
        checked = check.run(stream("generated", generated.events(), generated.state), generated, reserved, rooms)
        released = release.run(stream("checked", checked.events(), checked.state), checked, reserved, rooms)
        async with aclosing(trail.leaving(stream("released", released.events(), released.state))) as leaving:
            async for event in leaving:
                yield event
        await held.aclose()

        yield await settle.run(trail, reserved, generated, checked, released)
