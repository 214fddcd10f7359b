"""The recorder runs every stage of a request: it times it, takes its facts, and knows where the request was when it ended.

A stage has no logging of its own. What the recorder gathers is the trace: it goes into the request's record, and from there to
``headrace trace``, the metrics and the auditors, so all of them tell the same story.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from headrace.core.errors import HeadraceError
from headrace.core.flow import error_facts

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from headrace.core.ports import Clock
    from headrace.core.values import Facts


class State(Protocol):
    """A state of the flow: it can say what happened without content."""

    def facts(self) -> Facts:
        """Content-free facts."""
        ...


S = TypeVar("S", bound=State)
T = TypeVar("T")


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
        self._drawn = 0.0
        self._flowing = False
        self.at = "received"
        """The stage that works now; once the request has ended early, the one in which it did."""
        self.stages: list[Stage] = []

    def elapsed_us(self) -> int:
        """Microseconds since the request came in."""
        return int((self._clock.monotonic() - self._start) * 1_000_000)

    def note(self, name: str, state: State) -> None:
        """A state that was there when the recorder began."""
        self.stages.append(Stage(name, 0, 0, state.facts()))

    async def run(self, name: str, work: Awaitable[S]) -> S:
        """Run one stage to its state. When it ends the request, it is recorded with the facts of its error."""
        began = self._clock.monotonic()
        facts: Facts = {}
        self.at = name
        try:
            state = await work
            facts = state.facts()
        except HeadraceError as error:
            facts = error_facts(error)
            raise
        finally:
            now = self._clock.monotonic()
            self.stages.append(Stage(name, int((began - self._start) * 1_000_000), int((now - began) * 1_000_000), facts))
        return state

    async def stream(self, name: str, events: AsyncGenerator[T], state: Callable[[], State]) -> AsyncGenerator[T]:
        """Run a stage that is a stream. Its time is what it took itself: that of the stream which it draws from is taken off.

        The stage is recorded when the stream closes: by its end, by an error, or because the one who draws from it left.
        """
        clock = self._clock.monotonic
        began = clock()
        drawer = self.at if self._flowing else name
        self._flowing = True
        spent = 0.0
        try:
            try:
                while True:
                    asked = clock()
                    self.at = name
                    try:
                        event = await anext(events)
                    except StopAsyncIteration:
                        break
                    finally:
                        spent += clock() - asked
                    self.at = drawer
                    yield event
            finally:
                await events.aclose()
            self.at = drawer
        finally:
            own, self._drawn = spent - self._drawn, spent
            self.stages.append(Stage(name, int((began - self._start) * 1_000_000), int(own * 1_000_000), state().facts()))

    def times(self) -> dict[str, int]:
        """Microseconds by stage."""
        return {stage.name: stage.us for stage in self.stages}
