"""Gauges of what runs behind the line: slots in use and waiting, and the time that each embedded engine was busy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from headrace.finops.slots import SlotMeter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

    from headrace.app.deployments import Deployments


class _Running:
    """Read at each scrape, so deployments that come and go with a revision need no registration of their own."""

    def __init__(self, deployments: Deployments) -> None:
        self._deployments = deployments

    def collect(self) -> Iterable[Metric]:
        """The metrics now."""
        busy = GaugeMetricFamily("headrace_slots_busy", "Answers that a deployment works on.", labels=["deployment"])
        waiting = GaugeMetricFamily("headrace_slots_waiting", "Requests that wait for a slot.", labels=["deployment"])
        seconds = CounterMetricFamily("headrace_engine_busy_seconds", "Time with an answer under way.", labels=["deployment"])
        for name, running in self._deployments.running.items():
            busy.add_metric([name], running.slots.busy)
            waiting.add_metric([name], running.slots.waiting)
            if isinstance(running.meter, SlotMeter):
                seconds.add_metric([name], running.meter.busy_seconds)
        return [busy, waiting, seconds]


def register(registry: CollectorRegistry, deployments: Deployments) -> None:
    """Add them to a registry."""
    registry.register(_Running(deployments))
