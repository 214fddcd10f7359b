"""One look at something, and what was found: what every endpoint takes and gives that reads no body."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, cast
from urllib.parse import parse_qsl

from headrace.app.http.exchange.credentials import bearer
from headrace.core.errors import BadRequest, UnsupportedParameter

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from starlette.types import Scope

    from headrace.app.http.ports.gateway import Gateway
    from headrace.core.values import Principal

JSON: Final = b"application/json"
MOST_FIELDS: Final = 32


@dataclass(frozen=True, slots=True)
class Look:
    """One request to look something up."""

    gateway: Gateway
    scope: Scope

    @property
    def name(self) -> str:
        """What the path names (``{name}``)."""
        return cast("str", self.scope["path_params"]["name"])

    async def principal(self) -> Principal:
        """Who asks. Raises Unauthenticated."""
        return await self.gateway.authenticate(bearer(self.scope))

    def query(self, known: Collection[str]) -> Mapping[str, str]:
        """The parameters of the address. Raises UnsupportedParameter for one that is not `known`, BadRequest for what is no text or stands
        twice: what is asked for is done or refused, never dropped."""
        try:
            encoded = bytes(self.scope["query_string"]).decode("ascii")
            pairs = parse_qsl(encoded, keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MOST_FIELDS)
        except ValueError:
            raise BadRequest("The query of the address is not text, or has too many parts.", mend="Encode it as UTF-8, once.") from None
        found = dict(pairs)
        for name in found:
            if name not in known:
                shown = name if name.isprintable() and len(name) <= MOST_FIELDS else "a parameter"
                raise UnsupportedParameter(f"There is no parameter of this name: {shown}.", mend=f"Known: {', '.join(known)}.")
        if len(found) != len(pairs):
            raise BadRequest("A parameter stands twice in the address.", mend="Send each once.")
        return found


@dataclass(frozen=True, slots=True)
class Found:
    """What was found."""

    content: bytes = field(repr=False)
    status: int = 200
    media: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Endpoint(Protocol):
    """Finds it. Raises HeadraceError."""

    async def __call__(self, look: Look, /) -> Found:
        """The page."""
        ...
