"""Asking: the page with the question box, and the answer as it comes.

The form is sent in one of two ways. A plain form post is answered with the page itself, once the answer is whole: it works without the
script. The script asks for events, one JSON object a line: ``opened``, ``delta``… and ``end`` with the finished answer as HTML, made by the
same templates. Whoever leaves (or stops the answer) ends the work; its record says so.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from headrace.app.console import proof
from headrace.app.console.area import Area
from headrace.app.console.proof import opening
from headrace.app.console.render import page
from headrace.app.console.words import count, said
from headrace.app.http.exchange.running import while_connected
from headrace.app.http.exchange.wire import ClientGone, encode, header
from headrace.app.http.openai.request import client_of
from headrace.app.requests.figures import duration
from headrace.core.errors import BadRequest, HeadraceError, Unavailable
from headrace.core.events import CleanDelta
from headrace.core.flow import Answer, Call, Opened, Received
from headrace.core.text import Origin, RawText, RawTurn, Role
from headrace.core.values import RequestId, Sampling

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from headrace.app.console.area import Page
    from headrace.app.console.session import Session
    from headrace.app.console.visit import Visit
    from headrace.app.http.exchange.running import Answers
    from headrace.app.http.ports.gateway import Offer
    from headrace.core.values import Principal

EVENTS: Final = "application/x-ndjson"
STREAM: Final = ((b"content-type", EVENTS.encode()), (b"x-accel-buffering", b"no"))
"""Headers of the events; the last keeps nginx from holding them back."""
FEW: Final = 6
"""Services up to which each has a line of its own on the page; more are a list to choose from."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the service that it goes to."""

    received: Received
    question: str = field(repr=False)


def area(answers: Answers, home: Page) -> Area:
    """The area Ask: for whoever may ask a service. The page itself is everybody's, and says so when there is none."""
    pages = {
        "/console/": {"GET": show},
        "/console/ask": {"GET": home, "POST": partial(ask, answers=answers)},
        "/console/proof": {"GET": home, "POST": proof.download},
    }
    return Area("Ask", "/console/", lambda gateway, principal: bool(gateway.services(principal)), pages)


async def show(visit: Visit) -> None:
    """The page with the question box."""
    session = await visit.session()
    await visit.page("ask.html", {**_around(visit, session, visit.query.get("service", "")), "question": "", "said": None, "answer": None})


async def ask(visit: Visit, answers: Answers) -> None:
    """Answer the question of a form, as a page or as events."""
    if EVENTS in header(visit.scope, b"accept"):
        await _events(visit, answers)
    else:
        await _page(visit, answers)


async def _page(visit: Visit, answers: Answers) -> None:
    session, fields = await visit.signed_form()
    around = _around(visit, session, fields.get("service", ""))
    try:
        asked = _asked(visit, session, fields, stream=False)
        answer = await _answer(visit, answers, asked.received)
    except HeadraceError as error:
        words = said(error)
        await visit.page("ask.html", {**around, "question": fields.get("question", ""), "said": words, "answer": None}, words.status)
        return
    told = {"answer": answer, "asked": asked.question, "opens": opening(asked.received, answer)}
    await visit.page("ask.html", {**around, "question": "", "said": None, **told})


async def _events(visit: Visit, answers: Answers) -> None:
    async def hear(event: Opened | CleanDelta) -> None:
        if isinstance(event, Opened):
            await visit.sender.start(200, STREAM)
            await visit.sender.write(_line({"opened": event.request}), more=True)
        else:
            await visit.sender.write(_line({"delta": event.text}), more=True)

    status = 200
    try:
        session, fields = await visit.signed_form()
        asked = _asked(visit, session, fields, stream=True)
        answer = await _answer(visit, answers, asked.received, hear)
    except HeadraceError as error:
        words = said(error)
        status = words.status
        last = _line({"end": "failed", "html": page("said.html", {"said": words})})
    else:
        told = {"answer": answer, "asked": asked.question, "opens": opening(asked.received, answer), "form": session.form}
        html = page("answer.html", told)
        last = _line({"end": "answered", "said": _announced(answer), "html": html})
    if not visit.sender.started:
        await visit.sender.start(status, STREAM)
    await visit.sender.write(last, more=False)


async def _answer(
    visit: Visit, answers: Answers, received: Received, hear: Callable[[Opened | CleanDelta], Awaitable[None]] | None = None
) -> Answer:
    """Run the line to its end, counted. Raises its errors, and ClientGone when nobody waits any more."""
    clock, service = visit.gateway.clock, received.call.service
    began = clock.monotonic()
    first: float | None = None
    answer: Answer | None = None
    try:
        with answers.place, while_connected(visit.scope):
            async with aclosing(answers.events(received)) as events:
                async for event in events:
                    if isinstance(event, Answer):
                        answer = event
                        continue
                    if first is None and isinstance(event, CleanDelta):
                        first = clock.monotonic() - began
                    if hear is not None:
                        await hear(event)
    except HeadraceError as error:
        answers.metrics.failed(service, error, clock.monotonic() - began)
        raise
    except ClientGone:
        answers.metrics.cancelled(service, clock.monotonic() - began)
        raise
    except asyncio.CancelledError:
        answers.metrics.cancelled(service, clock.monotonic() - began)
        message = "Headrace is being stopped, and this answer was not ready in time."
        raise Unavailable(message, code="internal.stopping", mend="Ask again in a minute.") from None
    assert answer is not None  # noqa: S101 - the line ends with an answer or raises
    answers.metrics.answered(answer, answer.mode.value, clock.monotonic() - began, first)
    return answer


def _asked(visit: Visit, session: Session, fields: Mapping[str, str], *, stream: bool) -> Asked:
    """The form as a request like any other: the same line, guards, record and price as through the API. Raises BadRequest."""
    question, service = fields.get("question", ""), fields.get("service", "")
    if not question.strip():
        raise BadRequest("There is no question yet.", code="request.missing", param="question", mend="Write one and send it again.")
    if not service:
        raise BadRequest("No service is chosen.", code="request.missing", param="service", mend="Choose one and send it again.")
    call = Call(
        request=RequestId(visit.gateway.ids.request()),
        endpoint="/console/ask",
        service=service,
        stream=stream,
        received_us=visit.gateway.clock.now_us(),
        client=client_of(header(visit.scope, b"user-agent")),
        sampling=Sampling(),
    )
    return Asked(Received(call, session.token, (RawTurn(Role.USER, RawText(question, Origin.PROMPT)),)), question)


def _around(visit: Visit, session: Session, wanted: str) -> dict[str, object]:
    """What stands around an answer: who asks, and whom they may ask."""
    offers = _offers(visit, session.principal)
    names = [offer.name for offer in offers]
    chosen = wanted if wanted in names else next((offer.name for offer in offers if offer.grounded), names[0] if names else "")
    return {"offers": offers, "chosen": chosen, "few": len(offers) <= FEW}


def _offers(visit: Visit, principal: Principal) -> Sequence[Offer]:
    """The services that can be asked from a page: those that want no schema."""
    return [offer for offer in visit.gateway.services(principal) if not (offer.json or offer.vectors)]


def _announced(answer: Answer) -> str:
    """The sentence that a screen reader hears when the answer is whole."""
    cited = f" with {count(len(answer.citations), 'source')}" if answer.citations else ""
    return f"Answered{cited} in {duration(sum(answer.stages_us.values()))}."


def _line(event: Mapping[str, object]) -> bytes:
    return encode(event) + b"\n"
