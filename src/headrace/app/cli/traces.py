"""A request's record in a terminal: one line a room, and the proof that it is so. The words are :mod:`headrace.app.requests.telling`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.app.requests.figures import clock, duration, money, number
from headrace.app.requests.telling import ending, plain, told
from headrace.evidence.facts import RequestFacts, mapping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.evidence.facts import Json, StageFacts


def trace_lines(record: Json, receipt: Json, proven: Sequence[str] = ()) -> list[str]:
    """The lines of a record. `proven`: what was just verified of it, in words."""
    place = " · ".join([f"record {number(receipt.get('sequence'))} of log {receipt.get('log')}", *proven])
    if record.get("kind") == "act":
        return _act(record, place)
    facts = RequestFacts(record)
    return [*(_stage(each, facts) for each in facts.stages), *_end(facts, place)]


def _line(name: str, when: str, text: str) -> str:
    return f"{f'{name} ':<11}{when:<15}{text}".rstrip()


def _stage(stage: StageFacts, facts: RequestFacts) -> str:
    when = clock(facts.received_us) if stage.name == "received" else f"+{duration(stage.us)}"
    return _line(stage.name, when, " · ".join(told(stage, facts)))


def _end(facts: RequestFacts, place: str) -> list[str]:
    """The last lines: what came of it, what it cost, where that is written."""
    written = clock(facts.written_us)
    if facts.kind == "opened":
        return [_line("opened", written, f"it is under way, or its gateway has ended and none has started since · {place}")]
    if facts.kind == "interrupted":
        said = "its gateway ended in the middle: what left after the opening is not known"
        return [_line("interrupted", written, f"{said} · {place}")]
    lines: list[str] = []
    if facts.outcome != "answered" and facts.at not in [each.name for each in facts.stages]:
        lines.append(_line(str(facts.at), "", ending(facts)))
    said = f"{facts.outcome} after {duration(facts.took_us)} · {money(facts.cost)}"
    return [*lines, _line("settled", written, f"{said} · {place}")]


def _act(record: Json, place: str) -> list[str]:
    said = " · ".join(plain(mapping(record.get("facts"))))
    return [
        _line("act", clock(record.get("time_us")), f"{record.get('act')} by {record.get('by')}"),
        *([_line("facts", "", said)] if said else []),
        _line("settled", "", place),
    ]
