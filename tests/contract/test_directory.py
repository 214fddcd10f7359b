"""The directory of keys keeps to the port Directory, over the real control store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.adapters.stores.control import ControlStore
from headrace.adapters.stores.migrations import upgrade
from headrace.policy.directory import KeyDirectory
from headrace.policy.keys import digest_of
from headrace.policy.keys import mint as mint_key
from headrace.policy.sessions import ConsoleSessions
from headrace.policy.uses import KeyUses
from headrace.testing.clock import SetClock
from headrace.testing.directory import DirectoryContract, Keep, Mint, people

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class TestKeyDirectory(DirectoryContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[ControlStore]:
        upgrade(tmp_path / "control.db")
        opened = ControlStore(tmp_path / "control.db")
        yield opened
        opened.close()

    @pytest.fixture
    def clock(self) -> SetClock:
        return SetClock()

    @pytest.fixture
    def directory(self, store: ControlStore, clock: SetClock) -> KeyDirectory:
        return KeyDirectory(store, ConsoleSessions(store, store.sessions, store.people, clock), store.people, KeyUses(), clock, people())

    @pytest.fixture
    def mint(self) -> Mint:
        return lambda: mint_key()[0]

    @pytest.fixture
    def keep(self, store: ControlStore) -> Keep:
        return lambda key, secret: store.create_key(key, digest_of(secret))

    @pytest.fixture
    def revoke(self, store: ControlStore, clock: SetClock) -> Callable[[str], None]:
        def ended(key_id: str) -> None:
            store.revoke_key(key_id, clock.now_us())

        return ended
