"""The table of console sessions. A token is never in it, only its hash."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import delete, insert, or_, select, update

from headrace.adapters.stores.database import reading, writing
from headrace.adapters.stores.tables import keys, sessions
from headrace.core.people import StoredSession

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Engine, Row


class SessionTable:
    """Sessions in the control store. Synchronous; finding is quick, the others wait for the disk."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, session: StoredSession) -> None:
        """Keep a session, and forget those that have expired by its beginning."""
        with writing(self._engine) as connection:
            keep(connection, session)

    def find(self, digest: str, now_us: int) -> StoredSession | None:
        """The session whose token has this SHA-256 (hex), unless it has expired. Whether what opened it still holds is the directory's
        to say."""
        with reading(self._engine) as connection:
            row = connection.execute(select(sessions).where(sessions.c.digest == digest, sessions.c.expires_us > now_us)).first()
        return None if row is None else _session(row)

    def seen(self, digest: str, now_us: int) -> None:
        """It was used."""
        with writing(self._engine) as connection:
            connection.execute(update(sessions).where(sessions.c.digest == digest).values(seen_us=now_us))

    def every(self, now_us: int) -> Sequence[StoredSession]:
        """Those that have not expired, oldest first, with the ids of the keys that opened them."""
        query = select(sessions, keys.c.id.label("key")).outerjoin(keys, keys.c.digest == sessions.c.key_digest)
        held = query.where(sessions.c.expires_us > now_us).order_by(sessions.c.created_us, sessions.c.digest)
        with reading(self._engine) as connection:
            return [replace(_session(row), key=row.key or "") for row in connection.execute(held)]

    def end(self, digest: str) -> None:
        """End a session. Idempotent."""
        with writing(self._engine) as connection:
            connection.execute(delete(sessions).where(sessions.c.digest == digest))

    def end_at_provider(self, issuer: str, subject: str | None, provider_session: str | None) -> int:
        """End those that an account opened, or one session at its provider did; how many. Of an account that is named, also those of
        which it is not known what session at the provider they are of: they may be of this one."""
        ended = delete(sessions).where(sessions.c.issuer == issuer)
        if subject is not None:
            ended = ended.where(sessions.c.subject == subject)
        if provider_session is not None:
            is_this = sessions.c.provider_session == provider_session
            unknown = sessions.c.provider_session.is_(None)
            ended = ended.where(is_this if subject is None else or_(is_this, unknown))
        with writing(self._engine) as connection:
            return connection.execute(ended).rowcount


def keep(connection: Connection, session: StoredSession) -> None:
    """Keep a session within a transaction, and forget those that have expired by its beginning."""
    connection.execute(delete(sessions).where(sessions.c.expires_us <= session.created_us))
    connection.execute(
        insert(sessions).values(
            digest=session.digest,
            key_digest=session.key_digest,
            tenant=session.tenant,
            holder=session.holder,
            issuer=session.issuer,
            subject=session.subject,
            provider_session=session.provider_session,
            groups=msgspec.json.encode(session.groups).decode(),
            created_us=session.created_us,
            seen_us=session.seen_us,
            expires_us=session.expires_us,
        )
    )


def _session(row: Row[tuple[object, ...]]) -> StoredSession:
    return StoredSession(
        digest=row.digest,
        tenant=row.tenant,
        holder=row.holder,
        created_us=row.created_us,
        seen_us=row.seen_us,
        expires_us=row.expires_us,
        key_digest=row.key_digest,
        issuer=row.issuer,
        subject=row.subject,
        provider_session=row.provider_session,
        groups=msgspec.json.decode(row.groups, type=tuple[str, ...]),
    )
