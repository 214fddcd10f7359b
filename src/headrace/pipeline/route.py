"""Routed: which deployment answers, if any is needed, and the prompt that it is given."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from headrace.core.errors import Forbidden
from headrace.core.flow import Rejected, Routed
from headrace.core.values import Mode
from headrace.pipeline.drafting import fitting, prompt
from headrace.routing.choose import choose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.core.flow import Grounded, Screened
    from headrace.pipeline.rooms import Rooms
    from headrace.routing.choose import Placed


async def to_embedder(screened: Screened, rooms: Rooms) -> Routed:
    """Raises Forbidden when no deployment may be given the texts."""
    return _as_it_is(screened, rooms.embedders, rooms)


async def run(screened: Screened, grounded: Grounded | None, rooms: Rooms) -> Routed:
    """Quotes and abstentions need no model. Raises Forbidden when no deployment may be given the text; passages that none may be given
    are quoted, not drafted from."""
    if grounded is not None:
        return _drafted(screened, grounded, rooms) if grounded.mode is Mode.DRAFT else Routed(screened, grounded, None, screened.prompt)
    return _as_it_is(screened, rooms.deployments, rooms)


def _as_it_is(screened: Screened, running: Mapping[str, Placed], rooms: Rooms) -> Routed:
    """The screened prompt, to the first deployment that may be given it."""
    service = rooms.workspace.services[screened.call.service]
    chosen, decision, rejected = choose(service, running, screened.prompt.label, screened.principal, rooms.policy)
    return Routed(
        screened=screened,
        grounded=None,
        deployment=chosen.form.deployment,
        prompt=screened.prompt,
        rejected=rejected,
        considered=len(service.models),
        decision=decision,
    )


def _drafted(screened: Screened, grounded: Grounded, rooms: Rooms) -> Routed:
    """A draft's prompt shows as many passages as the deployment has room for. The choice is by the label of all of them."""
    service = rooms.workspace.services[screened.call.service]
    whole = prompt(screened, grounded.passages)
    try:
        running, decision, rejected = choose(service, rooms.deployments, whole.label, screened.principal, rooms.policy)
    except Forbidden:
        turned = tuple(Rejected(each.deployment, "it may not be given these passages") for each in service.models)
        return Routed(screened, replace(grounded, mode=Mode.QUOTE), None, screened.prompt, rejected=turned, considered=len(turned))
    shown = fitting(screened, grounded.passages, running.context, service.max_tokens)
    return Routed(
        screened=screened,
        grounded=grounded,
        deployment=running.form.deployment,
        prompt=prompt(screened, grounded.passages[:shown]),
        shown=shown,
        rejected=rejected,
        considered=len(service.models),
        decision=decision,
    )
