"""Console sessions: a browser shows a token in place of the key that opened it. Only hashes of tokens are kept."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final, Protocol

from headrace.core.errors import Unauthenticated
from headrace.core.ports import KeyStore
from headrace.core.values import StoredSession
from headrace.policy.keys import SESSION_PREFIX, digest_of, well_formed
from headrace.policy.validity import require_valid, unknown

if TYPE_CHECKING:
    from headrace.core.ports import Clock

_RANDOM_BYTES: Final = 32


class SessionStore(KeyStore, Protocol):
    """Where sessions are kept, beside the keys that open them. Synchronous; finding is quick, the other two wait for the disk."""

    def create_session(self, session: StoredSession) -> None:
        """Keep a session."""
        ...

    def find_session(self, digest: str, now_us: int) -> StoredSession | None:
        """The session whose token has this SHA-256 (hex), unless it has expired."""
        ...

    def delete_session(self, digest: str) -> None:
        """Forget a session. Idempotent."""
        ...


class ConsoleSessions:
    """Sessions in a store. Every use asks the store, so that one that was ended elsewhere is over here too."""

    def __init__(self, store: SessionStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def begin(self, key: str, lasts_s: int) -> str:
        """A new session that stands for `key`, for `lasts_s` seconds at most; its token.

        It never outlives the key. Raises Unauthenticated when the key is not valid now: a session's token is no key.
        """
        if not well_formed(key):
            raise unknown(form=False)
        key_digest, now = digest_of(key), self._clock.now_us()
        stored = await self._store.key(key_digest)
        if stored is None:
            raise unknown(form=True)
        require_valid(stored, now)
        until = now + lasts_s * 1_000_000
        token = SESSION_PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
        session = StoredSession(digest_of(token), key_digest, now, until if stored.expires_us is None else min(until, stored.expires_us))
        await asyncio.to_thread(self._store.create_session, session)
        return token

    async def end(self, token: str) -> None:
        """End the session; unknown tokens are passed over."""
        await asyncio.to_thread(self._store.delete_session, digest_of(token))

    def key_digest(self, token_digest: str) -> str:
        """The hash of the key that opened the session whose token has this hash. Raises Unauthenticated (``identity.no_session``)."""
        found = self._store.find_session(token_digest, self._clock.now_us())
        if found is None:
            message = "This session is over."
            raise Unauthenticated(message, code="identity.no_session", mend="Sign in again with a key.")
        return found.key_digest
