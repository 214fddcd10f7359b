"""Revisions for those who may change what is in force. Port :class:`headrace.app.http.ports.revisions.Revisions`."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

from headrace.app.acts.turns import act_of, facts_of, require_readable
from headrace.app.http.ports.revisions import Bearing, Choice, ServiceForm, Turn
from headrace.app.inside.comparison import ACTIONS, comparison
from headrace.core.errors import NotFound, OperationFailed
from headrace.policy.heads import head_of
from headrace.policy.rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from headrace.adapters.stores.control import ControlStore, Entry
    from headrace.app.http.ports.revisions import Comparison
    from headrace.config.model import Service, Workspace
    from headrace.config.revision import Revision
    from headrace.core.values import Facts, Principal
    from headrace.pipeline.rooms import Rooms
    from headrace.policy.rules import Rule

FOLLOWS_WITHIN: Final = 5.0
"""Seconds to wait until this process works by a revision that was put in force."""
LOOK_EVERY: Final = 0.05
_ID = re.compile(r"[0-9a-f]{6,64}")
ROLLBACK: Final = "rollback"


class WorkspaceRevisions:
    """Reads the control store in threads: its writes wait for the disk."""

    def __init__(self, store: ControlStore, record: Callable[[str, Facts, str], Awaitable[str]], rooms: Callable[[], Rooms]) -> None:
        self._store = store
        self._record = record
        self._rooms = rooms

    def opens(self, principal: Principal) -> bool:
        """Whether this principal may change every tenant. A key that is bound to services is for asking them, and for nothing else."""
        rooms = self._rooms()
        tenants = rooms.workspace.root.tenants
        return principal.services is None and all(
            rooms.policy.decide(principal, "change", ("Tenant", each), {}).allowed for each in tenants
        )

    def services(self, principal: Principal) -> Sequence[ServiceForm] | None:
        """Every service of the revision in force."""
        if not self.opens(principal):
            return None
        workspace = self._rooms().workspace
        rules = rules_of(workspace.policies)
        return [_service(workspace, form, rules) for _, form in sorted(workspace.services.items())]

    async def history(self, principal: Principal) -> Sequence[Turn] | None:
        """Every turn of the pointer, the last first."""
        if not self.opens(principal):
            return None
        entries = await asyncio.to_thread(self._store.history)
        ends: list[int | None] = [entry.time_us for entry in entries[1:]]
        return [_turn(entry, end) for entry, end in zip(reversed(entries), reversed([*ends, None]), strict=True)]

    async def comparison(self, principal: Principal, before: str, after: str) -> Comparison | None:
        """How `after` differs from `before`."""
        if not (self.opens(principal) and _ID.fullmatch(before) and _ID.fullmatch(after)):
            return None
        return await asyncio.to_thread(self._compared, before, after)

    async def roll_back(self, principal: Principal, to: str, *, expected: str) -> Turn | None:
        """Put an earlier revision in force, recorded first: a record without a turn tells of an act that was broken off, never the other
        way round."""
        if not (self.opens(principal) and _ID.fullmatch(to)):
            return None
        looked = await asyncio.to_thread(self._looked, to)
        if looked is None:
            return None
        version, before, revision = looked
        if before is None or before.id != expected:
            msg = "Another revision is in force than the one that this page was made for."
            raise OperationFailed(msg, code="workspace.changed_meanwhile", mend="Look at what is in force now, and decide again.")
        if revision.id == before.id:
            msg = f"Revision {revision.short} is in force already."
            raise OperationFailed(msg, code="workspace.in_force_already", mend="Choose another one.")
        await asyncio.to_thread(require_readable, revision)
        by = f"{principal.tenant}/{principal.id}"
        record = await self._record(act_of(ROLLBACK), facts_of(revision, before), by)
        entry = await asyncio.to_thread(self._store.point_to, revision.id, ROLLBACK, by, record=record, expected=version)
        await self._followed(revision.id)
        return _turn(entry, None)

    def _looked(self, to: str) -> tuple[int, Revision | None, Revision] | None:
        """The pointer's version, what it points to, and the revision that is wanted. The version is read first: whoever turns the pointer
        in between is noticed."""
        version, before = self._store.version(), self._store.current()
        revision = self._kept(to)
        return None if revision is None else (version, before, revision)

    def _kept(self, start: str) -> Revision | None:
        try:
            return self._store.revision(start)
        except NotFound:
            return None

    def _compared(self, before: str, after: str) -> Comparison | None:
        old, new = self._kept(before), self._kept(after)
        return None if old is None or new is None else comparison(old, new)

    async def _followed(self, revision: str) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + FOLLOWS_WITHIN
        while self._rooms().revision != revision and loop.time() < until:
            await asyncio.sleep(LOOK_EVERY)


def _turn(entry: Entry, until_us: int | None) -> Turn:
    return Turn(entry.n, entry.revision, entry.act, entry.record, entry.time_us, entry.by, until_us)


def _service(workspace: Workspace, form: Service, rules: Sequence[Rule]) -> ServiceForm:
    places = (("question", form.guards.input), ("passages", form.guards.passages), ("answer", form.guards.output))
    return ServiceForm(
        name=form.service,
        about=form.about,
        owner=form.owner,
        mode=form.knowledge.mode if form.knowledge is not None else "",
        json=form.answer == "json",
        vectors=form.answer == "vectors",
        sources=form.knowledge.sources if form.knowledge is not None else (),
        models=[_choice(workspace, each.deployment) for each in form.models],
        guards=[(place, guard, str(action)) for place, actions in places for guard, action in actions.items()],
        prompt=form.prompt,
        policies=[bearing for rule in rules if (bearing := _bearing(rule, form.service)).actions],
    )


def _choice(workspace: Workspace, name: str) -> Choice:
    form = workspace.deployments[name]
    for here in (form.embedded, form.embedder):
        if here is not None:
            return Choice(name, here.model, form.placement, embedded=True)
    assert form.provider is not None  # noqa: S101 - a deployment is one of the three
    return Choice(name, form.provider.model, form.placement, embedded=False)


def _bearing(rule: Rule, service: str) -> Bearing:
    head = head_of(rule.statement.text)
    actions = [action for action in ACTIONS if head.fits(action, "Service", service)]
    return Bearing(rule.id, rule.path, head.permits, actions, rule.statement.text.strip())
