"""What goes wrong upstream, in our words. A provider's own words may hold content or secrets and are never passed on."""

from __future__ import annotations

import errno
import re

import msgspec

from headrace.adapters.http.faults import NotHttp, Unreachable
from headrace.adapters.models import wire
from headrace.core.errors import BadRequest, HeadraceError, PromptTooLong, Unavailable, UpstreamFailed, UpstreamTimeout

OK = 200
_REFUSED = (400, 413, 422)
_BAD_KEY = ("The provider does not accept the deployment's key.", "upstream.unauthorized")
_MISTAKES = {
    401: _BAD_KEY,
    403: _BAD_KEY,
    404: ("The provider does not know the deployment's address or model.", "upstream.not_found"),
}
_TIMEOUTS = (408, 504)
_TOO_MANY = 429
_LONGEST_WAIT = 6
"""Digits of the longest wait, in seconds, that is passed on: some eleven days."""
_AGAIN = "Try again."
_SHORTER = "Shorten the messages."
_NUMBERS = re.compile(r"maximum context length is (?P<context>\d+) tokens.*?(?:resulted in|requested) (?P<prompt>\d+) tokens", re.DOTALL)
_SCHEMA_PLACE = re.compile(r"JSON schema error at (?P<place>#[^\s:]*)")


def of_status(status: int, body: bytes, retry_after: str) -> HeadraceError:
    """The error that a response other than 200 means; `retry_after` is that header's value."""
    if status in _REFUSED:
        return _of_refusal(body)
    if status in _MISTAKES:
        message, code = _MISTAKES[status]
        return UpstreamFailed(message, code=code, mend="The deployment's owner must mend it.")
    if status == _TOO_MANY:
        return _of_too_many(retry_after)
    if status in _TIMEOUTS:
        return UpstreamTimeout(f"The provider gave up on the answer (it says {status}).", mend=_AGAIN)
    return UpstreamFailed(f"The model failed (it says {status}).", mend=_AGAIN, facts={"status": status})


def _of_refusal(body: bytes) -> HeadraceError:
    try:
        return of_fault(wire.read_failure(body).error, refused=True)
    except msgspec.DecodeError:
        return of_fault(wire.Fault(), refused=True)


def _of_too_many(wait: str) -> UpstreamFailed:
    facts = {"retry_after_s": int(wait)} if wait.isdecimal() and len(wait) <= _LONGEST_WAIT else {}
    return UpstreamFailed(
        "The provider takes no more requests for now.", code="upstream.rate_limited", mend="Try again later.", facts=facts
    )


def of_fault(fault: wire.Fault, *, refused: bool = False) -> HeadraceError:
    """The error that a provider's own description means; `refused`: it came instead of an answer, and blames the request."""
    if fault.n_prompt_tokens is not None and fault.n_ctx is not None:
        return too_long(fault.n_prompt_tokens, fault.n_ctx)
    if fault.code == "context_length_exceeded" or fault.type == "exceed_context_size_error":
        numbers = _NUMBERS.search(fault.message)
        return too_long(int(numbers["prompt"]), int(numbers["context"])) if numbers else too_long(None, None)
    if not refused:
        return UpstreamFailed("The model failed while it wrote the answer.", mend="Ask again.")
    if "schema" in fault.message.lower() or "grammar" in fault.message.lower():
        place = _SCHEMA_PLACE.search(fault.message)
        where = f" It stops at {place['place']}." if place else ""
        msg = f"The model cannot follow this JSON Schema.{where}"
        return BadRequest(msg, code="request.unsupported_schema", param="response_format", mend="Write it with simpler keywords there.")
    mend = "Ask the service's owner what its model accepts."
    return BadRequest("The model does not accept this request.", code="request.refused_upstream", mend=mend)


def too_long(prompt: int | None, context: int | None) -> PromptTooLong:
    """The prompt does not fit, with the numbers where they are known."""
    facts = {"prompt_tokens": prompt, "answer_tokens": None, "context_tokens": context}
    if prompt is None or context is None:
        return PromptTooLong("The prompt does not fit the model's context.", param="messages", mend=_SHORTER, facts=facts)
    msg = f"The prompt takes {prompt} tokens; the deployment's context holds {context}."
    return PromptTooLong(msg, param="messages", mend=_SHORTER, facts=facts)


def of_exchange(error: Exception, *, began: bool, ours: bool = False) -> HeadraceError:
    """The error that a broken exchange means; `began`: some of the answer had come; `ours`: with an engine that Headrace runs itself."""
    if isinstance(error, TimeoutError):
        return UpstreamTimeout(
            "The model did not finish its answer in time." if began else "The model did not answer in time.", mend=_AGAIN
        )
    if isinstance(error, Unreachable):
        return _engine_away(error) if ours else UpstreamFailed("The model cannot be reached.", code="upstream.unreachable", mend=_AGAIN)
    if isinstance(error, msgspec.DecodeError | NotHttp):
        return garbage()
    return truncated() if began else UpstreamFailed("The model broke off before it answered.", code="upstream.broken", mend=_AGAIN)


def _engine_away(error: Unreachable) -> Unavailable:
    """An engine's socket is there once its model is loaded, and is left behind when it is killed."""
    if error.errno == errno.ENOENT:
        return Unavailable("The engine still loads its model.", code="internal.engine_loading", mend="Try again in a few seconds.")
    said = "The engine has ended and is started again."
    return Unavailable(said, code="internal.engine_unavailable", mend="Try again in a few seconds.")


def truncated() -> UpstreamFailed:
    """The stream ended without its end."""
    return UpstreamFailed("The model's answer broke off.", code="upstream.truncated", mend="Ask again.")


def garbage() -> UpstreamFailed:
    """What came is not the dialect."""
    return UpstreamFailed("The model sent what is not an answer.", code="upstream.garbage", mend="Its owner must look at the deployment.")
