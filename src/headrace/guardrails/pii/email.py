"""E-mail addresses, in any script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.guardrails.regex import regex
from headrace.guardrails.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCAL_BYTES = 64
"""RFC 5321, 4.5.3.1.1. Of a longer one the end is taken."""
_DOMAIN_BYTES = 180


class Emails:
    """Found from their ``@``. Port Recogniser."""

    kinds = ("email",)
    signs = ("@",)

    def __init__(self) -> None:
        self._local = regex(r"[\pL\pN][\pL\pN._%+'-]*$")
        self._domain = regex(r"(?:[\pL\pN][\pL\pN-]*\.)+(?:xn--[a-z0-9-]{2,40}|\pL{2,24})")

    def find(self, data: bytes) -> Iterator[Span]:
        """Its matches."""
        at = data.find(b"@")
        while at >= 0:
            after = data[at + 1 : at + 1 + _DOMAIN_BYTES]
            domain = self._domain.match(after) if b"." in after else None
            if domain is not None:
                local = self._local.search(data[max(0, at - _LOCAL_BYTES) : at])
                start = at if local is None else at - local.end() + local.start()
                if start < at and data[start:at] != b"git":
                    yield Span("email", start, at + 1 + domain.end())
            at = data.find(b"@", at + 1)
