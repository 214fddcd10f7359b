"""Routed: which deployment answers, if any is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.core.flow import Routed
from headrace.routing.choose import choose

if TYPE_CHECKING:
    from headrace.core.flow import Grounded, Screened
    from headrace.pipeline.rooms import Rooms


async def run(screened: Screened, grounded: Grounded | None, rooms: Rooms) -> Routed:
    """Quotes and abstentions need no model. Raises Forbidden when no deployment may be given the text."""
    if grounded is not None:
        return Routed(screened, grounded, None, screened.prompt)
    service = rooms.workspace.services[screened.call.service]
    running, decision, rejected = choose(service, rooms.deployments, screened.prompt.label, screened.principal, rooms.policy)
    return Routed(
        screened=screened,
        grounded=None,
        deployment=running.form.deployment,
        prompt=screened.prompt,
        rejected=rejected,
        considered=len(service.models),
        decision=decision,
    )
