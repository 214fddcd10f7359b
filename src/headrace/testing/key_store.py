"""What every KeyStore does.

Fixtures to give: `store`, an empty one; `create`, which keeps a StoredKey under a digest in it; `revoke`, which revokes one by its id.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from headrace.core.values import StoredKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.core.ports import KeyStore

KEY = StoredKey(
    id="hr_abc",
    name="laptop",
    holder="ana",
    kind="person",
    tenant="default",
    groups=("support", "members"),
    services=("help",),
    created_us=1_000,
    expires_us=2_000,
    revoked_us=None,
)
DIGEST = "a" * 64


class KeyStoreContract:
    """The port KeyStore."""

    async def test_an_unknown_key_is_none(self, store: KeyStore) -> None:
        """None, not an error: the directory says what it means."""
        assert await store.key(DIGEST) is None

    async def test_a_key_comes_back_as_it_was_kept(self, store: KeyStore, create: Callable[[StoredKey, str], None]) -> None:
        """Every field, empty ones and ones that are not there too."""
        bare = replace(KEY, id="hr_def", groups=(), services=None, expires_us=None)
        create(KEY, DIGEST)
        create(bare, "b" * 64)
        assert await store.key(DIGEST) == KEY
        assert await store.key("b" * 64) == bare

    async def test_the_version_changes_with_every_change(
        self, store: KeyStore, create: Callable[[StoredKey, str], None], revoke: Callable[[str], None]
    ) -> None:
        """What was cached before a change can be known to be old."""
        seen = [await store.keys_version()]
        create(KEY, DIGEST)
        seen.append(await store.keys_version())
        revoke(KEY.id)
        seen.append(await store.keys_version())
        assert len(set(seen)) == len(seen)
        assert await store.keys_version() == seen[-1]

    async def test_a_revoked_key_is_still_known(
        self, store: KeyStore, create: Callable[[StoredKey, str], None], revoke: Callable[[str], None]
    ) -> None:
        """Its holder can be told that it was revoked."""
        create(KEY, DIGEST)
        revoke(KEY.id)
        found = await store.key(DIGEST)
        assert found is not None
        assert found.revoked_us is not None
