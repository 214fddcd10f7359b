"""What a model is told when it drafts: the passages, numbered, and how to write from them. Made of clean texts and words of our own."""

from __future__ import annotations

import re
from functools import reduce
from typing import TYPE_CHECKING, Final

from headrace.core.measure import tokens
from headrace.core.text import CleanPrompt, CleanTurn, Role
from headrace.guardrails.door import compose

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import LiteralString

    from headrace.core.flow import CleanPassage, Screened
    from headrace.core.text import CleanText

TOLD: Final = (
    "Answer the question from the numbered passages below and from nothing else. Write short sentences, each of which can be understood by "
    "itself. Behind each sentence write the number of the passage that says so, such as [1]. Take names, numbers, dates and conditions as "
    "the passages have them. If they do not answer the question, write NOT IN THE PASSAGES and nothing else.\n\nPassages:"
)
DECLINES: Final = re.compile(r"\W*not in the passages\W*", re.IGNORECASE)
"""How a model says that the passages do not answer."""
_NUMBERS: Final[tuple[LiteralString, ...]] = (
    "[1]", "[2]", "[3]", "[4]", "[5]", "[6]", "[7]", "[8]", "[9]", "[10]", "[11]", "[12]", "[13]", "[14]", "[15]", "[16]", "[17]", "[18]",
    "[19]", "[20]",
)  # fmt: skip
"""As many as a service may ask for passages."""
_PER_ESTIMATED: Final = 1.25
"""Tokens of a language model for each one estimated: those of small vocabularies take more than the embedder's."""
_AROUND: Final = 64
"""Tokens of a chat template."""
_ANSWER_SHARE: Final = 4
"""An answer gets this part of a context at least, before passages do."""


def prompt(screened: Screened, passages: Sequence[CleanPassage]) -> CleanPrompt:
    """The service's own prompt, what a draft is, the passages; then the conversation. Its label is that of all of them."""
    turns = screened.prompt.turns
    own = turns[0].text if turns and turns[0].role is Role.SYSTEM and turns[0].text.part < 0 else None
    parts: list[CleanText | LiteralString] = [own, "\n\n", TOLD] if own is not None else [TOLD]
    for number, passage in zip(_NUMBERS, passages, strict=False):
        parts.extend(("\n\n", number))
        if passage.heading is not None:
            parts.extend((" ", passage.heading))
        parts.extend(("\n", passage.text))
    told = CleanTurn(Role.SYSTEM, compose(*parts))
    rest = turns[1:] if own is not None else turns
    return CleanPrompt((told, *rest), reduce(lambda one, other: one.join(other), (told.text.label, screened.prompt.label)))


def fitting(screened: Screened, passages: Sequence[CleanPassage], context: int | None, answer: int) -> int:
    """How many of the passages fit a context beside the conversation and the answer: one at least, whatever the estimate says."""
    if context is None:
        return len(passages)
    room = context - min(answer, context // _ANSWER_SHARE) - _AROUND
    used = tokens(TOLD) + sum(tokens(turn.text.text) for turn in screened.prompt.turns)
    for shown, passage in enumerate(passages):
        used += tokens(passage.text.text) + (tokens(passage.heading.text) if passage.heading is not None else 0)
        if used * _PER_ESTIMATED > room:
            return max(1, shown)
    return len(passages)
