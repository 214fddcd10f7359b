"""What is in force, and what was, as HTTP sees it: services as they are written, the turns of the pointer, how two revisions differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.core.values import Principal


@dataclass(frozen=True, slots=True)
class Bearing:
    """A policy that bears on a service. `actions` are those that it may be about; `permits`: it is no ``forbid``."""

    id: str
    path: str
    permits: bool
    actions: Sequence[str]
    text: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A deployment that may answer: what runs there, and where."""

    deployment: str
    model: str
    placement: str
    embedded: bool


@dataclass(frozen=True, slots=True)
class ServiceForm:
    """A service as the revision in force has it. `guards` are (where text enters, guard, what is done), in order."""

    name: str
    about: str
    owner: str
    mode: str
    """``quote``…, as its file says; empty: a model writes, without sources."""
    json: bool
    vectors: bool
    sources: Sequence[str]
    models: Sequence[Choice]
    guards: Sequence[tuple[str, str, str]]
    prompt: str | None
    policies: Sequence[Bearing]


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn of the pointer: who put which revision in force, and when. `act` is ``apply`` or ``rollback``, `record` the act's id in the
    ledger. `until_us` is None for the turn that holds."""

    n: int
    revision: str
    act: str
    record: str
    time_us: int
    by: str
    until_us: int | None


@dataclass(frozen=True, slots=True)
class Line:
    """A line of two texts laid over each other. `sign`: ``+`` added, ``-`` removed, a space in both, ``…`` some lines are left out, and
    `text` says how many. `old` and `new` are its numbers from 1."""

    sign: str
    text: str
    old: int | None = None
    new: int | None = None


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that differs. `kind`: ``added``, ``changed``, ``removed``."""

    path: str
    kind: str
    added: int
    removed: int
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Touched:
    """A service that answers otherwise in the newer revision, and why, in words."""

    service: str
    why: Sequence[str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """From one revision to another. `services` is None when one of them cannot be read by this Headrace."""

    before: str
    after: str
    files: Sequence[FileChange]
    services: Sequence[Touched] | None
    everywhere: Sequence[str]
    """What may touch every service, in words."""


class Revisions(Protocol):
    """For those alone who may ``change`` every tenant of the installation: a revision is of all of them.

    To others nothing is there (None), as for a revision that is unknown. Revisions are named by the first characters of their ids, which
    come from URLs and are to be mistrusted. Methods raise Unavailable when the store cannot be read.
    """

    def opens(self, principal: Principal) -> bool:
        """Whether this principal may."""
        ...

    def services(self, principal: Principal) -> Sequence[ServiceForm] | None:
        """Every service of the revision in force, in order of name."""
        ...

    async def history(self, principal: Principal) -> Sequence[Turn] | None:
        """Every turn of the pointer, the last first."""
        ...

    async def comparison(self, principal: Principal, before: str, after: str) -> Comparison | None:
        """How `after` differs from `before`."""
        ...

    async def roll_back(self, principal: Principal, to: str, *, expected: str) -> Turn | None:
        """Put an earlier revision in force, recorded as an act of the principal; returns once this process works by it, or after seconds.

        `expected` is the whole id of the revision that the principal saw in force. Raises OperationFailed: when it is not any more
        (``workspace.changed_meanwhile``), ``workspace.in_force_already``, ``workspace.unreadable_revision``. Raises Unavailable when the
        act cannot be recorded. Nothing has happened then.
        """
        ...
