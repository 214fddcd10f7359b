"""The embedder of the knowledge process, as other processes see it. Port VectorModel. Light: it imports nothing native."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from headrace.core.errors import PromptTooLong, UnsupportedParameter
from headrace.core.values import Vectors
from headrace.ipc.client import Client
from headrace.knowledge.client import WITHIN
from headrace.knowledge.messages import Embed, Embedded

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.core.text import CleanPrompt

TEXTS = 16
"""Texts that are embedded in one call: between two calls a search has its turn, and a client that left is noticed."""
_FLOAT32 = 4

_embedded = msgspec.msgpack.Decoder(Embedded)
_encoder = msgspec.msgpack.Encoder()


class OwnEmbedder:
    """The embedder of the knowledge process, as a deployment. Port VectorModel."""

    def __init__(self, socket: Path) -> None:
        self._client = Client(socket, "knowledge")

    async def embed(self, prompt: CleanPrompt, dimensions: int | None) -> Vectors:
        """The vectors. Raises PromptTooLong with the text's number, its tokens and the most that are seen; UnsupportedParameter for
        other dimensions than the model has; Unavailable when the process is not there or does not answer in time."""
        texts = [turn.text.text for turn in prompt.turns]
        rows: list[bytes] = []
        tokens = 0
        for begin in range(0, len(texts), TEXTS):
            asked = Embed(tuple(texts[begin : begin + TEXTS]))
            made = _embedded.decode(await self._client.call("embed", _encoder.encode(asked), within=WITHIN))
            _require_whole(made, begin)
            rows += made.vectors
            tokens += sum(made.tokens)
            if dimensions not in {None, len(rows[0]) // _FLOAT32}:
                raise _no_such_dimensions(len(rows[0]) // _FLOAT32)
        return Vectors(tuple(rows), len(rows[0]) // _FLOAT32, tokens)

    async def close(self) -> None:
        """Hang up. Idempotent."""
        await self._client.close()


def _require_whole(made: Embedded, begin: int) -> None:
    """Half a text's vector would be taken for the whole text's."""
    for n, tokens in enumerate(made.tokens, start=begin):
        if tokens > made.longest:
            msg = f"Text {n} takes {tokens} tokens; the model sees {made.longest}, and no text is cut short."
            facts = {"input": n, "prompt_tokens": tokens, "context_tokens": made.longest}
            raise PromptTooLong(msg, param=f"input[{n}]", mend="Cut it into shorter texts.", facts=facts)


def _no_such_dimensions(there: int) -> UnsupportedParameter:
    msg = f"The model's vectors have {there} dimensions, and it was not trained to have fewer."
    return UnsupportedParameter(msg, param="dimensions", mend=f"Leave dimensions out, or send {there}.")
