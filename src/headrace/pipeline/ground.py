"""Grounded: what the sources that the asker may read say about the question, and the mode that this is enough for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.core.flow import Grounded
from headrace.core.values import Mode
from headrace.pipeline import passages
from headrace.pipeline.passages import Wanted

if TYPE_CHECKING:
    from headrace.config.model import Knowledge
    from headrace.core.flow import Screened
    from headrace.pipeline.rooms import Rooms


async def run(screened: Screened, knowledge: Knowledge, rooms: Rooms) -> Grounded:
    """Search within what the asker may read now; screen what is found; quote, draft or abstain. What cannot be quoted is not drafted.

    Raises Unavailable when the knowledge process is down.
    """
    gathered = await passages.gather(screened, Wanted(knowledge.sources, knowledge.passages, knowledge.quotes), rooms)
    found = gathered.found
    threshold = found.threshold if knowledge.abstain_below is None else knowledge.abstain_below
    quotes = passages.quotes(gathered, threshold, screened, rooms)
    return Grounded(
        screened=screened,
        mode=Mode(knowledge.mode) if quotes else Mode.ABSTAIN,
        passages=gathered.passages,
        quotes=quotes,
        confidence=gathered.confidence,
        candidates=found.candidates,
        index_version=found.index_version,
        arms=found.arms,
        findings=gathered.findings,
    )
