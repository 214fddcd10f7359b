"""Eligibility: the first deployment of the service's portfolio whose placement policy allows the text's label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from headrace.core.errors import Forbidden
from headrace.core.flow import Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.config.model import Deployment, Service
    from headrace.core.labels import Label
    from headrace.core.ports import PolicyEngine
    from headrace.core.values import Decision, Principal


class Placed(Protocol):
    """What runs somewhere."""

    @property
    def form(self) -> Deployment:
        """Its form, which says where."""
        ...


P = TypeVar("P", bound=Placed)


def choose(
    service: Service, deployments: Mapping[str, P], label: Label, principal: Principal, policy: PolicyEngine
) -> tuple[P, Decision, tuple[Rejected, ...]]:
    """The deployment, the decision that allows it, and those rejected before it with the reason.

    Raises Forbidden (``policy.no_placement``) when none may be used for this label.
    """
    rejected: list[Rejected] = []
    for choice in service.models:
        running = deployments[choice.deployment]
        context = {"sensitivity": int(label.sensitivity), "tainted": label.tainted}
        decision = policy.decide(principal, "place", ("Deployment", choice.deployment), context)
        if decision.allowed:
            return running, decision, tuple(rejected)
        rejected.append(
            Rejected(choice.deployment, f"label {label.sensitivity.name.lower()} may not go to placement {running.form.placement}")
        )
    msg = f'No deployment of service "{service.service}" may be given text that is {label.sensitivity.name.lower()}.'
    raise Forbidden(
        msg,
        code="policy.no_placement",
        param="model",
        mend=f"Ask {service.owner or 'its owner'} for a deployment on an allowed placement.",
        facts={"rejected": [each.deployment for each in rejected]},
    )
