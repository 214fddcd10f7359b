"""Signing in with a company's provider, as the console sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class SignIns(Protocol):
    """What the revision in force says of signing in. `secret` is a text that only this browser and its cookie have: state, nonce and the
    code verifier are made from it, so nothing is kept here between the two halves of a sign-in."""

    @property
    def provider(self) -> str | None:
        """The provider's name, as people know it; None where keys alone open the console."""
        ...

    @property
    def lasts_s(self) -> float:
        """Seconds that a session lasts at most."""
        ...

    async def begin(self, secret: str, redirect: str) -> str:
        """The provider's address that somebody is sent to, and comes back from to `redirect`. Raises NotFound without a provider,
        Unavailable, UpstreamFailed."""
        ...

    async def finish(self, secret: str, redirect: str, came: Mapping[str, str]) -> str:
        """The token of a new session, for what the provider sent them back with.

        Raises Forbidden (``identity.provider_refused``, ``…unknown_person``, ``…person_taken``, ``…name_changed``, ``…not_active``),
        Unauthenticated when something does not hold, Unavailable, UpstreamFailed, OperationFailed.
        """
        ...

    async def farewell(self, back: str) -> str | None:
        """The provider's address at which one signs out there too, coming back to `back`; None where it has none."""
        ...

    async def signed_out(self, token: str) -> int:
        """The provider says that somebody signed out there (Back-Channel Logout): their sessions end; how many. Raises
        Unauthenticated when the token does not hold, NotFound without a provider."""
        ...
