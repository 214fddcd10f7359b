"""Metrics: counts and durations by service and outcome, never content. Every label takes few values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from prometheus_client import Gauge

from headrace.app.http.tallies import Spread, Tallies, Tally
from headrace.core.errors import outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from prometheus_client import CollectorRegistry

    from headrace.core.errors import HeadraceError
    from headrace.core.flow import Answer
    from headrace.core.search import Passages
    from headrace.core.vectors import Embeddings

Answered: TypeAlias = "Answer | Embeddings | Passages"
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
UNKNOWN: Final = "none"
"""The service label of a request that names no service in force."""
CODES: Final = 64
"""The most error codes that are told apart; a provider could invent more."""
OTHER: Final = "other"


class Metrics:
    """The meters of one application. `services` gives the names that the service label may take."""

    def __init__(self, registry: CollectorRegistry, services: Callable[[], Collection[str]]) -> None:
        self._services = services
        self._codes: set[str] = set()
        self._requests = Tally("headrace_requests", "Requests by service, outcome and error code.", "service", "outcome", "code")
        self._duration = Spread("headrace_request_seconds", "Seconds from the request's head to its last byte.", "service", SECONDS)
        self._first = Spread("headrace_first_text_seconds", "Seconds to the first text of a streamed answer.", "service", SECONDS)
        self._tokens = Tally("headrace_tokens", "Tokens by service and kind.", "service", "kind")
        self._cost = Tally("headrace_cost", "Price of the answers given, by service and currency.", "service", "currency")
        self._findings = Tally(
            "headrace_guard_findings", "What guards found, by service, guard, kind and action.", "service", "guard", "kind", "action"
        )
        self._modes = Tally(
            "headrace_answers", "Answers by service and mode: quote, draft, abstain, generate, vectors, passages.", "service", "mode"
        )
        registry.register(Tallies([self._requests, self._duration, self._first, self._tokens, self._cost, self._findings, self._modes]))
        self.running = Gauge("headrace_requests_running", "Requests under way.", registry=registry)

    def answered(self, answer: Answered, mode: str, seconds: float, first: float | None = None) -> None:
        """An answer was given whole; `first` are the seconds to its first text when it was streamed."""
        service = self._service(answer.call.service)
        self._end(service, "answered", "", seconds)
        if first is not None:
            self._first.see(service, first)
        usage = answer.usage
        for kind, count in (("input", usage.input), ("input_cached", usage.input_cached), ("output", usage.output)):
            if count:
                self._tokens.add(service, kind, amount=count)
        if answer.cost.amount:
            self._cost.add(service, answer.cost.currency, amount=float(answer.cost.amount))
        self._modes.add(service, mode)
        for found in answer.findings:
            self._findings.add(service, found.guard, found.kind, found.action.value)

    def failed(self, service: str, error: HeadraceError, seconds: float) -> None:
        """A request was refused (somebody decided so), or failed (something did not work): as its record says."""
        code = error.code if error.code in self._codes or len(self._codes) < CODES else OTHER
        self._codes.add(code)
        self._end(self._service(service), outcome_of(error), code, seconds)

    def cancelled(self, service: str, seconds: float) -> None:
        """The client left before the end."""
        self._end(self._service(service), "cancelled", "", seconds)

    def _end(self, service: str, outcome: str, code: str, seconds: float) -> None:
        self._requests.add(service, outcome, code)
        self._duration.see(service, seconds)

    def _service(self, name: str) -> str:
        return name if name in self._services() else UNKNOWN
