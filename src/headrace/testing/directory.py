"""What every Directory does.

Fixtures to give: `directory`, over the people of :func:`people`; `clock`, the :class:`SetClock` that it looks at; `mint`, a new secret of
the form that the directory knows; `keep`, which keeps a StoredKey under a secret in its store; `revoke`, which revokes one by its id.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import pytest

from headrace.config.model import Application, People, Person, Root, Workspace
from headrace.core.errors import Unauthenticated
from headrace.core.values import Principal, StoredKey

if TYPE_CHECKING:
    from headrace.core.ports import Directory
    from headrace.testing.clock import SetClock

Keep: TypeAlias = Callable[[StoredKey, str], None]
Mint: TypeAlias = Callable[[], str]

STALE = 1.0
"""Seconds after which a change to a key must hold."""
KEY = StoredKey(
    id="hr_one",
    name="laptop",
    holder="ana",
    kind="person",
    tenant="default",
    groups=("auditors",),
    services=("help",),
    created_us=0,
    expires_us=None,
    revoked_us=None,
)


def people() -> Workspace:
    """Tenants default and lab; ana (person, groups support and members) and desk (application, group support) in default."""
    return Workspace(
        root=Root(headrace=1, name="contract", tenants=("default", "lab"), groups=("auditors",)),
        people=People(
            people=(Person(person="ana", groups=("support", "members")),),
            applications=(Application(application="desk", groups=("support",)),),
        ),
        services={},
        deployments={},
        sources={},
        models={},
        policies=(),
    )


async def refused(directory: Directory, secret: str) -> str:
    """The code with which a credential is refused."""
    with pytest.raises(Unauthenticated) as caught:
        await directory.authenticate(secret)
    assert not secret or secret not in f"{caught.value} {caught.value.facts}"
    assert caught.value.mend
    return caught.value.code


class DirectoryContract:
    """The port Directory."""

    async def test_a_key_is_its_holder(self, directory: Directory, mint: Mint, keep: Keep) -> None:
        """With the groups of the holder and those of the key; asking again gives the same."""
        secret = mint()
        keep(KEY, secret)
        expected = Principal("ana", "person", "default", frozenset({"support", "members", "auditors"}), "hr_one", frozenset({"help"}))
        assert await directory.authenticate(secret) == expected
        assert await directory.authenticate(secret) == expected

    async def test_a_key_may_stand_for_itself(self, directory: Directory, mint: Mint, keep: Keep) -> None:
        """As an application with the key's own groups."""
        secret = mint()
        keep(replace(KEY, holder="robot", kind="key", services=None), secret)
        assert await directory.authenticate(secret) == Principal("robot", "application", "default", frozenset({"auditors"}), "hr_one")

    async def test_no_key(self, directory: Directory) -> None:
        """Nobody asks without one."""
        assert await refused(directory, "") == "identity.no_key"

    @pytest.mark.parametrize("credential", ["x", "hr_live_", "hr_live_" + "0" * 46, "hrs_", "é\udcff\0", "a" * 100_000])
    async def test_what_is_no_key(self, directory: Directory, credential: str) -> None:
        """Anything at all may be sent."""
        assert await refused(directory, credential) in {"identity.unknown_key", "identity.no_session"}

    async def test_an_unknown_key(self, directory: Directory, mint: Mint, keep: Keep) -> None:
        """Of the right form, and of another installation. It is known as soon as it is kept."""
        secret = mint()
        assert await refused(directory, secret) == "identity.unknown_key"
        keep(KEY, secret)
        assert (await directory.authenticate(secret)).id == "ana"

    async def test_a_key_expires(self, directory: Directory, mint: Mint, keep: Keep, clock: SetClock) -> None:
        """At its very microsecond, although it was valid just now."""
        secret = mint()
        keep(replace(KEY, expires_us=clock.now_us() + 100_000), secret)
        await directory.authenticate(secret)
        clock.pass_time(0.099_999)
        await directory.authenticate(secret)
        clock.pass_time(0.000_001)
        assert await refused(directory, secret) == "identity.expired_key"

    async def test_a_revoked_key(
        self, directory: Directory, mint: Mint, keep: Keep, revoke: Callable[[str], None], clock: SetClock
    ) -> None:
        """Opens nothing a second later; others go on."""
        first, second = mint(), mint()
        keep(KEY, first)
        keep(replace(KEY, id="hr_two"), second)
        await directory.authenticate(first)
        await directory.authenticate(second)
        revoke("hr_one")
        clock.pass_time(STALE)
        assert await refused(directory, first) == "identity.revoked_key"
        assert (await directory.authenticate(second)).key == "hr_two"

    @pytest.mark.parametrize(
        "change",
        [
            {"holder": "eve"},
            {"holder": "desk"},
            {"kind": "application"},
            {"tenant": "lab"},
            {"tenant": "gone"},
            {"kind": "key"},
        ],
        ids=["nobody", "an application", "a person", "another tenant", "no tenant", "a name that is taken"],
    )
    async def test_a_holder_who_is_not_there(self, directory: Directory, mint: Mint, keep: Keep, change: dict[str, str]) -> None:
        """A key without its holder opens nothing, and never becomes somebody else's."""
        secret = mint()
        keep(replace(KEY, **change), secret)  # pyright: ignore[reportArgumentType]
        assert await refused(directory, secret) == "identity.no_holder"
