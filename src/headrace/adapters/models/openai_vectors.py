"""Embedding models that speak the OpenAI dialect, served elsewhere."""

from __future__ import annotations

import sys
from array import array
from base64 import b64decode
from math import isfinite
from typing import TYPE_CHECKING

import msgspec

from headrace.adapters.http.faults import ExchangeFailed
from headrace.adapters.models import faults
from headrace.adapters.models.stream import LONGEST_EVENT
from headrace.core.errors import PromptTooLong
from headrace.core.values import Vectors

if TYPE_CHECKING:
    from headrace.adapters.models.exchange import Endpoint
    from headrace.core.text import CleanPrompt

LARGEST = 256 * 1024 * 1024
"""Bytes of a response: 2,048 vectors of 4,096 numbers in decimal digits are 170 MB."""
_FLOAT32 = 4


class _Request(msgspec.Struct, omit_defaults=True):
    input: list[str]
    model: str
    dimensions: int | None = None
    encoding_format: str = msgspec.field(default="", name="encoding_format")


class _Datum(msgspec.Struct, gc=False):
    index: int
    embedding: list[float] | str


class _Usage(msgspec.Struct, gc=False):
    prompt_tokens: int = 0


class _Response(msgspec.Struct):
    data: list[_Datum]
    usage: _Usage | None = None


_encode = msgspec.json.Encoder().encode
_read = msgspec.json.Decoder(_Response).decode


class OpenAIVectors:
    """One deployment. Port VectorModel; for one event loop."""

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        self._client = endpoint.client()
        self._embeddings = endpoint.asking(self._client, "embeddings", "application/json")
        self._model = model

    async def embed(self, prompt: CleanPrompt, dimensions: int | None) -> Vectors:
        """The vectors, as the provider made them. Raises PromptTooLong, BadRequest for what this model cannot do, UpstreamFailed and
        UpstreamTimeout."""
        texts = [turn.text.text for turn in prompt.turns]
        # Numbers in digits: every server of the dialect writes them, and not every one knows base64.
        body = _encode(_Request(texts, self._model, dimensions, "float"))
        try:
            response = await self._client.ask(self._embeddings, body)
            try:
                if response.status != faults.OK:
                    raise faults.of_status(response.status, await response.read_whole(LONGEST_EVENT), response.header("Retry-After"))
                return _vectors(_read(await response.read_whole(LARGEST)), len(texts), dimensions)
            finally:
                response.close()
        except PromptTooLong as error:
            error.param, error.mend = "input", "Send shorter texts."
            raise
        except (ExchangeFailed, TimeoutError, msgspec.DecodeError) as error:
            raise faults.of_exchange(error, began=False) from error

    async def close(self) -> None:
        """Let connections go. Idempotent."""
        await self._client.close()


def _vectors(said: _Response, texts: int, dimensions: int | None) -> Vectors:
    """Raises UpstreamFailed for what is not one vector a text, all of one length (the one asked for), each of finite numbers."""
    tokens = said.usage.prompt_tokens if said.usage is not None else 0
    placed = {each.index: _row(each.embedding) for each in said.data}
    rows = tuple(placed.get(n, b"") for n in range(texts))
    lengths = {len(row) // _FLOAT32 for row in rows}
    if len(said.data) != texts or len(lengths) != 1 or lengths == {0} or (dimensions or 0) not in {0, *lengths} or tokens < 0:
        raise faults.garbage()
    return Vectors(rows, lengths.pop(), tokens)


def _row(embedding: list[float] | str) -> bytes:
    """Float32, little-endian."""
    numbers = array("f")
    try:
        if isinstance(embedding, str):
            numbers.frombytes(b64decode(embedding, validate=True))
        else:
            numbers.extend(embedding)
            if sys.byteorder == "big":
                numbers.byteswap()
    except (ValueError, OverflowError):
        raise faults.garbage() from None
    if not all(map(isfinite, numbers)):
        raise faults.garbage()
    return numbers.tobytes()
