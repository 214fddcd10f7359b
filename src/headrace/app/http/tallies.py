"""Counts and distributions by labels: plain numbers, of which a scrape makes metrics. Every request counts; scrapes are few."""

from __future__ import annotations

import time
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prometheus_client.core import Metric


class Tally:
    """A counter. For one event loop."""

    def __init__(self, name: str, about: str, *labels: str) -> None:
        self._name, self._about, self._labels = name, about, labels
        self._counts: dict[tuple[str, ...], float] = {}
        self._since: dict[tuple[str, ...], float] = {}

    def add(self, *labels: str, amount: float = 1) -> None:
        """Count."""
        if labels in self._counts:
            self._counts[labels] += amount
        else:
            self._counts[labels] = amount
            self._since[labels] = time.time()

    def metric(self) -> Metric:
        """As it stands."""
        family = CounterMetricFamily(self._name, self._about, labels=self._labels)
        for labels, count in self._counts.items():
            family.add_metric(labels, count, created=self._since[labels])
        return family


@dataclass(slots=True)
class _Spread:
    counts: list[int]
    since: float = field(default_factory=time.time)
    total: float = 0.0


class Spread:
    """A distribution over `limits`, by one label. For one event loop."""

    def __init__(self, name: str, about: str, label: str, limits: Sequence[float]) -> None:
        self._name, self._about, self._label, self._limits = name, about, label, limits
        self._seen: dict[str, _Spread] = {}

    def see(self, label: str, value: float) -> None:
        """Count this value."""
        seen = self._seen.get(label)
        if seen is None:
            seen = self._seen[label] = _Spread([0] * (len(self._limits) + 1))
        seen.counts[bisect_left(self._limits, value)] += 1
        seen.total += value

    def metric(self) -> Metric:
        """As it stands."""
        family = HistogramMetricFamily(self._name, self._about, labels=[self._label])
        names = [*(str(float(limit)) for limit in self._limits), "+Inf"]
        for label, seen in self._seen.items():
            family.add_metric([label], list(zip(names, accumulate(seen.counts), strict=True)), seen.total)
            family.add_sample(f"{self._name}_created", {self._label: label}, seen.since)
        return family


class Tallies:
    """What a registry collects."""

    def __init__(self, every: Sequence[Tally | Spread]) -> None:
        self._every = every

    def collect(self) -> Iterable[Metric]:
        """As they stand."""
        return [each.metric() for each in self._every]
