"""What the ledger process and its clients say to each other."""

from __future__ import annotations

import msgspec


class Append(msgspec.Struct, array_like=True, frozen=True):
    """Append this record (canonical bytes)."""

    request: str
    kind: str
    instance: str
    record: bytes


class Appended(msgspec.Struct, array_like=True, frozen=True):
    """It is durable: its receipt."""

    log: str
    sequence: int
    leaf: str
    time_us: int
    signature: str
