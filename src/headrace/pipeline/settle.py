"""Settled: priced and proven. An answer's record is durable before its last event leaves; without streaming, before its first byte."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from headrace.core.flow import Answer, Citation
from headrace.core.values import FinishReason, Mode
from headrace.evidence.commitment import commit

if TYPE_CHECKING:
    from headrace.core.flow import Received, Reserved
    from headrace.core.text import Finding
    from headrace.pipeline.check import Checking
    from headrace.pipeline.generate import Generation
    from headrace.pipeline.release import Releasing
    from headrace.pipeline.trail import Trail


async def run(trail: Trail, reserved: Reserved, generation: Generation, checking: Checking, releasing: Releasing) -> Answer:
    """Price the answer, commit its record, and say everything that the client is told. Raises Unavailable: then nothing was said."""
    rooms, routed = trail.rooms, reserved.routed
    generated, checked, released = generation.state(), checking.state(), releasing.state()
    cost = generation.cost(generated.usage)
    salts = {"prompt": rooms.ids.salt(), "answer": rooms.ids.salt()}
    commitments = {
        "prompt": commit(salts["prompt"], prompt_text(trail.received)),
        "answer": commit(salts["answer"], released.text),
    }
    began = rooms.clock.monotonic()
    receipt = await trail.close(generated.usage, cost, commitments)
    settled_us = round((rooms.clock.monotonic() - began) * 1_000_000)
    return Answer(
        call=trail.received.call,
        revision=rooms.revision,
        text=released.text,
        finish=generated.finish if generated.finish and generated.mode is checked.mode else FinishReason.STOP,
        mode=checked.mode,
        confidence=routed.grounded.confidence if routed.grounded else None,
        citations=released.citations,
        nearest=_nearest(reserved) if checked.mode is Mode.ABSTAIN else (),
        sentences=checked.sentences,
        decision=routed.screened.decision,
        deployment=routed.deployment,
        considered=routed.considered,
        findings=_findings(reserved, checking),
        usage=generated.usage,
        cost=cost,
        receipt=receipt,
        salts={name: salt.hex() for name, salt in salts.items()},
        stages_us={**trail.recorder.times(), "settled": settled_us},
    )


def prompt_text(received: Received) -> str:
    """The text that the prompt's commitment is over: a JSON array of [role, text], without spaces, as the client sent them."""
    return json.dumps([[str(turn.role), turn.text.text] for turn in received.turns], ensure_ascii=False, separators=(",", ":"))


def _findings(reserved: Reserved, checking: Checking) -> tuple[Finding, ...]:
    grounded = reserved.routed.grounded
    return (*reserved.routed.screened.findings, *(grounded.findings if grounded else ()), *checking.state().findings)


def _nearest(reserved: Reserved) -> tuple[Citation, ...]:
    grounded = reserved.routed.grounded
    if grounded is None:
        return ()
    return tuple(
        Citation(n, each.passage.document, each.passage.version, each.passage.start, each.passage.end, each.passage.place, quote="")
        for n, each in enumerate(grounded.passages[:3], start=1)
    )
