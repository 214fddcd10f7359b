"""Following requests over HTTP: one with all its facts, its proof, and lists of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.app.http.exchange.look import Found
from headrace.app.http.exchange.wire import encode
from headrace.app.http.headrace.followed import page_words, request_words
from headrace.app.requests.filters import FILTERS, wanted
from headrace.core.errors import NotFound

if TYPE_CHECKING:
    from headrace.app.http.exchange.look import Look

PATH: Final = "/v1/headrace/requests"
PARAMETERS: Final = (*FILTERS, "after", "limit")


async def requests(look: Look) -> Found:
    """The requests that you may inspect, newest first, page by page. Raises BadRequest, Unavailable."""
    principal = await look.principal()
    asked = wanted(look.query(PARAMETERS), look.gateway.clock.now_us())
    return Found(encode(page_words(await look.gateway.requests.page(principal, asked))))


async def request(look: Look) -> Found:
    """What a request did, found and cost, from its record. Raises NotFound, alike for none and for one that you may not inspect."""
    principal = await look.principal()
    followed = await look.gateway.requests.follow(principal, look.name)
    if followed is None:
        message = "There is no record of such a request that you may inspect."
        raise NotFound(message, code="request.unknown_request", mend="The id stands in the answer, under headrace.request.")
    return Found(encode(request_words(followed, f"{PATH}/{followed.facts.request}/proof")))


async def proof(look: Look) -> Found:
    """The proof bundle of a request's record. Raises NotFound, alike for none and for somebody else's."""
    principal = await look.principal()
    bundle = await look.gateway.requests.proof(principal, look.name)
    if bundle is None:
        message = "There is no record of such a request that you may prove."
        raise NotFound(message, code="request.unknown_request", mend="The id stands in the answer, under headrace.request.")
    return Found(encode(bundle))
