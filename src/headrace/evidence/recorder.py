"""The recorder runs every stage of a request: it times it, takes its facts, and knows where the request was when it ended.

A stage has no logging of its own. What the recorder gathers is the trace: it goes into the request's record, and from there to
``headrace trace``, the metrics and the auditors, so all of them tell the same story.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from headrace.core.ports import Clock
    from headrace.core.values import Facts


class State(Protocol):
    """A state of the flow: it can say what happened without content."""

    def facts(self) -> Facts:
        """Content-free facts."""
        ...


S = TypeVar("S", bound=State)


@dataclass(frozen=True, slots=True)
class Stage:
    """One finished stage: its name, when it began (microseconds after the request came in), how long it took, its facts."""

    name: str
    began_us: int
    us: int
    facts: Facts


class Recorder:
    """The trace of one request, as it grows."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._start = clock.monotonic()
        self._current: tuple[str, float] | None = None
        self.stages: list[Stage] = []

    def elapsed_us(self) -> int:
        """Microseconds since the request came in."""
        return round((self._clock.monotonic() - self._start) * 1_000_000)

    @property
    def at(self) -> str:
        """The stage that is running, or the last that ran."""
        return self._current[0] if self._current else (self.stages[-1].name if self.stages else "received")

    def begin(self, name: str) -> None:
        """A stage begins. One that is still running ends without facts."""
        self._current = (name, self._clock.monotonic())

    def end(self, state: State) -> None:
        """The running stage ends with this state."""
        self._close(state.facts())

    def fail(self, facts: Facts) -> None:
        """The request ends here: the running stage (if any) ends with the error's facts."""
        if self._current is not None:
            self._close(facts)

    async def run(self, name: str, work: Awaitable[S]) -> S:
        """Run one stage to its state."""
        self.begin(name)
        state = await work
        self.end(state)
        return state

    def times(self) -> dict[str, int]:
        """Microseconds by stage."""
        return {stage.name: stage.us for stage in self.stages}

    def _close(self, facts: Facts) -> None:
        if self._current is None:
            msg = "no stage is running"
            raise RuntimeError(msg)
        name, began = self._current
        self._current = None
        now = self._clock.monotonic()
        self.stages.append(Stage(name, round((began - self._start) * 1_000_000), round((now - began) * 1_000_000), facts))
