"""When keys were last used: kept in memory, and written down now and then. A request never waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

EVERY_S: Final = 30.0
"""Seconds between two times that it is written down. What a process that dies had not written is lost: it is a hint, not evidence."""


class UseStore(Protocol):
    """Where it is written. Synchronous; waits for the disk."""

    def keys_used(self, used: Mapping[str, int]) -> None:
        """Keep when keys (by their id) were last used."""
        ...


class KeyUses:
    """The uses of one process since they were last written down."""

    def __init__(self) -> None:
        self._fresh: dict[str, int] = {}

    def saw(self, key_id: str, now_us: int) -> None:
        """A key was used."""
        self._fresh[key_id] = now_us

    def write(self, store: UseStore) -> None:
        """Write down what is new. What cannot be written is kept for the next time."""
        fresh, self._fresh = self._fresh, {}
        if not fresh:
            return
        try:
            store.keys_used(fresh)
        except BaseException:
            self._fresh = {**fresh, **self._fresh}
            raise
