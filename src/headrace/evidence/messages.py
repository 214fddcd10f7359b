"""What the ledger process and its clients say to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import msgspec

if TYPE_CHECKING:
    from headrace.core.values import Facts


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


class Found(TypedDict):
    """A record and its receipt, as JSON."""

    record: Facts
    receipt: Facts
