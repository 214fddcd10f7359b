"""Screened: the prompt passes the input guards; from here on there is no raw text."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from headrace.core.flow import Question, Screened
from headrace.core.text import CleanPrompt, CleanTurn, Origin, RawText, Role
from headrace.guardrails.door import screen
from headrace.guardrails.masks import MaskTable
from headrace.guardrails.parameters import Parameters, texts

if TYPE_CHECKING:
    from headrace.core.flow import Admitted, Call
    from headrace.core.text import Finding
    from headrace.pipeline.rooms import Rooms, ServiceRules


LARGE = 65_536
"""Characters from which on a prompt is looked at beside the event loop: the worst that somebody can write takes seconds a million."""
A_TEXT = 64
"""What looking at one short text costs, in characters of a long one: a schema can hold very many."""


async def run(admitted: Admitted, rooms: Rooms) -> Screened:
    """Raises Refused when a guard says so."""
    rules = rooms.rules[admitted.call.service]
    masks = MaskTable()
    work = partial(_clean, admitted, rules, masks)
    size = sum(len(turn.text.text) for turn in admitted.turns) + sum(A_TEXT + len(each) for each in texts(admitted.call.sampling))
    turns, call, findings = await asyncio.to_thread(work) if size >= LARGE else work()
    question = next((turn.text.text for turn in reversed(admitted.turns) if turn.role is Role.USER), "")
    return Screened(
        call=call,
        principal=admitted.principal,
        decision=admitted.decision,
        revision=admitted.revision,
        prompt=CleanPrompt(turns, admitted.label),
        question=Question(question),
        masks=masks,
        findings=findings,
    )


async def apart(admitted: Admitted, rooms: Rooms) -> Screened:
    """Each text by itself, with masks of its own: what stands beside it changes nothing in it. Raises Refused when a guard says so."""
    work = partial(_apart, admitted, rooms.rules[admitted.call.service])
    size = sum(A_TEXT + len(turn.text.text) for turn in admitted.turns)
    turns, findings = await asyncio.to_thread(work) if size >= LARGE else work()
    return Screened(
        call=admitted.call,
        principal=admitted.principal,
        decision=admitted.decision,
        revision=admitted.revision,
        prompt=CleanPrompt(turns, admitted.label),
        question=Question(""),
        masks=MaskTable(),
        findings=findings,
    )


def _apart(admitted: Admitted, rules: ServiceRules) -> tuple[tuple[CleanTurn, ...], tuple[Finding, ...]]:
    turns: list[CleanTurn] = []
    findings: list[Finding] = []
    for turn in admitted.turns:
        text, found = screen(turn.text, admitted.label, rules.input, MaskTable())
        turns.append(CleanTurn(turn.role, text))
        findings.extend(found)
    return tuple(turns), tuple(findings)


def _clean(admitted: Admitted, rules: ServiceRules, masks: MaskTable) -> tuple[tuple[CleanTurn, ...], Call, tuple[Finding, ...]]:
    """The service's prompt, every turn, and the texts among the parameters, through the door. Whatever looks like a mask in them is told
    first: none is ever undone."""
    turns: list[CleanTurn] = []
    findings: list[Finding] = []
    if rules.prompt is not None:
        text, _ = screen(RawText(rules.prompt, Origin.PROMPT, -1), admitted.label, (), masks)
        turns.append(CleanTurn(Role.SYSTEM, text))
    for turn in admitted.turns:
        masks.reserve(turn.text.text)
    for each in texts(admitted.call.sampling):
        masks.reserve(each)
    for turn in admitted.turns:
        text, found = screen(turn.text, admitted.label, rules.input, masks)
        turns.append(CleanTurn(turn.role, text))
        findings.extend(found)
    parameters = Parameters(admitted.label, rules.input, masks, len(admitted.turns))
    clean = parameters.clean(admitted.call.sampling)
    call = admitted.call if clean is admitted.call.sampling else replace(admitted.call, sampling=clean)
    return tuple(turns), call, (*findings, *parameters.findings)
