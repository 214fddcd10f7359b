"""Two who change people at once, and what every process knows of somebody who is out."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from headrace.adapters.stores.control import ControlStore
from headrace.app.acts import keys
from headrace.app.acts.changes import apply
from headrace.app.ids import SystemClock
from headrace.app.people import importing
from headrace.app.people.claims import Claimed
from headrace.app.people.joining import Joining
from headrace.app.people.scim import USER
from headrace.config.layout import Layout
from headrace.core.errors import Forbidden, OperationFailed
from headrace.core.people import Account, StoredPerson
from headrace.policy.people import Roster
from headrace.policy.sessions import ConsoleSessions
from headrace.testing.key_store import KEY
from tests.support.people import keep
from tests.support.workspaces import lay

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.core.values import Facts

CLOCK = SystemClock()
MAX = StoredPerson("default", "max", "max@acme.example", groups=("support",), created_us=7)
AT_ONCE = 8
CHILD = """
import asyncio, sys
from pathlib import Path
from headrace.app.acts.changes import open_store
from headrace.app.ids import SystemClock
from headrace.config.layout import Layout
from headrace.core.errors import Unauthenticated
from headrace.policy.directory import KeyDirectory
from headrace.policy.sessions import ConsoleSessions
from headrace.policy.uses import KeyUses

async def main():
    store, clock = open_store(Layout(Path(sys.argv[1]))), SystemClock()
    sessions = ConsoleSessions(store, store.sessions, store.people, clock)
    known = KeyDirectory(store, sessions, store.people, KeyUses(), clock, store.current().compile())
    out = {}
    print(*[(await known.authenticate(each)).id for each in sys.argv[2:]], flush=True)
    while len(out) < len(sys.argv) - 2:
        await asyncio.sleep(0.02)
        for each in sys.argv[2:]:
            try:
                await known.authenticate(each)
            except Unauthenticated as error:
                out.setdefault(each, error.code)
    print(*[out[each] for each in sys.argv[2:]], flush=True)

asyncio.run(main())
"""
"""A process that knows some credentials, until each of them opens nothing."""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(lay(tmp_path / "w"))
    apply(layout)
    return layout


def claimed(subject: str, user_name: str) -> Claimed:
    return Claimed(subject, user_name, "default", subject, "", (), None)


async def test_two_who_join_under_one_name_at_once_are_not_each_other(layout: Layout) -> None:
    """max@acme.example and max@other.example would both be "max": each is told that the name is free, and one of them gets it."""
    both = asyncio.Barrier(2)

    async def record(name: str, facts: Facts, by: str) -> str:
        del name, facts, by
        await both.wait()  # both have looked by now, and neither has taken it
        return "req_1"

    with closing(ControlStore(layout.control)) as store:
        current = store.current()
        assert current is not None
        roster = Roster(current.compile(), store.people)
        joining = Joining(store, record, CLOCK)
        comers = [joining.join(claimed(f"sub-{name}", f"max@{name}.example"), roster) for name in ("acme", "other")]
        ends = await asyncio.gather(*comers, return_exceptions=True)
        (refused,) = [each for each in ends if isinstance(each, BaseException)]
        assert isinstance(refused, Forbidden)
        assert refused.code == "identity.name_taken"
        won = ends[1 - ends.index(refused)]
        kept = store.people.person("default", "max")
        assert kept is not None
        assert kept.name == getattr(won, "name", "")


def test_of_many_who_take_one_name_at_once_one_gets_it(layout: Layout) -> None:
    begin = Barrier(AT_ONCE)

    def take(number: int) -> int | None:
        with closing(ControlStore(layout.control)) as store:
            begin.wait()
            try:
                store.people.change([(None, replace(MAX, name=str(number)))])
            except OperationFailed:
                return None
            return number

    with ThreadPoolExecutor(AT_ONCE) as threads:
        taken = [each for each in threads.map(take, range(AT_ONCE)) if each is not None]
    assert len(taken) == 1
    with closing(ControlStore(layout.control)) as store:
        assert store.people.every() == [replace(MAX, name=str(taken[0]))]


def test_two_imports_at_once_do_not_overwrite_each_other(layout: Layout) -> None:
    """The second was planned by what is so no more: it changes nothing, not even those whom the first left alone."""
    with closing(ControlStore(layout.control)) as store:
        current = store.current()
        assert current is not None
        workspace = current.compile()
        keep(store, [replace(MAX, groups=())])

        def plan(*people: dict[str, object]) -> importing.Plan:
            content = json.dumps([{"schemas": [USER], **each} for each in people]).encode()
            return importing.planned(content, workspace, store, "default", 9)

        off = plan({"userName": "max@acme.example", "active": False})
        on = plan({"userName": "new@acme.example"}, {"userName": "max@acme.example", "displayName": "Max"})
        store.people.change(off.people)
        with pytest.raises(OperationFailed) as caught:
            store.people.change(on.people)
        assert caught.value.code == "people.changed_meanwhile"
        assert [(each.id, each.active) for each in store.people.every()] == [("max", False)]


def test_nobody_takes_the_name_of_a_key_that_was_made_meanwhile(layout: Layout) -> None:
    with closing(ControlStore(layout.control)) as store:
        store.create_key(replace(KEY, holder="max", kind="key"), "a" * 64)
        with pytest.raises(OperationFailed):
            store.people.change([(None, MAX)])
        assert store.people.every() == []


def test_a_resource_of_another_id_is_another_person(layout: Layout) -> None:
    """Max leaves, and the directory gives his user name to another: who has neither keys, groups nor sessions of the first."""
    with closing(ControlStore(layout.control)) as store:
        current = store.current()
        assert current is not None
        workspace = current.compile()
        keep(store, [replace(MAX, external="1")])
        _, old = keys.issue(layout, store, workspace, keys.Wanted("laptop", "default", holder="max"))
        asyncio.run(
            ConsoleSessions(store, store.sessions, store.people, CLOCK).begin_for(Account("i", "s", "default", "max"), (), None, 60)
        )
        content = json.dumps([{"schemas": [USER], "id": "2", "userName": "max@acme.example"}]).encode()
        store.people.change(importing.planned(content, workspace, store, "default", 9).people)
        roster = Roster(workspace, store.people)
        assert set(old.holders).isdisjoint(roster.holders("default", "max"))
        assert store.people.person("default", "max") == replace(MAX, external="2", groups=(), created_us=9, changed_us=9)
        assert store.sessions.every(0) == []
        again = json.dumps([{"schemas": [USER], "id": "2", "userName": "max.lang@acme.example"}]).encode()
        store.people.change(importing.planned(again, workspace, store, "default", 11).people)
        assert roster.holders("default", "max") == ("kept/9",)  # only the name is another


def test_whoever_is_suspended_is_out_in_every_process(layout: Layout) -> None:
    """Keys and sessions, of a key and of the provider, that each process remembers."""
    with closing(ControlStore(layout.control)) as store:
        current = store.current()
        assert current is not None
        keep(store, [MAX])
        secret, _ = keys.issue(layout, store, current.compile(), keys.Wanted("laptop", "default", holder="max"))
        token = asyncio.run(ConsoleSessions(store, store.sessions, store.people, CLOCK).begin(secret, 600))
        asked = [sys.executable, "-c", CHILD, str(layout.workspace), secret, token]
        children = [subprocess.Popen(asked, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == "max max\n"
        store.people.change([(MAX, replace(MAX, active=False))])
        for child in children:
            said, _ = child.communicate(timeout=60)
            assert said == "identity.not_active identity.no_session\n"
