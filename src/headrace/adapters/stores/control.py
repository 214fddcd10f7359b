"""The control store: revisions and which is in force, keys, people, sessions. Secrets are never in it, only their hashes.

Methods are synchronous and take well under a millisecond (a write waits for the disk); those of the port KeyStore are async and run in
place. Every process opens its own.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import delete, func, insert, select, update

from headrace.adapters.stores.database import KEYS_VERSION, open_engine, open_still, reading, said, turn_keys, writing
from headrace.adapters.stores.people import PeopleTables
from headrace.adapters.stores.sessions import SessionTable
from headrace.adapters.stores.tables import keys, meta, revision_history, revisions, sessions
from headrace.adapters.stores.tenures import turned
from headrace.config import revision as revision_form
from headrace.core.errors import NotFound, OperationFailed
from headrace.core.values import StoredKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Engine, Row

    from headrace.config.revision import Revision

SCHEMA = "0003"
"""The newest migration, which this code expects."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One turn of the pointer: from then on, `revision` was in force. `record` is the act's id in the ledger."""

    n: int
    revision: str
    act: str
    record: str
    time_us: int
    by: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the pointer, and the paths of the files that the revision holds."""

    n: int
    time_us: int
    paths: frozenset[str]


class ControlStore:
    """The control store at `path`. Raises OperationFailed when its tables are older or newer than this code: see :func:`upgrade`."""

    def __init__(self, path: Path, *, still: bool = False) -> None:
        """`still`: only look, and leave no trace; whatever writes is then refused."""
        self._engine = open_still(path) if still else open_engine(path)
        found = _schema(self._engine)
        if found != SCHEMA:
            self._engine.dispose()
            newer = found is not None and found > SCHEMA
            raise OperationFailed(
                f"The control store {path} has the schema {found or 'of an empty file'}; this Headrace expects {SCHEMA}.",
                code="control.schema",
                mend="It was written by a newer Headrace: use that one." if newer else "headrace apply (or up) brings it up to date.",
            )
        self.people = PeopleTables(self._engine)
        self.sessions = SessionTable(self._engine)

    def close(self) -> None:
        """Let the connections go. Idempotent."""
        self._engine.dispose()

    # Revisions

    def put_revision(self, revision: Revision, by: str) -> bool:
        """Keep a revision; False when it is there already. It is not in force by that."""
        row = {
            "id": revision.id,
            "files": revision_form.canonical(revision.files),
            "data": revision.data,
            "created_us": _now_us(),
            "by": by,
        }
        with writing(self._engine) as connection:
            if connection.execute(select(revisions.c.id).where(revisions.c.id == revision.id)).first() is not None:
                return False
            connection.execute(insert(revisions).values(row))
            return True

    def revision(self, start: str) -> Revision:
        """The kept revision whose id begins with `start`. Raises NotFound when none does, or more than one."""
        with reading(self._engine) as connection:
            pattern = start.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
            query = select(revisions.c.id, revisions.c.files, revisions.c.data).where(revisions.c.id.like(pattern, escape="\\"))
            rows = connection.execute(query.limit(2)).all()
        if len(rows) != 1 or not start:
            msg = f'There is no revision "{start}".' if not rows else f'More than one revision begins with "{start}".'
            mend = "headrace show --history lists them." if not rows else "Write more of its characters."
            raise NotFound(msg, code="workspace.unknown_revision", mend=mend)
        return revision_form.stored(rows[0].id, rows[0].files, rows[0].data)

    def current(self) -> Revision | None:
        """The revision in force; None before the first apply."""
        latest = select(func.max(revision_history.c.n)).scalar_subquery()
        query = select(revisions.c.id, revisions.c.files, revisions.c.data).join(revision_history).where(revision_history.c.n == latest)
        with reading(self._engine) as connection:
            row = connection.execute(query).first()
        return revision_form.stored(row.id, row.files, row.data) if row is not None else None

    def version(self) -> int:
        """A number that grows each time the pointer turns; 0 before the first. Cheap: meant to be asked every second."""
        with reading(self._engine) as connection:
            return connection.execute(select(func.coalesce(func.max(revision_history.c.n), 0))).scalar_one()

    def history(self) -> Sequence[Entry]:
        """Every turn of the pointer, oldest first."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(revision_history).order_by(revision_history.c.n)).all()
        return [Entry(row.n, row.revision, row.act, row.record, row.time_us, row.by) for row in rows]

    def turns(self, after: int) -> Sequence[Turn]:
        """Every turn of the pointer beyond the `after`th, oldest first, with the files that were in force from then on."""
        query = select(revision_history.c.n, revision_history.c.time_us, revisions.c.files).join(revisions).order_by(revision_history.c.n)
        with reading(self._engine) as connection:
            rows = connection.execute(query.where(revision_history.c.n > after))
            return [Turn(row.n, row.time_us, frozenset(msgspec.json.decode(row.files, type=dict[str, msgspec.Raw]))) for row in rows]

    def point_to(self, revision: str, act: str, by: str, *, record: str = "", expected: int | None = None) -> Entry:
        """Put a kept revision (whole id) in force; every process sees it by :meth:`version`.

        `expected` is the version that the caller decided upon: raises OperationFailed when somebody else turned the pointer since.
        Raises NotFound for a revision that is not kept.
        """
        with writing(self._engine) as connection:
            last = connection.execute(select(func.coalesce(func.max(revision_history.c.n), 0))).scalar_one()
            if expected is not None and last != expected:
                msg = "Somebody else applied or rolled back in the meantime."
                raise OperationFailed(msg, code="workspace.changed_meanwhile", mend="Look at headrace show --history, then try again.")
            after = connection.execute(select(revisions.c.data).where(revisions.c.id == revision)).scalar()
            if after is None:
                msg = f'There is no revision "{revision}".'
                raise NotFound(msg, code="workspace.unknown_revision", mend="headrace show --history lists them.")
            entry = Entry(last + 1, revision, act, record, _now_us(), by)
            before = select(revisions.c.data).join(revision_history).where(revision_history.c.n == last)
            back_to = select(func.max(revision_history.c.n)).where(revision_history.c.revision == revision)
            turned(
                connection,
                entry.n,
                connection.execute(before).scalar() or "{}",
                after,
                connection.execute(back_to).scalar() if act == "rollback" else None,
            )
            values = {"n": entry.n, "revision": revision, "act": act, "record": record, "time_us": entry.time_us, "by": by}
            connection.execute(insert(revision_history).values(values))
            return entry

    # Keys (port KeyStore, and what the command line does with them)

    async def key(self, digest: str) -> StoredKey | None:
        """The key whose secret has this SHA-256 (hex), valid or not."""
        with reading(self._engine) as connection:
            row = connection.execute(select(keys).where(keys.c.digest == digest)).first()
        return _key(row) if row is not None else None

    async def keys_version(self) -> int:
        """A number that changes whenever any key or person changes."""
        with reading(self._engine) as connection:
            return connection.execute(select(meta.c.value).where(meta.c.name == KEYS_VERSION)).scalar_one()

    def create_key(self, key: StoredKey, digest: str) -> None:
        """Keep a new key by the SHA-256 (hex) of its secret."""
        with writing(self._engine) as connection:
            connection.execute(
                insert(keys).values(
                    digest=digest,
                    id=key.id,
                    name=key.name,
                    holder=key.holder,
                    kind=key.kind,
                    tenant=key.tenant,
                    groups=msgspec.json.encode(key.groups).decode(),
                    services=None if key.services is None else msgspec.json.encode(key.services).decode(),
                    created_us=key.created_us,
                    expires_us=key.expires_us,
                    revoked_us=key.revoked_us,
                    holders=msgspec.json.encode(key.holders).decode(),
                )
            )
            turn_keys(connection)

    def list_keys(self) -> Sequence[StoredKey]:
        """Every key that ever was, oldest first."""
        with reading(self._engine) as connection:
            return [_key(row) for row in connection.execute(select(keys).order_by(keys.c.created_us, keys.c.id))]

    def revoke_key(self, key_id: str, now_us: int) -> StoredKey:
        """From now on the key opens nothing, and its sessions are gone. Revoking again keeps the first time. Raises NotFound."""
        with writing(self._engine) as connection:
            row = connection.execute(select(keys).where(keys.c.id == key_id)).first()
            if row is None:
                msg = f'There is no key "{key_id}".'
                raise NotFound(msg, code="keys.unknown", mend="headrace keys list shows them.")
            if row.revoked_us is None:
                connection.execute(update(keys).where(keys.c.id == key_id).values(revoked_us=now_us))
                connection.execute(delete(sessions).where(sessions.c.key_digest == row.digest))
                turn_keys(connection)
            return _key(connection.execute(select(keys).where(keys.c.id == key_id)).one())

    def keys_used(self, used: Mapping[str, int]) -> None:
        """Keep when keys (by their id) were last used. It changes nothing that a key opens."""
        with writing(self._engine) as connection:
            for key_id, time_us in used.items():
                connection.execute(update(keys).where(keys.c.id == key_id).values(used_us=time_us))


def schema_version(path: Path) -> str | None:
    """The newest migration that the store at `path` has seen; None when there is none."""
    if not path.exists():
        return None
    engine = open_engine(path)
    try:
        return _schema(engine)
    finally:
        engine.dispose()


def _schema(engine: Engine) -> str | None:
    with said(), engine.connect() as connection:
        if not engine.dialect.has_table(connection, "alembic_version"):
            return None
        return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def _key(row: Row[tuple[object, ...]]) -> StoredKey:
    return StoredKey(
        id=row.id,
        name=row.name,
        holder=row.holder,
        kind=row.kind,
        tenant=row.tenant,
        groups=msgspec.json.decode(row.groups, type=tuple[str, ...]),
        services=None if row.services is None else msgspec.json.decode(row.services, type=tuple[str, ...]),
        created_us=row.created_us,
        expires_us=row.expires_us,
        revoked_us=row.revoked_us,
        used_us=row.used_us,
        holders=msgspec.json.decode(row.holders, type=tuple[str, ...]),
    )


def _now_us() -> int:
    return time.time_ns() // 1000
