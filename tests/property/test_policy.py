"""Policies, keys and what is remembered of them, under whatever hypothesis thinks of."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import cedarpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from headrace.adapters.stores.control import ControlStore
from headrace.adapters.stores.migrations import upgrade
from headrace.config.model import People, Person
from headrace.core.errors import Unauthenticated
from headrace.core.values import Principal, StoredKey
from headrace.policy.directory import LOOK_EVERY, KeyDirectory
from headrace.policy.engine import CedarEngine
from headrace.policy.faults import policy_faults
from headrace.policy.keys import mint, well_formed
from headrace.policy.rules import unreadable
from headrace.policy.sessions import ConsoleSessions
from headrace.policy.text import statements, too_much
from headrace.policy.uses import KeyUses
from headrace.testing.clock import SetClock
from headrace.testing.directory import KEY, people
from tests.support.examples import some
from tests.support.policies import workspace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headrace.config.model import Workspace

TENANTS = ("default", "lab")
GROUPS = ("a", "b", "c", "d")
SERVICES = ("help", "chat", "draft")
ACTIONS = ("ask", "unmask")

# Decisions against a few lines of Python that mean the same


@dataclass(frozen=True)
class Rule:
    """A permit or forbid of a group (None: anybody) of a tenant to do an action to a service (None: any)."""

    effect: str
    tenant: str
    group: str | None
    action: str | None
    service: str | None

    def text(self) -> str:
        """As Cedar."""
        who = f'principal in Group::"{self.tenant}/{self.group}"' if self.group else f'principal in Tenant::"{self.tenant}"'
        act = f'action == Action::"{self.action}"' if self.action else "action"
        what = f'resource == Service::"{self.service}"' if self.service else "resource"
        return f"{self.effect} ({who}, {act}, {what});"

    def fits(self, asker: Principal, action: str, service: str) -> bool:
        """Whether it is about this."""
        who = asker.tenant == self.tenant and (self.group is None or self.group in asker.groups)
        return who and self.action in {None, action} and self.service in {None, service}


rules = st.builds(
    Rule,
    st.sampled_from(("permit", "permit", "permit", "forbid")),
    st.sampled_from(TENANTS),
    st.none() | st.sampled_from(GROUPS),
    st.none() | st.sampled_from(ACTIONS),
    st.none() | st.sampled_from(SERVICES),
)
askers = st.builds(
    Principal,
    id=st.sampled_from(("ana", "ben")),
    kind=st.sampled_from(("person", "application")),
    tenant=st.sampled_from(TENANTS),
    groups=st.frozensets(st.sampled_from(GROUPS)),
    key=st.just("hr_k"),
    services=st.none() | st.frozensets(st.sampled_from(SERVICES)),
)
questions = st.tuples(askers, st.sampled_from(ACTIONS), st.sampled_from(SERVICES))


def expected(listed: Sequence[Rule], asker: Principal, action: str, service: str) -> tuple[bool, list[str]]:
    """Allowed, and the policies that say so."""
    if asker.services is not None and service not in asker.services:
        return False, []
    fitting = [(f"a/policy{n}", each.effect) for n, each in enumerate(listed) if each.fits(asker, action, service)]
    forbids = sorted(name for name, effect in fitting if effect == "forbid")
    permits = sorted(name for name, effect in fitting if effect == "permit")
    return (False, forbids) if forbids else (bool(permits), permits)


@settings(max_examples=some(80))
@given(st.lists(rules, max_size=6), st.lists(questions, min_size=1, max_size=12))
def test_decisions_are_those_of_the_rules_and_stay_so(listed: list[Rule], asked: list[tuple[Principal, str, str]]) -> None:
    engine = CedarEngine(workspace("\n".join(each.text() for each in listed), services=SERVICES))
    for asker, action, service in [*asked, *reversed(asked)]:
        decision = engine.decide(asker, action, ("Service", service), {})
        assert (decision.allowed, list(decision.policies)) == expected(listed, asker, action, service)
        assert decision.allowed or decision.reason
        group = decision.would_allow.removeprefix("membership of group ").split(" or ")[0]
        if group in GROUPS:
            assert expected(listed, replace(asker, groups=asker.groups | {group}), action, service)[0]
    assert engine.alarms == 0


@settings(max_examples=some(60))
@given(st.lists(rules, max_size=6), askers)
def test_no_policy_on_a_tenants_groups_is_for_another_tenant(listed: list[Rule], asker: Principal) -> None:
    others = [each for each in listed if each.tenant != asker.tenant]
    engine = CedarEngine(workspace("\n".join(each.text() for each in others), services=SERVICES))
    for action in ACTIONS:
        for service in SERVICES:
            decision = engine.decide(asker, action, ("Service", service), {})
            bound = asker.services is not None and service not in asker.services
            assert (decision.allowed, decision.would_allow) == (False, f"a key that is bound to {service} too" if bound else "")


@settings(max_examples=some(40))
@given(st.lists(st.lists(rules, max_size=3), min_size=2, max_size=4), questions)
def test_a_revision_decides_by_its_own_policies(revisions: list[list[Rule]], asked: tuple[Principal, str, str]) -> None:
    asker, action, service = asked
    for listed in revisions:
        engine = CedarEngine(workspace("\n".join(each.text() for each in listed), services=SERVICES))
        assert engine.decide(asker, action, ("Service", service), {}).allowed is expected(listed, asker, action, service)[0]


# Whatever stands in a policy file

GOOD = (
    '@id("a")\npermit (principal in Group::"default/members", action == Action::"ask", resource == Service::"help");\n'
    'forbid (principal, action == Action::"place", resource in Placement::"cloud")\n'
    "  when { context.sensitivity >= 2 && !context.tainted } unless { principal is Application }; // why\n"
    'permit (principal, action, resource) when { [1, 2].contains(1) || if true then principal has tenant else "a\\"b" like "*" };\n'
)
pieces = st.sampled_from(
    ["", ";", '"', "(", ")", "{", "}", "//", "\n", "@", "::", "principal", "when", "é", "\0", "\u202e", "?", "#", "1", "\\", " "]
)


@settings(max_examples=some(200))
@given(st.lists(st.tuples(st.integers(0, len(GOOD)), st.integers(0, 12), pieces), max_size=4))
def test_any_text_has_faults_at_places_or_an_engine(edits: list[tuple[int, int, str]]) -> None:
    text = GOOD
    for at, length, piece in edits:
        text = text[:at] + piece + text[at + length :]
    whole = workspace(text)
    found = policy_faults(whole)
    rows = text.split("\n")
    for fault in found:
        assert 1 <= fault.line <= len(rows)
        assert 1 <= fault.column <= len(rows[fault.line - 1]) + 1
        assert fault.message
    if not found:
        CedarEngine(whole)
        assert len(cedarpy.PolicySet.from_str(text)) == len(statements(text))  # cut as Cedar itself would
    else:
        assert found == policy_faults(whole)


@settings(max_examples=some(200))
@given(st.text(max_size=200))
def test_a_text_that_cedar_takes_is_cut_where_it_cuts(text: str) -> None:
    parts = statements(text)
    readable = all(too_much(each) is None and unreadable(each) is None for each in parts)
    if readable:
        assert len(cedarpy.PolicySet.from_str(text)) == len(parts)


# Keys


@settings(max_examples=some(200))
@given(st.text(max_size=80))
def test_only_minted_texts_are_keys(text: str) -> None:
    assert not well_formed(text)


class KeysOverTime(RuleBasedStateMachine):
    """Keys made, revoked and expired, revisions that change their holders, time that passes: nobody is let in by what was once so."""

    keys = Bundle("keys")

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "control.db"
        upgrade(path)
        self.store = ControlStore(path)
        self.clock = SetClock()
        self.sessions = ConsoleSessions(self.store, self.store.sessions, self.store.people, self.clock)
        self.kept: dict[str, StoredKey] = {}
        self.apply(("support",))

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule(groups=st.none() | st.lists(st.sampled_from(("support", "members")), unique=True).map(tuple))
    def apply(self, groups: Iterable[str] | None) -> None:
        """A new revision: ana in other groups, or gone."""
        self.groups = None if groups is None else frozenset(groups)
        listed = () if groups is None else (Person(person="ana", groups=tuple(groups)),)
        self.workspace: Workspace = people().model_copy(update={"people": People(people=listed)})
        self.directory = KeyDirectory(self.store, self.sessions, self.store.people, KeyUses(), self.clock, self.workspace)

    @rule(target=keys, lasts=st.none() | st.integers(1, 3_000_000))
    def make(self, lasts: int | None) -> str:
        secret, public, digest = mint()
        key = replace(KEY, id=public, groups=("auditors",), expires_us=None if lasts is None else self.clock.now_us() + lasts)
        self.store.create_key(key, digest)
        self.kept[secret] = key
        return secret

    @rule(secret=keys)
    def revoke(self, secret: str) -> None:
        if self.kept[secret].revoked_us is None:
            self.kept[secret] = self.store.revoke_key(self.kept[secret].id, self.clock.now_us())

    @rule(seconds=st.sampled_from((0.001, LOOK_EVERY / 2, LOOK_EVERY, 1.0)))
    def wait(self, seconds: float) -> None:
        self.clock.pass_time(seconds)

    @rule(secret=keys)
    def show(self, secret: str) -> None:
        key = self.kept[secret]
        try:
            found, code = asyncio.run(self.directory.authenticate(secret)), None
        except Unauthenticated as error:
            found, code = None, error.code
        if code != self._why(key):  # it may still be taken for what it was, so long and no longer
            assert key.revoked_us is not None
            assert self.clock.now_us() - key.revoked_us < LOOK_EVERY * 1_000_000
            assert code == self._why(replace(key, revoked_us=None))
        if found is not None:
            assert found.groups == frozenset({"auditors"} | (self.groups or set()))
            assert found.key == key.id

    def _why(self, key: StoredKey) -> str | None:
        if key.revoked_us is not None:
            return "identity.revoked_key"
        if key.expires_us is not None and key.expires_us <= self.clock.now_us():
            return "identity.expired_key"
        return "identity.no_holder" if self.groups is None else None

    @invariant()
    def no_secret_is_kept(self) -> None:
        if hasattr(self, "store"):
            assert all(secret not in repr(self.store.list_keys()) for secret in self.kept)


KeysOverTime.TestCase.settings = settings(max_examples=some(25), stateful_step_count=25)
TestKeysOverTime = KeysOverTime.TestCase
