"""Which requests to list, as people and programs say it: the same names in an address, in a form and on the command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from headrace.config.units import read_duration
from headrace.core.errors import BadRequest
from headrace.evidence.facts import ALLOWED, DENIED, OUTCOMES
from headrace.evidence.listing import MOST, Wanted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from headrace.evidence.listing import Listed

FILTERS: Final[Mapping[str, str]] = {
    "service": "Of this service.",
    "outcome": f"That ended so: {', '.join(OUTCOMES)}.",
    "person": "Asked by this person or application.",
    "key": "Asked with this key (its public id).",
    "since": "Received since then: a day, a time (UTC unless it says otherwise), or how long ago (`2 d`, `30 min`).",
    "until": "Received until then; a day counts whole.",
    "decision": f"That policy {ALLOWED} or {DENIED}.",
    "policy": "In which this policy decided something.",
    "deployment": "Answered by this deployment.",
    "findings": "`yes`: in which a guard found something; `no`: in which none did.",
}
"""What can be asked for, and what it means. Together they all hold."""
LONGEST: Final = 200
"""Characters of a value."""
LIMIT: Final = 50
_AFTER: Final = re.compile(r"([0-9]{1,17})\.(req_[0-9A-Za-z]{1,64})")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_YES: Final = {"yes": True, "true": True, "no": False, "false": False}


def wanted(given: Mapping[str, str], now_us: int, *, tenant: str = "") -> Wanted:
    """What was asked for, of :data:`FILTERS`, ``after`` and ``limit``; what is empty asks for nothing. Raises BadRequest."""
    asked = {name: value.strip() for name, value in given.items() if value.strip()}
    for name, value in asked.items():
        if len(value) > LONGEST or not value.isprintable():
            raise _bad(name, "is too long, or holds what no name has", f"At most {LONGEST} printable characters.")
    return Wanted(
        tenant=tenant,
        service=asked.get("service", ""),
        outcome=_one_of("outcome", asked, OUTCOMES),
        person=asked.get("person", ""),
        key=asked.get("key", ""),
        since_us=_time("since", asked, now_us, whole_day=False),
        until_us=_time("until", asked, now_us, whole_day=True),
        decision=_one_of("decision", asked, (ALLOWED, DENIED)),
        policy=asked.get("policy", ""),
        deployment=asked.get("deployment", ""),
        findings=_YES[_one_of("findings", asked, _YES)] if "findings" in asked else None,
        after=_after(asked),
        limit=_limit(asked),
    )


def place(line: Listed) -> str:
    """Where the page behind this line begins: the value of ``after``."""
    return f"{line.received_us}.{line.request}"


def _after(asked: Mapping[str, str]) -> tuple[int, str] | None:
    if "after" not in asked:
        return None
    found = _AFTER.fullmatch(asked["after"])
    if found is None:
        raise _bad("after", "is no place in a list", "Take it from the page before (next).")
    return int(found[1]), found[2]


def _limit(asked: Mapping[str, str]) -> int:
    given = asked.get("limit", str(LIMIT))
    if not re.fullmatch(r"[0-9]{1,4}", given) or not 1 <= int(given) <= MOST:
        raise _bad("limit", "is no number of requests that is given at one time", f"1 to {MOST}.")
    return int(given)


def _one_of(name: str, asked: Mapping[str, str], known: Collection[str]) -> str:
    value = asked.get(name, "")
    if value and value not in known:
        raise _bad(name, "is none that there is", f"One of: {', '.join(known)}.")
    return value


def _time(name: str, asked: Mapping[str, str], now_us: int, *, whole_day: bool) -> int | None:
    value = asked.get(name)
    if value is None:
        return None
    try:
        return now_us - round(read_duration(value).seconds * 1_000_000)
    except ValueError:
        pass  # it is no length of time
    try:
        found = datetime.fromisoformat(value)
        found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
        if whole_day and _DAY.fullmatch(value):
            found += timedelta(days=1)
        return max(0, round(found.timestamp() * 1_000_000))
    except (ValueError, OverflowError):
        raise _bad(name, "is no time", "A day (2026-11-24), a time (2026-11-24T12:00), or how long ago (2 d).") from None


def _bad(name: str, what: str, mend: str) -> BadRequest:
    return BadRequest(f"The value of {name} {what}.", code="request.invalid_filter", param=name, mend=mend)
