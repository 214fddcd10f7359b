"""A key speaks for who its holder was when it was made, and for nobody who is given the id later."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from headrace.app.acts import keys
from headrace.app.acts.changes import apply, open_store, roll_back
from headrace.app.ids import SystemClock
from headrace.config.layout import Layout
from headrace.core.errors import Unauthenticated
from headrace.core.people import Account, StoredPerson, StoredSession
from headrace.policy.directory import KeyDirectory
from headrace.policy.sessions import ConsoleSessions
from headrace.policy.uses import KeyUses
from tests.support import people
from tests.support.workspaces import lay

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.core.values import Principal

CLOCK = SystemClock()
ANA = "  - {person: ana, groups: [support]}\n"
DESK = "applications:\n  - {application: desk, groups: [support]}\n"
CHIEFS = "  - {person: chief, groups: [chiefs]}\n"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(lay(tmp_path / "w"))
    says(layout, ANA)
    return layout


def says(layout: Layout, written: str, *, applications: str = DESK) -> str:
    """Apply a people.yaml with these people; the revision."""
    layout.workspace.joinpath("people.yaml").write_text(
        f"people:\n{CHIEFS}  - {{person: ben, tenant: lab, groups: [chemists]}}\n{written}{applications}", encoding="utf-8"
    )
    layout.workspace.joinpath("sources", "handbook.yaml").write_text(
        "source: handbook\nfolder: texts\nreaders: {groups: [chiefs]}\n", encoding="utf-8"
    )
    return apply(layout).revision.id


def key(layout: Layout, holder: str) -> str:
    return keys.create(layout, keys.Wanted("laptop", "default", holder=holder))[0]


def who(layout: Layout, credential: str) -> Principal:
    with closing(open_store(layout)) as store:
        current = store.current()
        assert current is not None
        sessions = ConsoleSessions(store, store.sessions, store.people, CLOCK)
        known = KeyDirectory(store, sessions, store.people, KeyUses(), CLOCK, current.compile())
        return asyncio.run(known.authenticate(credential))


def opens_nothing(layout: Layout, credential: str, code: str = "identity.no_holder") -> None:
    with pytest.raises(Unauthenticated) as caught:
        who(layout, credential)
    assert caught.value.code == code


def keep(layout: Layout, person: StoredPerson) -> None:
    with closing(open_store(layout)) as store:
        people.keep(store, [person])


def test_whoever_comes_after_somebody_has_none_of_their_keys(layout: Layout) -> None:
    first = says(layout, ANA)
    old = key(layout, "ana")
    says(layout, "")
    opens_nothing(layout, old)
    says(layout, ANA.replace("support", "chiefs"))
    opens_nothing(layout, old)
    new = key(layout, "ana")
    assert who(layout, new).groups == {"chiefs"}
    says(layout, ANA + "  - {person: eve, groups: [support]}\n")
    assert who(layout, new).groups == {"support"}  # who stays, stays
    # To go back to a revision is to mean the people of its time.
    roll_back(layout, first)
    assert who(layout, old).groups == {"support"}
    opens_nothing(layout, new)
    says(layout, ANA)  # the same words anew, for the same ones
    assert who(layout, old).groups == {"support"}


def test_a_program_that_comes_after_another_has_none_of_its_keys(layout: Layout) -> None:
    old = key(layout, "desk")
    assert who(layout, old).kind == "application"
    says(layout, ANA, applications="")
    says(layout, ANA)
    opens_nothing(layout, old)
    assert who(layout, key(layout, "desk")).kind == "application"


def test_an_id_that_was_a_programs_for_a_while(layout: Layout) -> None:
    old = key(layout, "ana")
    says(layout, "", applications="applications:\n  - {application: ana, groups: [support]}\n")
    says(layout, ANA)
    opens_nothing(layout, old)


def test_another_word_at_the_provider_is_another_person(layout: Layout) -> None:
    old = key(layout, "ana")
    called = ANA.replace("ana,", "ana, sign in: Ana.K@acme.example,")
    says(layout, called)
    assert who(layout, old).id == "ana"  # it is only said now
    says(layout, called.replace("Ana.K", "ana.k"))
    assert who(layout, old).id == "ana"
    says(layout, called.replace("Ana.K", "ana.huber"))
    opens_nothing(layout, old)


def test_no_way_round_leads_from_one_word_at_the_provider_to_another(layout: Layout) -> None:
    says(layout, ANA.replace("ana,", "ana, sign in: ana,"))
    old = key(layout, "ana")
    says(layout, ANA)
    assert who(layout, old).id == "ana"  # the provider calls her by the id, said or not
    says(layout, ANA.replace("ana,", "ana, sign in: ana.k@acme.example,"))
    assert who(layout, old).id == "ana"
    says(layout, ANA)
    says(layout, ANA.replace("ana,", "ana, sign in: ana.huber@acme.example,"))
    opens_nothing(layout, old)


def test_rolling_back_ends_the_sessions_of_who_had_the_id_meanwhile(layout: Layout) -> None:
    first = says(layout, ANA)
    says(layout, "")
    says(layout, f"{ANA}{CHIEFS.replace('chief,', 'other,')}")
    account = Account("https://id.example", "sub-2", "default", "ana")
    with closing(open_store(layout)) as store:
        asyncio.run(ConsoleSessions(store, store.sessions, store.people, CLOCK).begin_for(account, (), None, 600))
    with closing(open_store(layout)) as store:
        assert [each.holder for each in store.sessions.every(0)] == ["ana"]
    roll_back(layout, first)
    with closing(open_store(layout)) as store:
        assert store.sessions.every(0) == []
        assert store.people.account("https://id.example", "sub-2") is None


def test_whom_people_yaml_names_later_has_no_key_of_a_joiner(layout: Layout) -> None:
    joined = StoredPerson("default", "max", "max@acme.example", groups=("support",), origin="sign-in", created_us=7)
    keep(layout, joined)
    old = key(layout, "max")
    assert who(layout, old).groups == {"support"}
    for other in ("{person: max, groups: [chiefs]}", "{person: max, sign in: max.huber@acme.example, groups: [chiefs]}"):
        says(layout, f"{ANA}  - {other}\n")
        opens_nothing(layout, old)
    says(layout, f"{ANA}  - {{person: max, sign in: MAX@acme.example, groups: [chiefs]}}\n")
    assert who(layout, old).groups == {"support", "chiefs"}  # there it is said that it is the same person


def test_whoever_joins_later_has_no_key_of_a_joiner(layout: Layout) -> None:
    joined = StoredPerson("default", "max", "max@acme.example", groups=("support",), origin="sign-in", created_us=7)
    keep(layout, joined)
    old = key(layout, "max")
    with closing(open_store(layout)) as store:
        store.people.forget("default", "max")
    opens_nothing(layout, old)
    keep(layout, StoredPerson("default", "max", "max@other.example", groups=("support",), origin="sign-in", created_us=8))
    opens_nothing(layout, old)


def test_sessions_and_accounts_end_with_who_they_are_of(layout: Layout) -> None:
    account = Account("https://id.example", "sub-1", "default", "ana")
    with closing(open_store(layout)) as store:
        asyncio.run(ConsoleSessions(store, store.sessions, store.people, CLOCK).begin_for(account, (), None, 600))
        begun = store.sessions.every(0)
        assert [each.holder for each in begun] == ["ana"]
        store.sessions.create(StoredSession("9" * 64, "default", "chief", 1, 1, 2**60, issuer="i", subject="s"))
    says(layout, "")
    with closing(open_store(layout)) as store:
        assert [each.holder for each in store.sessions.every(0)] == ["chief"]
        assert store.people.account("https://id.example", "sub-1") is None


def test_whoever_is_imported_too_stays_tied(layout: Layout) -> None:
    keep(layout, StoredPerson("default", "ana", "ana", created_us=7))
    account = Account("https://id.example", "sub-1", "default", "ana")
    with closing(open_store(layout)) as store:
        asyncio.run(ConsoleSessions(store, store.sessions, store.people, CLOCK).begin_for(account, (), None, 600))
    old = key(layout, "ana")
    says(layout, "")
    with closing(open_store(layout)) as store:
        assert store.people.account("https://id.example", "sub-1") is not None
    assert who(layout, old).id == "ana"  # by the import it is the same person
