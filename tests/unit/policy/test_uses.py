"""When keys were last used: written now and then, and kept when it cannot be."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from headrace.adapters.stores.control import ControlStore
from headrace.adapters.stores.migrations import upgrade
from headrace.core.errors import Unavailable
from headrace.policy.uses import KeyUses
from headrace.testing.key_store import DIGEST, KEY

if TYPE_CHECKING:
    from pathlib import Path


async def test_uses_are_written_together(tmp_path: Path) -> None:
    upgrade(tmp_path / "control.db")
    uses = KeyUses()
    with closing(ControlStore(tmp_path / "control.db")) as store:
        store.create_key(KEY, DIGEST)
        before = await store.keys_version()
        uses.write(store)  # nothing is new
        uses.saw(KEY.id, 1_000)
        uses.saw(KEY.id, 2_000)
        uses.saw("hr_gone", 2_000)
        uses.write(store)
        assert await store.key(DIGEST) == replace(KEY, used_us=2_000)
        assert await store.keys_version() == before  # nobody has to look at the keys again for it


async def test_what_cannot_be_written_is_kept(tmp_path: Path) -> None:
    class Full:
        def keys_used(self, used: object) -> None:
            uses.saw("hr_new", 9_000)  # while it is written
            message = "full"
            raise Unavailable(message)

    uses = KeyUses()
    uses.saw(KEY.id, 1_000)
    with pytest.raises(Unavailable):
        uses.write(Full())
    upgrade(tmp_path / "control.db")
    with closing(ControlStore(tmp_path / "control.db")) as store:
        store.create_key(KEY, DIGEST)
        uses.write(store)
        assert await store.key(DIGEST) == replace(KEY, used_us=1_000)
