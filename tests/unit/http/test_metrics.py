"""Metrics tell who, what and how long; every label takes few values, whatever a client or a provider invents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from headrace.app.http.metrics import CODES, Metrics
from headrace.core.errors import Overloaded, Refused, Unavailable, UpstreamFailed
from tests.support.rooms import MAIL, ask, house, received

if TYPE_CHECKING:
    from headrace.core.errors import HeadraceError


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> Metrics:
    return Metrics(registry, lambda: {"told", "help"})


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"headrace_{name}", labels)


async def test_an_answer_is_counted_by_its_service(metrics: Metrics, registry: CollectorRegistry) -> None:
    async with house() as home:
        answer = (await ask(received("told", f"write to {MAIL}"), home.rooms)).answer
    metrics.answered(answer, answer.mode.value, 0.3, 0.1)
    metrics.answered(answer, answer.mode.value, 0.3, None)
    assert value(registry, "requests_total", service="told", outcome="answered", code="") == 2
    assert value(registry, "request_seconds_sum", service="told") == pytest.approx(0.6)
    assert value(registry, "first_text_seconds_count", service="told") == 1
    assert value(registry, "tokens_total", service="told", kind="input") == 40
    assert value(registry, "tokens_total", service="told", kind="input_cached") is None
    assert value(registry, "cost_total", service="told", currency="EUR") == pytest.approx(2 * float(answer.cost.amount))
    assert value(registry, "answers_total", service="told", mode="generate") == 2
    assert value(registry, "guard_findings_total", service="told", guard="pii", kind="email", action="mask") == 2
    assert MAIL not in generate_latest(registry).decode()


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(Refused("x"), "refused"), (Overloaded("x"), "refused"), (UpstreamFailed("x"), "failed"), (Unavailable("x"), "failed")],
)
def test_an_error_is_counted_as_its_record_has_it(
    metrics: Metrics, registry: CollectorRegistry, error: HeadraceError, outcome: str
) -> None:
    metrics.failed("help", error, 0.1)
    assert value(registry, "requests_total", service="help", outcome=outcome, code=error.code) == 1


def test_names_that_clients_invent_share_one_label(metrics: Metrics, registry: CollectorRegistry) -> None:
    for name in ("nowhere", "elsewhere", ""):
        metrics.cancelled(name, 0.1)
    assert value(registry, "requests_total", service="none", outcome="cancelled", code="") == 3


def test_codes_that_providers_invent_share_one_label_beyond_their_number(metrics: Metrics, registry: CollectorRegistry) -> None:
    for n in range(CODES + 10):
        metrics.failed("help", UpstreamFailed("x", code=f"upstream.{n}"), 0.1)
    metrics.failed("help", UpstreamFailed("x", code="upstream.0"), 0.1)
    assert value(registry, "requests_total", service="help", outcome="failed", code="other") == 10
    assert value(registry, "requests_total", service="help", outcome="failed", code="upstream.0") == 2
