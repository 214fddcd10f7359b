"""``POST /v1/headrace/search``: what the documents hold about a question, as the asker may read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from headrace.app.http.exchange.body import parse
from headrace.app.http.exchange.parameters import account, convert
from headrace.app.http.exchange.running import while_connected
from headrace.app.http.exchange.visit import Visit
from headrace.app.http.exchange.wire import encode
from headrace.app.http.openai import response
from headrace.app.http.openai.response import AnswerReceiptWords, DecisionWords, FindingWords, UsageWords, finding_words
from headrace.core.errors import BadRequest
from headrace.core.flow import Call, Received
from headrace.core.search import Search
from headrace.core.text import Origin, RawText, RawTurn, Role
from headrace.core.values import RequestId, Sampling

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.app.http.openai.request import Envelope
    from headrace.core.search import FoundPassage, FoundQuote, Passages

PATH: Final = "/v1/headrace/search"
USUAL: Final = 5
"""Passages, when the request does not say."""
USUAL_QUOTES: Final = 3

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
_Names = Annotated[list[_Name], msgspec.Meta(min_length=1, max_length=32)]


class Parameters(msgspec.Struct):
    """What a search may say."""

    query: Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]
    service: _Name | None = None
    sources: _Names | None = None
    under: (
        Annotated[list[Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]], msgspec.Meta(min_length=1, max_length=32)] | None
    ) = None
    max_num_results: Annotated[int, msgspec.Meta(ge=1, le=50)] | None = None
    quotes: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None
    scores: bool | None = None


HONOURED: Final[Mapping[str, str]] = {
    "query": "What is looked for, in words.",
    "service": "Search what this service knows. Left out: the first service, by name, that you may ask and that knows all `sources`.",
    "sources": "Only these of the sources that the service knows. One of `service` and `sources` must be sent.",
    "under": "Only documents whose names begin with one of these (`handbook/travel/`).",
    "max_num_results": f"Passages to bring: 1 to 50; {USUAL} when left out.",
    "quotes": f"Most sentences from them that may answer: 0 to 20; {USUAL_QUOTES} when left out.",
    "scores": "Raw scores too. For those who may `curate`: they tell of documents that one may not read.",
}
"""What each parameter does; the reference page is made of this."""
MEANT: Final[Mapping[str, str]] = {
    **dict.fromkeys(("question", "input", "prompt", "text", "q", "search", "messages"), "query"),
    **dict.fromkeys(("k", "top_k", "limit", "n", "size", "num_results", "max_results"), "max_num_results"),
    **dict.fromkeys(("model", "vector_store", "vector_store_id", "index"), "service"),
    **dict.fromkeys(("source", "collections"), "sources"),
    **dict.fromkeys(("filters", "filter", "path", "paths", "prefix", "documents"), "under"),
    **dict.fromkeys(("ranking_options", "with_scores"), "scores"),
}
"""What other search APIs call these parameters: whoever sends such a name is told ours, and not one that is merely spelled alike."""
EITHER: Final[Mapping[str, object]] = {
    "anyOf": [
        {"required": ["service"], "properties": {"service": {"type": "string"}}},
        {"required": ["sources"], "properties": {"sources": {"type": "array"}}},
    ]
}
"""One of `service` and `sources` must be sent."""


class SearchWords(msgspec.Struct):
    """The ``headrace`` object of a search. `arms` are the ways in which was searched; `candidates` the passages that you may read there."""

    request: str
    service: str
    revision: str
    candidates: int
    index: int
    arms: list[str]
    decision: DecisionWords
    findings: list[FindingWords]
    usage: UsageWords
    stages: dict[str, int]
    receipt: AnswerReceiptWords


class QuoteWords(msgspec.Struct):
    """A sentence that may answer: `start` and `end` are characters into the stored text of the version; `confidence` is calibrated."""

    start: int
    end: int
    place: str
    text: str
    confidence: float


class FoundWords(msgspec.Struct, omit_defaults=True):
    """A stretch of a document version: characters `start` to `end` of its stored text; `confidence` is that of its surest quote."""

    id: str
    document: str
    version: str
    start: int
    end: int
    place: str
    text: str
    rank: int
    ranks: dict[str, int]
    confidence: float | None
    quotes: list[QuoteWords]
    scores: dict[str, float] | msgspec.UnsetType = msgspec.UNSET


class PassageList(msgspec.Struct):
    """What was found, best first."""

    passages: list[FoundWords]
    headrace: SearchWords


class Find(Visit):
    """What the documents hold about a question: passages, with quotes."""

    async def serve(self, body: bytes, envelope: Envelope) -> None:
        """Answer in one piece."""
        asked = read(body, envelope)
        self.service = asked.received.call.service
        with while_connected(self.scope):
            found = await self.answers.whole(self.gateway.find(asked), self.request, place="query", model="service")
        await self.sender.whole(200, encode(words(found)), [(b"x-request-id", self.request.encode())])
        self.answers.metrics.answered(found, "passages", self.seconds())


def read(body: bytes, envelope: Envelope) -> Search:
    """The search. Raises BadRequest or UnsupportedParameter with the place and the mend."""
    fields = parse(body)
    account(fields, HONOURED, {}, MEANT)
    parameters = convert(fields, Parameters, HONOURED)
    if parameters.service is None and parameters.sources is None:
        message = "Neither a service nor sources are named, so it is not certain what is searched."
        raise BadRequest(message, code="request.missing", param="service", mend="Send service, or sources.")
    call = Call(
        request=RequestId(envelope.request),
        endpoint=envelope.endpoint,
        service=parameters.service or "",
        stream=False,
        received_us=envelope.received_us,
        client=envelope.client,
        sampling=Sampling(),
    )
    turns = (RawTurn(Role.USER, RawText(parameters.query, Origin.PROMPT, 0)),)
    return Search(
        received=Received(call, envelope.credential, turns),
        sources=tuple(dict.fromkeys(parameters.sources or ())),
        under=tuple(parameters.under or ()),
        limit=USUAL if parameters.max_num_results is None else parameters.max_num_results,
        quotes=USUAL_QUOTES if parameters.quotes is None else parameters.quotes,
        scores=bool(parameters.scores),
    )


def words(found: Passages) -> PassageList:
    """What the client is told."""
    searched = found.searched
    return PassageList(
        passages=[_passage(each) for each in searched.passages],
        headrace=SearchWords(
            request=found.call.request,
            service=found.call.service,
            revision=found.revision,
            candidates=searched.candidates,
            index=searched.index_version,
            arms=list(searched.arms),
            decision=response.decision_words(found.decision),
            findings=[finding_words(each) for each in found.findings],
            usage=response.usage_words(found.usage, found.cost),
            stages=found.stages_us,
            receipt=response.receipt_words(found.receipt, found.salts),
        ),
    )


def _passage(found: FoundPassage) -> FoundWords:
    return FoundWords(
        id=found.id,
        document=found.document,
        version=found.version,
        start=found.start,
        end=found.end,
        place=found.place,
        text=found.text,
        rank=found.rank,
        ranks=dict(found.ranks),
        confidence=max((each.confidence for each in found.quotes), default=None),
        quotes=[_quote(each) for each in found.quotes],
        scores=dict(found.scores) if found.scores else msgspec.UNSET,
    )


def _quote(found: FoundQuote) -> QuoteWords:
    return QuoteWords(found.start, found.end, found.place, found.text, found.confidence)
