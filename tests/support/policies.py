"""Workspaces that are little more than their policies, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.config.model import (
    Application,
    Deployment,
    EmbeddedEngine,
    ModelChoice,
    People,
    Person,
    Policy,
    Readers,
    Root,
    Service,
    Source,
    Workspace,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


def workspace(*texts: str, services: Iterable[str] = ("help", "chat"), tenants: tuple[str, ...] = ("default", "lab")) -> Workspace:
    """Policies as ``policies/a.cedar``, ``b.cedar``…; ana and the desk in tenant default, ben in lab."""
    return Workspace(
        root=Root(headrace=1, name="test", tenants=tenants, groups=("auditors",), placements=("here", "cloud")),
        people=People(
            people=(
                Person(person="ana", groups=("support", "members")),
                Person(person="ben", tenant="lab", groups=("chemists", "members")),
            ),
            applications=(Application(application="desk", groups=("support",)),),
        ),
        services={name: Service(service=name, models=(ModelChoice(deployment="small"),)) for name in services},
        deployments={
            "small": Deployment(deployment="small", placement="here", embedded=EmbeddedEngine(model="m")),
            "far": Deployment(deployment="far", placement="cloud", embedded=EmbeddedEngine(model="m")),
        },
        sources={"handbook": Source(source="handbook", folder="texts", readers=Readers(groups=("support",)))},
        models={},
        policies=tuple(Policy(path=f"policies/{name}.cedar", text=text) for name, text in zip("abcdefgh", texts, strict=False)),
    )
