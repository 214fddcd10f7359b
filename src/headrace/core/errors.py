"""Every error that Headrace raises on purpose, as one tree.

    HeadraceError
    ├── BadRequest            the request itself is wrong                        (HTTP 400)
    │   ├── UnsupportedParameter   a parameter that no deployment here honours
    │   ├── PromptTooLong     the prompt does not fit the deployment's context
    │   └── BodyTooLarge      more bytes than the gateway reads                  (HTTP 413)
    ├── Unauthenticated       no key, or a key that is not valid                 (HTTP 401)
    ├── Forbidden             policy says no                                     (HTTP 403)
    ├── Refused               a guard stopped the text                           (HTTP 403)
    ├── NotFound              no such thing, or not for this principal           (HTTP 404)
    ├── Overloaded            shed: no slot within the time allowed              (HTTP 503)
    ├── UpstreamFailed        an engine or provider failed                       (HTTP 502)
    │   └── UpstreamTimeout   …or did not answer in time                         (HTTP 504)
    ├── Unavailable           a part of Headrace itself is not there             (HTTP 503)
    ├── ConfigurationFaults   a workspace that does not check
    ├── ConversionFailed      a file that cannot be read as text
    └── OperationFailed       an act could not be done as things stand           (HTTP 409)

`code` is stable and dotted (``policy.denied``); programs match on it. `message` is a sentence for a person and never holds
content or secrets. `param` names the place (a request parameter, a file:line:column, a path). `mend` says what to do next.
The one table from this tree to HTTP is :mod:`headrace.app.http.errors`.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.core.values import Receipt


class HeadraceError(Exception):
    """Root of the tree.

    `facts` are content-free details for the record and for the ``headrace`` object of an error response.
    """

    default_code: ClassVar[str] = "internal.error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        mend: str | None = None,
        facts: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.param = param
        self.mend = mend
        self.facts: Mapping[str, object] = facts or {}
        self.request: str | None = None
        """The request's id, once the recorder knows it."""
        self.receipt: Receipt | None = None
        """The receipt of the record that says so, once there is one."""

    def __str__(self) -> str:
        place = f"{self.param}: " if self.param else ""
        mend = f" {self.mend}" if self.mend else ""
        return f"{place}{self.message}{mend}"


class BadRequest(HeadraceError):
    """The request is malformed; sending it again unchanged cannot help."""

    default_code = "request.invalid"


class UnsupportedParameter(BadRequest):
    """The request names a parameter that cannot be honoured; it is refused rather than dropped."""

    default_code = "request.unsupported_parameter"


class PromptTooLong(BadRequest):
    """The prompt and the answer asked for do not fit the context; `facts` hold ``prompt_tokens``, ``answer_tokens``, ``context_tokens``."""

    default_code = "request.prompt_too_long"


class BodyTooLarge(BadRequest):
    """The request body is larger than the gateway reads."""

    default_code = "request.too_large"


class Unauthenticated(HeadraceError):
    """No credential, or one that is unknown, expired or revoked."""

    default_code = "identity.unknown_key"


class Forbidden(HeadraceError):
    """Policy denied the act; `facts` may hold ``policies`` and ``what_would_allow_it``."""

    default_code = "policy.denied"


class Refused(HeadraceError):
    """A guard stopped the text; `facts` hold the findings, never the text."""

    default_code = "guard.refused"


class NotFound(HeadraceError):
    """No such thing, or none that this principal may know of: the two look the same."""

    default_code = "request.not_found"


class Overloaded(HeadraceError):
    """The request was shed before work began; `retry_after` is in seconds."""

    default_code = "capacity.overloaded"

    def __init__(self, message: str, *, retry_after: float = 1.0, **rest: object) -> None:
        super().__init__(message, **rest)  # pyright: ignore[reportArgumentType]
        self.retry_after = retry_after


class UpstreamFailed(HeadraceError):
    """An engine or provider refused, broke off, or sent what does not parse."""

    default_code = "upstream.failed"


class UpstreamTimeout(UpstreamFailed):
    """An engine or provider did not answer before the deadline."""

    default_code = "upstream.timeout"


class Unavailable(HeadraceError):
    """A process of Headrace itself (ledger, knowledge, engine) is down or still starting."""

    default_code = "internal.unavailable"


class ConfigurationFaults(HeadraceError):
    """A workspace that does not check; `faults` are all of them, located."""

    default_code = "workspace.faults"

    def __init__(self, message: str, faults: Sequence[object]) -> None:
        super().__init__(message)
        self.faults = tuple(faults)


class OperationFailed(HeadraceError):
    """A command could not do what was asked; the message says why and the mend what to do."""

    default_code = "operation.failed"


class ConversionFailed(HeadraceError):
    """A document could not be turned into text; the message is the reason, in words for its owner."""

    default_code = "ingest.unreadable"

    @property
    def reason(self) -> str:
        """The message, and the mend where there is one."""
        return f"{self.message} {self.mend}" if self.mend else self.message


def outcome_of(error: HeadraceError) -> str:
    """``refused``: someone decided so, and the sender can do something about it. ``failed``: something did not work."""
    return "refused" if isinstance(error, BadRequest | Unauthenticated | Forbidden | Refused | NotFound | Overloaded) else "failed"


def defect_place(error: BaseException) -> str:
    """Kind and frames of a defect for the log, innermost first; not what it says, which may hold content."""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    return f"{type(error).__name__} at " + " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
