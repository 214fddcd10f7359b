"""Meters of what runs behind the line: slots in use and waiting, the time that each engine was busy, decisions that could not be made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from headrace.finops.slots import SlotMeter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

    from headrace.app.inside.deployments import Deployments


class _Running:
    """Read at each scrape, so deployments that come and go with a revision need no registration of their own."""

    def __init__(self, deployments: Deployments) -> None:
        self._deployments = deployments

    def collect(self) -> Iterable[Metric]:
        """The metrics now."""
        busy = GaugeMetricFamily("headrace_slots_busy", "Answers that a deployment works on.", labels=["deployment"])
        waiting = GaugeMetricFamily("headrace_slots_waiting", "Requests that wait for a slot.", labels=["deployment"])
        seconds = CounterMetricFamily(
            "headrace_engine_busy_seconds", "Seconds with an answer under way, by deployment.", labels=["deployment"]
        )
        for name, running in self._deployments.running.items():
            busy.add_metric([name], running.slots.busy)
            waiting.add_metric([name], running.slots.waiting)
            if isinstance(running.meter, SlotMeter):
                seconds.add_metric([name], running.meter.busy_seconds)
        return [busy, waiting, seconds]


class _Alarms:
    """Questions that Cedar could not decide, and so denied. Each revision has an engine of its own; the count goes on over them."""

    def __init__(self, alarms: Callable[[], int]) -> None:
        self._alarms = alarms

    def collect(self) -> Iterable[Metric]:
        """The metric now."""
        found = CounterMetricFamily("headrace_policy_alarms", "Decisions that policy could not make, and denied.")
        found.add_metric([], self._alarms())
        return [found]


def register(registry: CollectorRegistry, deployments: Deployments, alarms: Callable[[], int]) -> None:
    """Add them to a registry. `alarms`: how many decisions could not be made since this process began."""
    registry.register(_Running(deployments))
    registry.register(_Alarms(alarms))
