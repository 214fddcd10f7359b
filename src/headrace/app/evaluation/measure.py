"""Measures a service that drafts beside one that quotes from the same sources, through the running installation's public API."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headrace.app.acts.operator import brief_key
from headrace.app.client.api import Api
from headrace.app.client.reading import facts_of, map_of, text_of
from headrace.app.evaluation.results import Counts, Result, form_of
from headrace.app.ids import SystemClock
from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headrace.app.evaluation.questions import Question
    from headrace.config.layout import Layout
    from headrace.config.model import Service, Workspace


def quoting(workspace: Workspace, name: str, against: str | None) -> tuple[Service, Service]:
    """The service that drafts and the one that it is measured against: named, or the first that quotes from the same sources.

    Raises OperationFailed when there is none, or they cannot be compared.
    """
    services = workspace.services
    drafts = services.get(name)
    if drafts is None or drafts.knowledge is None or drafts.knowledge.mode != "draft":
        raise OperationFailed(
            f'"{name}" is no service that drafts.',
            code="evaluate.no_drafts",
            mend="Give it mode: draft under knowledge and headrace apply; it need not be asked by anybody yet.",
        )
    sources = set(drafts.knowledge.sources)
    known = [each for each in services.values() if each.knowledge is not None and each.knowledge.mode == "quote"]
    same = [each for each in known if each.knowledge is not None and set(each.knowledge.sources) == sources]
    quotes = next((each for each in same if against in {None, each.service}), None)
    if quotes is None:
        raise OperationFailed(
            f'No service quotes from the sources of "{name}"' + (f' under the name "{against}".' if against else "."),
            code="evaluate.no_quotes",
            mend="Add one with the same sources and mode: quote, and headrace apply.",
        )
    return drafts, quotes


def measure(
    layout: Layout,
    workspace: Workspace,
    services: tuple[Service, Service],
    asked: tuple[bytes, Sequence[Question]],
    key: str | None,
    told: Callable[[int], None],
) -> Result:
    """Ask both services every question. Each is a request like any other: allowed by policy, priced and recorded.

    Raises what the API raises, and OperationFailed when more than one deployment answered.
    """
    drafts, quotes = services
    content, questions = asked
    seen = _Seen()
    for number, question in enumerate(questions, start=1):
        for service in services:
            with brief_key(layout, None) if key is None else nullcontext(key) as secret:
                seen.take(service.service, question, Api.running(layout, secret).chat(service.service, question.question))
        told(number)
    deployment = _one(seen.deployments)
    return Result(
        deployment=deployment,
        form=form_of(workspace.deployments[deployment]),
        service=drafts.service,
        against=quotes.service,
        revision=seen.revision,
        time_us=SystemClock().now_us(),
        questions=hashlib.sha256(content).hexdigest(),
        asked=len(questions),
        draft=_counts(seen.outcomes[drafts.service]),
        quote=_counts(seen.outcomes[quotes.service]),
        drafted=seen.drafted,
    )


@dataclass
class _Seen:
    """What the answers were, so far."""

    outcomes: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict[str, Counter[str]](Counter))
    deployments: set[str] = field(default_factory=set[str])
    drafted: int = 0
    revision: str = ""

    def take(self, service: str, question: Question, response: Mapping[str, object]) -> None:
        """One more answer. Only drafting names a deployment: quotes need none."""
        facts = facts_of(response)
        mode, deployment = str(facts.get("mode")), map_of(facts.get("route")).get("deployment")
        self.outcomes[service][question.judge(text_of(response), mode)] += 1
        self.drafted += mode == "draft"
        self.revision = str(facts.get("revision"))
        if isinstance(deployment, str):
            self.deployments.add(deployment)


def _one(deployments: set[str]) -> str:
    if len(deployments) != 1:
        raise OperationFailed(
            f"{len(deployments) or 'No'} deployments answered; a result speaks of one.",
            code="evaluate.no_deployment",
            mend="Ask questions that the sources answer, with a service that names one deployment under models.",
        )
    return deployments.pop()


def _counts(outcomes: Counter[str]) -> Counts:
    return Counts(outcomes["right"], outcomes["wrong"], outcomes["silent"])
