"""Telling systemd (``Type=notify``): that it serves, that the gateway still answers, that it stops. Without systemd nothing is told."""

from __future__ import annotations

import http.client
import os
import socket
import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from threading import Event

_MICRO = 1_000_000
_LOOK_WITHIN = 5.0


def serving(url: str, stopping: Event) -> threading.Thread | None:
    """Say that `url` is served, that it answers (twice in each period of the unit's WatchdogSec), and when it is `stopping`, that it stops.

    The thread that does so; None where nobody listens.
    """
    if not os.environ.get("NOTIFY_SOCKET"):
        return None
    _tell("READY=1")
    thread = threading.Thread(target=_watch, args=(url, stopping), name="notify", daemon=True)
    thread.start()
    return thread


def _watch(url: str, stopping: Event) -> None:
    period = int(os.environ.get("WATCHDOG_USEC") or 0) / _MICRO / 2
    while not stopping.wait(period or None):
        if _answers(url):
            _tell("WATCHDOG=1")
    _tell("STOPPING=1")


def _answers(url: str) -> bool:
    there = urlsplit(url)
    with closing(http.client.HTTPConnection(there.hostname or "", there.port, timeout=_LOOK_WITHIN)) as connection:
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False


def _tell(words: str) -> None:
    """sd_notify(3). A name that begins with @ is in the abstract namespace."""
    address = os.environ["NOTIFY_SOCKET"]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.sendto(words.encode(), f"\0{address[1:]}" if address.startswith("@") else address)
