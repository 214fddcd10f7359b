"""Screened: the prompt passes the input guards; from here on there is no raw text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.core.flow import Question, Screened
from headrace.core.text import CleanPrompt, CleanTurn, Origin, RawText, Role
from headrace.guardrails.door import screen
from headrace.guardrails.masks import MaskTable

if TYPE_CHECKING:
    from headrace.core.flow import Admitted
    from headrace.core.text import Finding
    from headrace.pipeline.rooms import Rooms


async def run(admitted: Admitted, rooms: Rooms) -> Screened:
    """Raises Refused when a guard says so."""
    rules = rooms.rules[admitted.call.service]
    masks = MaskTable()
    turns: list[CleanTurn] = []
    findings: list[Finding] = []
    if rules.prompt is not None:
        text, _ = screen(RawText(rules.prompt, Origin.PROMPT, -1), admitted.label, (), masks)
        turns.append(CleanTurn(Role.SYSTEM, text))
    for turn in admitted.turns:
        text, found = screen(turn.text, admitted.label, rules.input, masks)
        turns.append(CleanTurn(turn.role, text))
        findings.extend(found)
    question = next((turn.text.text for turn in reversed(admitted.turns) if turn.role is Role.USER), "")
    return Screened(
        call=admitted.call,
        principal=admitted.principal,
        decision=admitted.decision,
        revision=admitted.revision,
        prompt=CleanPrompt(tuple(turns), admitted.label),
        question=Question(question),
        masks=masks,
        findings=tuple(findings),
    )
