"""The catalogue: a service as those see it who may ask it, and the modes that its deployments earn."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from headrace.app.evaluation.results import earned
from headrace.app.http.ports.gateway import Earned, Offer

if TYPE_CHECKING:
    from headrace.app.evaluation.results import Counts
    from headrace.config.layout import Layout
    from headrace.config.model import Service, Workspace


def offer(layout: Layout, workspace: Workspace, service: Service, since_us: int = 0) -> Offer:
    """One service of the revision in force, there since `since_us`."""
    mode = service.knowledge.mode if service.knowledge is not None else ""
    return Offer(
        service.service,
        service.about,
        service.owner,
        since_us,
        grounded=service.knowledge is not None,
        json=service.answer == "json",
        vectors=service.answer == "vectors",
        mode=mode,
        earned=tuple(_earned(layout, workspace, each.deployment) for each in service.models) if mode == "draft" else (),
    )


def _earned(layout: Layout, workspace: Workspace, name: str) -> Earned:
    mode, result = earned(layout, workspace.deployments[name])
    if result is None:
        return Earned(name, mode)
    day = datetime.fromtimestamp(result.time_us / 1_000_000, tz=UTC).date().isoformat()
    return Earned(name, mode, day, result.asked, _told(result.draft), _told(result.quote))


def _told(counts: Counts) -> dict[str, int]:
    return {"right": counts.right, "wrong": counts.wrong, "silent": counts.silent}
