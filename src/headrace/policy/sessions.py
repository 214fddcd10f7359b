"""Console sessions: a browser shows a token in place of the key, or the provider's word, that opened it. Only hashes of tokens are kept."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final, Protocol

from headrace.core.errors import Unauthenticated
from headrace.core.people import StoredSession
from headrace.policy.keys import SESSION_PREFIX, digest_of, well_formed
from headrace.policy.validity import require_valid, unknown

if TYPE_CHECKING:
    from headrace.config.identity import SessionLimits
    from headrace.core.people import Account
    from headrace.core.ports import Clock, KeyStore

SEEN_EVERY_US: Final = 60_000_000
"""How exactly it is kept when a session was last used; a tenth of the idle time where that is less."""
_RANDOM_BYTES: Final = 32
_MICRO: Final = 1_000_000


class SessionStore(Protocol):
    """Where sessions are kept. Synchronous; finding is quick, the others wait for the disk."""

    def create(self, session: StoredSession) -> None:
        """Keep a session."""
        ...

    def find(self, digest: str, now_us: int) -> StoredSession | None:
        """The session whose token has this SHA-256 (hex), unless it has expired."""
        ...

    def seen(self, digest: str, now_us: int) -> None:
        """It was used."""
        ...

    def end(self, digest: str) -> None:
        """Forget a session. Idempotent."""
        ...


class AccountStore(Protocol):
    """Where accounts at providers are tied to people."""

    def sign_in(self, account: Account, session: StoredSession) -> None:
        """Tie the account to its person and begin the session: both or neither. Raises Forbidden when either is tied to another."""
        ...


class ConsoleSessions:
    """Sessions in a store. Every use asks the store, so that one that was ended elsewhere is over here too."""

    def __init__(self, keys: KeyStore, store: SessionStore, accounts: AccountStore, clock: Clock) -> None:
        self._keys = keys
        self._store = store
        self._accounts = accounts
        self._clock = clock

    async def begin(self, key: str, lasts_s: float) -> str:
        """A new session that stands for `key`, for `lasts_s` seconds at most; its token.

        It never outlives the key. Raises Unauthenticated when the key is not valid now: a session's token is no key.
        """
        if not well_formed(key):
            raise unknown(form=False)
        key_digest, now = digest_of(key), self._clock.now_us()
        stored = await self._keys.key(key_digest)
        if stored is None:
            raise unknown(form=True)
        require_valid(stored, now)
        until = now + round(lasts_s * _MICRO)
        token, digest = _token()
        session = StoredSession(
            digest=digest,
            tenant=stored.tenant,
            holder=stored.holder,
            created_us=now,
            seen_us=now,
            expires_us=until if stored.expires_us is None else min(until, stored.expires_us),
            key_digest=key_digest,
        )
        await asyncio.to_thread(self._store.create, session)
        return token

    async def begin_for(self, account: Account, groups: tuple[str, ...], provider_session: str | None, lasts_s: float) -> str:
        """A new session of somebody whom a provider vouched for, with their groups there; its token. The account is tied to its person.

        Raises Forbidden when the account, or the person, is tied to another already.
        """
        token, digest = _token()
        now = self._clock.now_us()
        session = StoredSession(
            digest=digest,
            tenant=account.tenant,
            holder=account.person,
            created_us=now,
            seen_us=now,
            expires_us=now + round(lasts_s * _MICRO),
            issuer=account.issuer,
            subject=account.subject,
            provider_session=provider_session,
            groups=groups,
        )
        await asyncio.to_thread(self._accounts.sign_in, account, session)
        return token

    async def end(self, token: str) -> None:
        """End the session; unknown tokens are passed over."""
        await self.forget(digest_of(token))

    async def forget(self, digest: str) -> None:
        """End the session whose token has this SHA-256 (hex)."""
        await asyncio.to_thread(self._store.end, digest)

    async def find(self, token_digest: str, limits: SessionLimits) -> StoredSession:
        """The session whose token has this hash, now used once more. Raises Unauthenticated (``identity.no_session``) when it is over: it
        was ended, it has lasted as long as it may, or it was left alone for too long."""
        now = self._clock.now_us()
        found = self._store.find(token_digest, now)
        idle = round(limits.idle.seconds * _MICRO)
        if found is None or now >= found.created_us + round(limits.longest.seconds * _MICRO) or now >= found.seen_us + idle:
            raise over()
        if now - found.seen_us >= min(SEEN_EVERY_US, idle // 10):
            await asyncio.to_thread(self._store.seen, token_digest, now)
        return found


def over() -> Unauthenticated:
    """A session that is no more."""
    return Unauthenticated("This session is over.", code="identity.no_session", mend="Sign in again.")


def _token() -> tuple[str, str]:
    """A new token, and its hash."""
    token = SESSION_PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    return token, digest_of(token)
