"""The control store keeps to the port KeyStore."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.adapters.stores.control import ControlStore
from headrace.adapters.stores.migrations import upgrade
from headrace.testing.key_store import KeyStoreContract

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from headrace.core.values import StoredKey


class TestControlStore(KeyStoreContract):
    """SQLite."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[ControlStore]:
        """An empty control store."""
        upgrade(tmp_path / "control.db")
        opened = ControlStore(tmp_path / "control.db")
        yield opened
        opened.close()

    @pytest.fixture
    def create(self, store: ControlStore) -> Callable[[StoredKey, str], None]:
        """Keep a key."""
        return store.create_key

    @pytest.fixture
    def revoke(self, store: ControlStore) -> Callable[[str], None]:
        """Revoke a key."""

        def act(key: str) -> None:
            store.revoke_key(key, 1_500)

        return act
