"""The directory's memory: what it asks its store, how much it holds, and what a change in between does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from headrace.adapters.stores.control import ControlStore
from headrace.adapters.stores.migrations import upgrade
from headrace.config.identity import Identity, SignIn
from headrace.core.errors import Unauthenticated, Unavailable
from headrace.core.people import Account, StoredPerson
from headrace.policy import directory as directory_module
from headrace.policy.directory import LOOK_EVERY, KeyDirectory
from headrace.policy.keys import digest_of, mint
from headrace.policy.sessions import ConsoleSessions
from headrace.policy.uses import KeyUses
from headrace.testing.clock import SetClock
from headrace.testing.directory import KEY, people
from tests.support.people import keep

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from headrace.core.values import StoredKey


class CountingStore:
    """The control store, behind a line that counts the calls and may be slow."""

    def __init__(self, store: ControlStore) -> None:
        self.store = store
        self.calls: list[str] = []
        self.before_answer: Callable[[], Awaitable[None]] | None = None

    async def key(self, digest: str) -> StoredKey | None:
        self.calls.append("key")
        found = await self.store.key(digest)
        if self.before_answer is not None:
            await self.before_answer()
        return found

    async def keys_version(self) -> int:
        self.calls.append("version")
        return await self.store.keys_version()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CountingStore]:
    upgrade(tmp_path / "control.db")
    opened = ControlStore(tmp_path / "control.db")
    yield CountingStore(opened)
    opened.close()


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


def opened(store: CountingStore, clock: SetClock) -> ConsoleSessions:
    return ConsoleSessions(store, store.store.sessions, store.store.people, clock)


def directory(store: CountingStore, clock: SetClock) -> KeyDirectory:
    return KeyDirectory(store, opened(store, clock), store.store.people, KeyUses(), clock, people())


def provided(store: CountingStore, clock: SetClock) -> KeyDirectory:
    """A directory of a workspace with a provider."""
    files = people()
    provider = SignIn(issuer="https://id.example", client="headrace")
    root = files.root.model_copy(update={"identity": Identity(sign_in=provider)})
    files = files.model_copy(update={"root": root})
    return KeyDirectory(store, opened(store, clock), store.store.people, KeyUses(), clock, files)


def kept(store: CountingStore, **changes: object) -> str:
    secret, public, digest = mint()
    store.store.create_key(replace(KEY, **{"id": public, **changes}), digest)
    return secret


async def test_a_known_key_asks_nothing(store: CountingStore, clock: SetClock) -> None:
    known, secret = directory(store, clock), kept(store)
    for _ in range(3):
        await known.authenticate(secret)
    assert store.calls == ["version", "key"]
    clock.pass_time(LOOK_EVERY)
    await known.authenticate(secret)
    assert store.calls == ["version", "key", "version"]


async def test_another_key_that_changes_makes_it_ask_again(store: CountingStore, clock: SetClock) -> None:
    known, secret = directory(store, clock), kept(store)
    await known.authenticate(secret)
    kept(store)
    clock.pass_time(LOOK_EVERY)
    store.calls.clear()
    await known.authenticate(secret)
    assert store.calls == ["version", "key"]


async def test_a_text_of_another_form_never_reaches_the_store(store: CountingStore, clock: SetClock) -> None:
    secret = kept(store)
    with pytest.raises(Unauthenticated, match="not a whole key"):
        await directory(store, clock).authenticate(secret[:-1])
    assert store.calls == []


async def test_unknown_keys_are_not_remembered(store: CountingStore, clock: SetClock) -> None:
    known = directory(store, clock)
    secret, public, digest = mint()
    with pytest.raises(Unauthenticated):
        await known.authenticate(secret)
    store.store.create_key(replace(KEY, id=public), digest)
    assert (await known.authenticate(secret)).key == public


async def test_it_remembers_so_many(store: CountingStore, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory_module, "MOST", 2)
    known, secrets = directory(store, clock), [kept(store) for _ in range(3)]
    for secret in secrets:
        await known.authenticate(secret)
    store.calls.clear()
    await known.authenticate(secrets[2])
    await known.authenticate(secrets[1])
    assert store.calls == []
    await known.authenticate(secrets[0])
    assert store.calls == ["key"]


async def test_a_key_that_is_revoked_while_it_is_read_is_not_remembered(store: CountingStore, clock: SetClock) -> None:
    known, secret = directory(store, clock), kept(store)
    read = asyncio.Event()
    go_on = asyncio.Event()

    async def wait() -> None:
        read.set()
        await go_on.wait()

    store.before_answer = wait
    reading = asyncio.create_task(known.authenticate(secret))
    await read.wait()
    store.store.revoke_key(secret[:16], clock.now_us())
    store.before_answer = None
    clock.pass_time(LOOK_EVERY)
    with pytest.raises(Unauthenticated):
        await known.authenticate(secret)  # learns of the change
    go_on.set()
    await reading  # it was valid when it was read
    with pytest.raises(Unauthenticated) as caught:
        await known.authenticate(secret)
    assert caught.value.code == "identity.revoked_key"


async def test_without_its_store_a_key_opens_nothing(store: CountingStore, clock: SetClock, tmp_path: Path) -> None:
    known, secret = directory(store, clock), kept(store)
    await known.authenticate(secret)
    store.store.close()
    (tmp_path / "control.db").unlink()
    (tmp_path / "control.db").mkdir()
    clock.pass_time(LOOK_EVERY)
    with pytest.raises(Unavailable):
        await known.authenticate(secret)


async def test_a_session_is_its_key(store: CountingStore, clock: SetClock) -> None:
    sessions, known, secret = opened(store, clock), directory(store, clock), kept(store)
    token = await sessions.begin(secret, 60)
    assert token.startswith("hrs_")
    assert len(token) == 4 + 43
    assert await known.authenticate(token) == await known.authenticate(secret)
    with pytest.raises(Unauthenticated):
        await sessions.begin(token, 60)
    assert store.store.sessions.find(token, clock.now_us()) is None  # kept by its hash
    await sessions.end(token)
    await sessions.end(token)
    with pytest.raises(Unauthenticated) as caught:
        await known.authenticate(token)
    assert caught.value.code == "identity.no_session"


async def test_a_session_ends_with_its_time(store: CountingStore, clock: SetClock) -> None:
    sessions, known = opened(store, clock), directory(store, clock)
    token = await sessions.begin(kept(store), 60)
    clock.pass_time(59.9)
    await known.authenticate(token)
    clock.pass_time(0.1)
    with pytest.raises(Unauthenticated):
        await known.authenticate(token)


async def test_a_session_ends_with_its_key(store: CountingStore, clock: SetClock) -> None:
    sessions, known = opened(store, clock), directory(store, clock)
    short = await sessions.begin(kept(store, expires_us=clock.now_us() + 1_000_000), 60)
    secret = kept(store)
    revoked = await sessions.begin(secret, 60)
    await known.authenticate(short)
    await known.authenticate(revoked)
    store.store.revoke_key(secret[:16], clock.now_us())
    clock.pass_time(1)
    for token in (short, revoked):
        with pytest.raises(Unauthenticated):
            await known.authenticate(token)


async def test_a_session_of_a_key_that_is_revoked_just_then(store: CountingStore, clock: SetClock) -> None:
    sessions, secret = opened(store, clock), kept(store)

    async def revoke() -> None:
        store.store.revoke_key(secret[:16], clock.now_us())

    store.before_answer = revoke
    token = await sessions.begin(secret, 60)
    store.before_answer = None
    with pytest.raises(Unauthenticated) as caught:
        await directory(store, clock).authenticate(token)
    assert caught.value.code == "identity.revoked_key"


async def test_a_session_needs_a_key_that_is_valid(store: CountingStore, clock: SetClock) -> None:
    sessions, expired, revoked = opened(store, clock), kept(store, expires_us=clock.now_us()), kept(store, revoked_us=1)
    for key, code in ((mint()[0], "unknown_key"), ("nonsense", "unknown_key"), (expired, "expired_key"), (revoked, "revoked_key")):
        with pytest.raises(Unauthenticated) as caught:
            await sessions.begin(key, 60)
        assert caught.value.code == f"identity.{code}"


async def test_whoever_is_not_active_opens_nothing(store: CountingStore, clock: SetClock) -> None:
    sessions, known = opened(store, clock), provided(store, clock)
    secret = kept(store)
    assert (await known.authenticate(secret)).id == "ana"
    keep(store.store, [StoredPerson("default", "ana", "ana", active=False)])
    clock.pass_time(LOOK_EVERY)
    account = Account("https://id.example", "sub-ana", "default", "ana")
    token = await sessions.begin_for(account, (), None, 60)  # begun just when she was shut out
    for credential in (secret, token):
        with pytest.raises(Unauthenticated) as caught:
            await known.authenticate(credential)
        assert caught.value.code == "identity.not_active"


async def test_a_key_of_a_tenant_that_is_no_more(store: CountingStore, clock: SetClock) -> None:
    secret = kept(store, tenant="gone")
    with pytest.raises(Unauthenticated, match="which is no more"):
        await directory(store, clock).authenticate(secret)


def test_hashes_are_of_the_whole_text() -> None:
    assert digest_of("a\udcff") != digest_of("a\udcfe")
