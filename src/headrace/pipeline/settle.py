"""Settled: priced and proven. An answer's record is durable before its last event leaves; without streaming, before its first byte."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, NamedTuple

from headrace.core.flow import Answer, Citation
from headrace.core.search import Passages
from headrace.core.values import FinishReason, Mode, Receipt, Usage
from headrace.core.vectors import Embeddings
from headrace.evidence.commitment import commit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.core.flow import Checked, Grounded, Received, Reserved, Screened
    from headrace.core.search import Searched
    from headrace.core.text import Finding
    from headrace.core.values import Money, Vectors
    from headrace.core.vectors import Embedded
    from headrace.pipeline.check import Checking
    from headrace.pipeline.embed import Embedding
    from headrace.pipeline.generate import Generation
    from headrace.pipeline.release import Releasing
    from headrace.pipeline.trail import Trail


_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


async def run(trail: Trail, reserved: Reserved, generation: Generation, checking: Checking, releasing: Releasing) -> Answer:
    """Price the answer, commit its record, and say everything that the client is told. Raises Unavailable: then nothing was said."""
    rooms, routed, grounded = trail.rooms, reserved.routed, reserved.routed.grounded
    generated, checked, released = generation.state(), checking.state(), releasing.state()
    cost = generation.cost(generated.usage)
    proven = await _proven(trail, generated.usage, cost, {"prompt": prompt_text(trail.received), "answer": released.text})
    return Answer(
        call=trail.received.call,
        revision=rooms.revision,
        text=released.text,
        finish=generated.finish if generated.finish and generated.mode is checked.mode else FinishReason.STOP,
        mode=checked.mode,
        confidence=grounded.confidence if grounded else None,
        citations=released.citations,
        nearest=_nearest(grounded) if grounded and checked.mode is Mode.ABSTAIN else (),
        sentences=checked.sentences,
        decision=routed.screened.decision,
        deployment=routed.deployment,
        considered=routed.considered,
        findings=_findings(reserved, checked),
        usage=generated.usage,
        cost=cost,
        receipt=proven.receipt,
        salts=proven.salts,
        stages_us=proven.stages_us,
    )


async def vectors(trail: Trail, reserved: Reserved, embedding: Embedding, embedded: Embedded) -> Embeddings:
    """The same for texts that became vectors. The record commits to the texts, and to the vectors as :func:`vectors_text` writes them."""
    routed, usage = reserved.routed, embedding.usage()
    cost = embedding.cost(usage)
    texts = [turn.text.text for turn in trail.received.turns]
    proven = await _proven(trail, usage, cost, {"prompt": _json(texts), "answer": vectors_text(embedded.vectors)})
    return Embeddings(
        call=trail.received.call,
        revision=trail.rooms.revision,
        vectors=embedded.vectors,
        decision=routed.screened.decision,
        deployment=str(routed.deployment),
        considered=routed.considered,
        findings=routed.screened.findings,
        usage=usage,
        cost=cost,
        receipt=proven.receipt,
        salts=proven.salts,
        stages_us=proven.stages_us,
    )


async def passages(trail: Trail, screened: Screened, searched: Searched) -> Passages:
    """The same for a search. The record commits to the question; what was found is named in it by passage and version."""
    cost = trail.nothing
    proven = await _proven(trail, Usage(), cost, {"prompt": prompt_text(trail.received)})
    return Passages(
        call=trail.received.call,
        revision=trail.rooms.revision,
        searched=searched,
        decision=screened.decision,
        findings=(*screened.findings, *searched.findings),
        usage=Usage(),
        cost=cost,
        receipt=proven.receipt,
        salts=proven.salts,
        stages_us=proven.stages_us,
    )


class _Proven(NamedTuple):
    """The receipt of a settled record, what opens its commitments, and the time that each stage took."""

    receipt: Receipt
    salts: dict[str, str]
    stages_us: dict[str, int]


async def _proven(trail: Trail, usage: Usage, cost: Money, texts: Mapping[str, str]) -> _Proven:
    """Commit the record, with a commitment to each of the texts. Raises Unavailable."""
    rooms = trail.rooms
    salts = {name: rooms.ids.salt() for name in texts}
    commitments = {name: commit(salts[name], text) for name, text in texts.items()}
    began = rooms.clock.monotonic()
    receipt = await trail.close(usage, cost, commitments)
    settled_us = round((rooms.clock.monotonic() - began) * 1_000_000)
    opening = {name: salt.hex() for name, salt in salts.items()}
    return _Proven(receipt, opening, {**trail.recorder.times(), "settled": settled_us})


def prompt_text(received: Received) -> str:
    """The text that the prompt's commitment is over: a JSON array of [role, text], without spaces, as the client sent them."""
    return _json([[str(turn.role), turn.text.text] for turn in received.turns])


def vectors_text(made: Vectors) -> str:
    """The text that the commitment to vectors is over: each as base64 of its float32 in little-endian order, one a line."""
    return "\n".join(b64encode(row).decode() for row in made.rows)


def _json(value: object) -> str:
    return _encoder.encode(value)


def _findings(reserved: Reserved, checked: Checked) -> tuple[Finding, ...]:
    grounded = reserved.routed.grounded
    return (*reserved.routed.screened.findings, *(grounded.findings if grounded else ()), *checked.findings)


def _nearest(grounded: Grounded) -> tuple[Citation, ...]:
    return tuple(
        Citation(n, each.passage.document, each.passage.version, each.passage.start, each.passage.end, each.passage.place, quote="")
        for n, each in enumerate(grounded.passages[:3], start=1)
    )
