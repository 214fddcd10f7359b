"""``POST /v1/embeddings``: texts to vectors, in the OpenAI dialect."""

from __future__ import annotations

from array import array
from base64 import b64encode
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec

from headrace.app.http.exchange.body import as_array, parse
from headrace.app.http.exchange.parameters import account, convert
from headrace.app.http.exchange.running import while_connected
from headrace.app.http.exchange.visit import Visit
from headrace.app.http.exchange.wire import encode
from headrace.app.http.openai import response
from headrace.app.http.openai.response import AnswerReceiptWords, DecisionWords, FindingWords, RouteWords, UsageWords, finding_words
from headrace.core.errors import UnsupportedParameter
from headrace.core.flow import Call, Received
from headrace.core.text import Origin, RawText, RawTurn, Role
from headrace.core.values import RequestId, Sampling
from headrace.core.vectors import Texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.app.http.openai.request import Envelope
    from headrace.core.vectors import Embeddings

PATH: Final = "/v1/embeddings"
MOST_TEXTS: Final = 2048
"""Texts of one request, as in the dialect."""

_Text = Annotated[str, msgspec.Meta(min_length=1)]


class Parameters(msgspec.Struct):
    """What a request for vectors may say."""

    model: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    input: _Text | Annotated[list[_Text], msgspec.Meta(min_length=1, max_length=MOST_TEXTS)]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, msgspec.Meta(ge=1, le=65_536)] | None = None
    user: Annotated[str, msgspec.Meta(max_length=512)] | None = None


HONOURED: Final[Mapping[str, str]] = {
    "model": "The service to ask, by its name: one that answers in vectors.",
    "input": f"A text, or up to {MOST_TEXTS:,}; none empty. Numbers of tokens are refused: no guard can look at them.",
    "encoding_format": "float (numbers) or base64 (float32, little-endian).",
    "dimensions": "As many as the model's vectors have, or fewer where its provider makes them so; refused otherwise.",
    "user": "Accepted and not kept: the key says who asks.",
}
"""What each parameter does; the reference page is made of this."""


class EmbeddingsWords(msgspec.Struct):
    """The ``headrace`` object of vectors. `stages` are microseconds by stage."""

    request: str
    service: str
    revision: str
    decision: DecisionWords
    route: RouteWords
    findings: list[FindingWords]
    usage: UsageWords
    stages: dict[str, int]
    receipt: AnswerReceiptWords


class Embedding(msgspec.Struct):
    """One text's vector: numbers, or base64 of their float32 in little-endian order."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class EmbeddingsUsage(msgspec.Struct):
    """Tokens, in the words of the dialect."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingList(msgspec.Struct):
    """The vectors of a request's texts, in order."""

    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: EmbeddingsUsage
    headrace: EmbeddingsWords


class Embed(Visit):
    """Vectors of texts."""

    async def serve(self, body: bytes, envelope: Envelope) -> None:
        """Answer in one piece."""
        texts, encoding = read(body, envelope)
        self.service = texts.received.call.service
        with while_connected(self.scope):
            made = await self.answers.whole(self.gateway.embed(texts), self.request, place="input")
        await self.sender.whole(200, encode(words(made, encoding)), [(b"x-request-id", self.request.encode())])
        self.answers.metrics.answered(made, "vectors", self.seconds())


def read(body: bytes, envelope: Envelope) -> tuple[Texts, str]:
    """The texts, and how their vectors are to be written. Raises BadRequest or UnsupportedParameter with the place and the mend."""
    fields = parse(body)
    account(fields, HONOURED, {})
    _no_tokens(fields.get("input"))
    parameters = convert(fields, Parameters, HONOURED)
    given = [parameters.input] if isinstance(parameters.input, str) else parameters.input
    call = Call(
        request=RequestId(envelope.request),
        endpoint=envelope.endpoint,
        service=parameters.model,
        stream=False,
        received_us=envelope.received_us,
        client=envelope.client,
        sampling=Sampling(),
    )
    turns = tuple(RawTurn(Role.USER, RawText(text, Origin.PROMPT, n)) for n, text in enumerate(given))
    return Texts(Received(call, envelope.credential, turns), parameters.dimensions), parameters.encoding_format or "float"


def _no_tokens(given: object) -> None:
    first = next(iter(as_array(given) or ()), None)
    if isinstance(first, int | list):
        message = "Numbers of tokens are not taken: no guard can look at them."
        raise UnsupportedParameter(message, param="input", mend="Send the texts themselves.")


def words(made: Embeddings, encoding: str) -> EmbeddingList:
    """What the client is told."""
    tokens = made.usage.input + made.usage.input_cached
    return EmbeddingList(
        object="list",
        data=[Embedding("embedding", n, _written(row, encoding)) for n, row in enumerate(made.vectors.rows)],
        model=made.call.service,
        usage=EmbeddingsUsage(tokens, tokens),
        headrace=EmbeddingsWords(
            request=made.call.request,
            service=made.call.service,
            revision=made.revision,
            decision=response.decision_words(made.decision),
            route=RouteWords(made.deployment, made.considered),
            findings=[finding_words(each) for each in made.findings],
            usage=response.usage_words(made.usage, made.cost),
            stages=made.stages_us,
            receipt=response.receipt_words(made.receipt, made.salts),
        ),
    )


def _written(row: bytes, encoding: str) -> list[float] | str:
    if encoding == "base64":
        return b64encode(row).decode()
    numbers = array("f", row)
    return numbers.tolist()
