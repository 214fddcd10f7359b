"""Failed sign-ins, by client address: a few at once, then one now and then. A key cannot be guessed anyway (256 bits); this keeps those
who try from filling the log and the store's time."""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from headrace.core.errors import Overloaded

if TYPE_CHECKING:
    from starlette.types import Scope

    from headrace.core.ports import Clock

FREE: Final = 5
"""Failures that an address has at once."""
EVERY_S: Final = 10.0
"""Seconds after which it has one more."""
ADDRESSES: Final = 4096
"""Addresses that are remembered; the one that failed longest ago is forgotten first."""
_V6_NETWORK = 64
"""Bits of an IPv6 address that tell one client from another: below, anybody has as many as they like."""


class Attempts:
    """The failures of one gateway process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._spent: OrderedDict[str, float] = OrderedDict()
        """By address, when its failures will all be forgiven (monotonic seconds)."""

    def check(self, client: str) -> None:
        """Raises Overloaded (429) with the seconds to wait."""
        wait = self._spent.get(client, 0.0) - self._clock.monotonic() - (FREE - 1) * EVERY_S
        if wait <= 0:
            return
        seconds = math.ceil(wait)
        raise Overloaded(
            "Too many keys that are not valid came from this address.",
            code="identity.too_many_attempts",
            mend=f"Wait {seconds} s and try again.",
            retry_after=float(seconds),
        )

    def failed(self, client: str) -> None:
        """One more failure."""
        self._spent[client] = max(self._spent.get(client, 0.0), self._clock.monotonic()) + EVERY_S
        self._spent.move_to_end(client)
        if len(self._spent) > ADDRESSES:
            self._spent.popitem(last=False)


def client_of(scope: Scope) -> str:
    """The address that a request came from; an IPv6 address stands for its network."""
    client = scope.get("client")
    try:
        address = ipaddress.ip_address(str(client[0]) if client else "")
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, _V6_NETWORK), strict=False))
    return str(address)
