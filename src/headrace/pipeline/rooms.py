"""What a request may use on its way, fixed when it comes in: a new revision changes no request that is under way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.config.model import Service, Workspace
    from headrace.core.ports import Clock, Directory, EvidenceChecker, Guard, Ids, Ledger, PolicyEngine, Retriever
    from headrace.core.text import Action
    from headrace.routing.running import Running, RunningEmbedder

Rules: TypeAlias = "tuple[tuple[Guard, Action], ...]"
"""Guards and what is done about their findings, in the order in which they look."""


@dataclass(frozen=True, slots=True)
class ServiceRules:
    """A service's guards, resolved, and its system prompt."""

    input: Rules
    passages: Rules
    output: Rules
    prompt: str | None


@dataclass(frozen=True, slots=True)
class Rooms:
    """The ports and the revision in force."""

    revision: str
    instance: str
    """This gateway process since its start: what it left open when it died is found by this."""
    workspace: Workspace
    rules: Mapping[str, ServiceRules]
    deployments: Mapping[str, Running]
    embedders: Mapping[str, RunningEmbedder]
    """The deployments that services with ``answer: vectors`` may name."""
    directory: Directory
    policy: PolicyEngine
    retriever: Retriever
    checker: EvidenceChecker
    ledger: Ledger
    clock: Clock
    ids: Ids

    def service(self, name: str) -> Service | None:
        """The service of this name in the revision in force."""
        return self.workspace.services.get(name)
