"""Screened: the prompt passes the input guards; from here on there is no raw text."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from headrace.core.flow import Question, Screened
from headrace.core.text import CleanPrompt, CleanTurn, Origin, RawText, Role
from headrace.guardrails.door import screen
from headrace.guardrails.masks import MaskTable

if TYPE_CHECKING:
    from headrace.core.flow import Admitted
    from headrace.core.text import Finding
    from headrace.pipeline.rooms import Rooms, ServiceRules


LARGE = 65_536
"""Characters from which on a prompt is looked at beside the event loop: the worst that somebody can write takes seconds a million."""


async def run(admitted: Admitted, rooms: Rooms) -> Screened:
    """Raises Refused when a guard says so."""
    rules = rooms.rules[admitted.call.service]
    masks = MaskTable()
    work = partial(_clean, admitted, rules, masks)
    large = sum(len(turn.text.text) for turn in admitted.turns) >= LARGE
    turns, findings = await asyncio.to_thread(work) if large else work()
    question = next((turn.text.text for turn in reversed(admitted.turns) if turn.role is Role.USER), "")
    return Screened(
        call=admitted.call,
        principal=admitted.principal,
        decision=admitted.decision,
        revision=admitted.revision,
        prompt=CleanPrompt(turns, admitted.label),
        question=Question(question),
        masks=masks,
        findings=findings,
    )


def _clean(admitted: Admitted, rules: ServiceRules, masks: MaskTable) -> tuple[tuple[CleanTurn, ...], tuple[Finding, ...]]:
    """The service's prompt and every turn through the door. Whatever looks like a mask in them is told first: none is ever undone."""
    turns: list[CleanTurn] = []
    findings: list[Finding] = []
    if rules.prompt is not None:
        text, _ = screen(RawText(rules.prompt, Origin.PROMPT, -1), admitted.label, (), masks)
        turns.append(CleanTurn(Role.SYSTEM, text))
    for turn in admitted.turns:
        masks.reserve(turn.text.text)
    for turn in admitted.turns:
        text, found = screen(turn.text, admitted.label, rules.input, masks)
        turns.append(CleanTurn(turn.role, text))
        findings.extend(found)
    return tuple(turns), tuple(findings)
