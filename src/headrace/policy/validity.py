"""Whether a key holds at a moment, in words for whoever shows it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from headrace.core.errors import Unauthenticated

if TYPE_CHECKING:
    from headrace.core.values import StoredKey

_NEW_ONE = "Ask for a new one: headrace keys create makes it."


def require_valid(key: StoredKey, now_us: int) -> None:
    """Raises Unauthenticated (``identity.revoked_key``, ``identity.expired_key``) unless the key holds now."""
    if key.revoked_us is not None:
        message = f"This key ({key.id}…) was revoked {_when(key.revoked_us)}."
        raise Unauthenticated(message, code="identity.revoked_key", mend=_NEW_ONE)
    if key.expires_us is not None and key.expires_us <= now_us:
        message = f"This key ({key.id}…) expired {_when(key.expires_us)}."
        raise Unauthenticated(message, code="identity.expired_key", mend=_NEW_ONE)


def missing() -> Unauthenticated:
    """Nobody said who asks."""
    return Unauthenticated("No key was sent.", code="identity.no_key", mend='Send it as the header "Authorization: Bearer hr_live_…".')


def unknown(*, form: bool) -> Unauthenticated:
    """A text that is no key of this installation; `form`: it at least looks like one."""
    message = "This key is not known here." if form else "This is not a whole key."
    mend = "See that it was made for this installation: headrace keys list shows how its keys begin." if form else "Copy all of it."
    return Unauthenticated(message, code="identity.unknown_key", mend=mend)


def _when(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1_000_000, tz=UTC).strftime("on %Y-%m-%d at %H:%M:%S UTC")
