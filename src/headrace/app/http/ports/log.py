"""The log, as HTTP sees it: what of it may be shown, and to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.core.values import Principal
    from headrace.evidence.log.tiles import Tile


class Log(Protocol):
    """The log as it may be shown. Every method raises Unavailable when it cannot be read now."""

    @property
    def public(self) -> bool:
        """Are checkpoint and hashes for everybody, without a key?"""
        ...

    async def checkpoint(self) -> str | None:
        """The latest signed checkpoint; None while the log is empty."""
        ...

    async def hashes(self, tile: Tile) -> bytes | None:
        """A tile of hashes; None when the log has not that many."""
        ...

    async def entries(self, principal: Principal, tile: Tile) -> bytes | None:
        """A bundle of records; None when the log has not that many, when policy does not let this principal ``audit`` the log (nor
        any key that is bound to services), or when any of them is not of its tenant: no policy can give a tenant the records of another."""
        ...

    async def growth(self, since: int) -> Mapping[str, object] | None:
        """The latest checkpoint, and the proof that its tree begins with the one of `since` records; None when there are not so many."""
        ...
