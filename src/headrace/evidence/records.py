"""Records: what is written down about a request or a governed act. Content-free, canonical, versioned.

A record is JSON without floats; its canonical bytes are those of RFC 8785. The forms are published as JSON Schema
(:mod:`headrace.evidence.schemas`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.core.values import Fact, Facts, Money, Usage

SCHEMA = "headrace/record/1"

_encoder = msgspec.json.Encoder(order="sorted")
_as_ordered = msgspec.json.Encoder()
_BEYOND_UTF16 = re.compile(rb"[\xf0-\xf4]")
"""A character of four bytes in UTF-8: only with such a key do the two orders differ."""


@dataclass(frozen=True, slots=True)
class Head:
    """What every record of a request begins with. `instance` is the gateway process since its start."""

    request: str
    received_us: int
    time_us: int
    instance: str
    tenant: str
    principal: str
    key: str
    service: str
    revision: str

    def facts(self) -> Facts:
        """As fields of a record."""
        return {
            "schema": SCHEMA,
            "request": self.request,
            "received_us": self.received_us,
            "time_us": self.time_us,
            "instance": self.instance,
            "tenant": self.tenant,
            "principal": self.principal,
            "key": self.key,
            "service": self.service,
            "revision": self.revision,
        }


def canonical(record: Facts) -> bytes:
    """The RFC 8785 form: no white space, keys sorted by their UTF-16 code units.

    Whole numbers must lie within ±(2^53 − 1), where every JSON reader agrees on them; records hold no other numbers. Raises
    UnicodeEncodeError for half of a surrogate pair.
    """
    encoded = _encoder.encode(record)
    if _BEYOND_UTF16.search(encoded):
        return _as_ordered.encode(_resorted(record))
    return encoded


def _resorted(value: Fact) -> Fact:
    """The same value with keys in the order of UTF-16, which differs from that of UTF-8 beyond the basic plane."""
    if isinstance(value, dict):
        return {key: _resorted(value[key]) for key in sorted(value, key=_utf16)}
    if isinstance(value, list):
        return [_resorted(each) for each in value]
    return value


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be")


def opened(head: Head, stages: Sequence[Facts]) -> Facts:
    """A streamed answer is about to begin."""
    return {**head.facts(), "kind": "opened", "stages": list(stages)}


def settled(
    head: Head,
    stages: Sequence[Facts],
    *,
    outcome: str,
    error: str | None,
    usage: Usage,
    cost: Money,
    commitments: dict[str, str],
    at: str | None = None,
) -> Facts:
    """A request has ended: `outcome` is answered, refused, failed or cancelled; `error` the code of what ended it, and `at` where."""
    spent: Facts = {
        "input": usage.input,
        "input_cached": usage.input_cached,
        "output": usage.output,
        "slot_us": round(usage.slot_seconds * 1_000_000),
    }
    committed: dict[str, Fact] = {**commitments}
    return {
        **head.facts(),
        "kind": "settled",
        "stages": list(stages),
        "outcome": outcome,
        "error": error,
        "at": at,
        "usage": spent,
        "cost": {"amount": f"{cost.amount:f}", "currency": cost.currency},
        "commitments": committed,
    }


def interrupted(opened_record: Facts, time_us: int) -> Facts:
    """A request that was opened and whose gateway died before it could settle it."""
    return {**opened_record, "time_us": time_us, "kind": "interrupted", "outcome": "interrupted", "error": "internal.interrupted"}


def act(name: str, *, act_id: str, time_us: int, by: str, facts: Facts) -> Facts:
    """A governed act (``workspace.apply``, ``workspace.rollback``, ``keys.create``…), its actor, and content-free facts."""
    return {"schema": SCHEMA, "kind": "act", "request": act_id, "time_us": time_us, "act": name, "by": by, "facts": facts}
