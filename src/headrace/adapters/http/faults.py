"""What goes wrong between the two ends. TimeoutError, as everywhere, means that the time is over."""

from __future__ import annotations


class ExchangeFailed(Exception):
    """An exchange that did not come to its end."""


class Unreachable(ExchangeFailed):
    """No connection could be made. `errno` is the system's number for why, 0 where it has none."""

    def __init__(self, said: str, errno: int = 0) -> None:
        super().__init__(said)
        self.errno = errno


class BrokenOff(ExchangeFailed):
    """The connection ended before the response did. `unheard`: before its first byte."""

    def __init__(self, *, unheard: bool) -> None:
        super().__init__("the connection ended before the response did")
        self.unheard = unheard


class NotHttp(ExchangeFailed):
    """What came is no HTTP response, or more of a head than anybody sends."""


class TooLong(NotHttp):
    """A body longer than whoever asked can expect."""
