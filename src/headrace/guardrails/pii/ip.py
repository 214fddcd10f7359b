"""IP addresses of versions 4 and 6, apart from those that can be nobody's."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from headrace.guardrails.regex import occurrences, regex
from headrace.guardrails.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

_A_VERSION = re.compile(rb"(?i)\bv(?:er(?:sion)?)?[ :=.]{0,2}$|(?:release|build)[ :=]{1,2}$")
_AN_ADDRESS = re.compile(rb"(?i)\bip\b|ipv4|addr|host|peer|remote")
_LONGER = re.compile(rb"[0-9A-Za-z_:]|[.-][0-9A-Za-z]|/[0-9]")


class Addresses4:
    """``203.0.113.7``; no versions, sections, networks, masks, loopback or multicast. Port Recogniser."""

    kinds = ("ip_address",)
    signs = (r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]",)

    def __init__(self) -> None:
        self._form = regex(r"(?:^|[^0-9A-Za-z_.-])([0-9]{1,3}(?:\.[0-9]{1,3}){3})")

    def find(self, data: bytes) -> Iterator[Span]:
        """Its matches."""
        for found in occurrences(self._form, data):
            start, end = found.span(1)
            if _LONGER.match(data, end) or _A_VERSION.search(data, max(0, start - 12), start):
                continue
            text = found.group(1).decode()
            if _somebodys(text) and not (_small(text) and _AN_ADDRESS.search(data, max(0, start - 24), start) is None):
                yield Span("ip_address", start, end)


def _somebodys(text: str) -> bool:
    try:
        address = IPv4Address(text)
    except AddressValueError:
        return False
    return not (address.is_loopback or address.is_multicast or address.is_reserved or int(address) >> 24 == 0)


def _small(text: str) -> bool:
    """A first number under ten and none over 99: more likely a version or a section than an address (1 in 500 of which is so)."""
    return re.fullmatch(r"[0-9](?:\.[0-9]{1,2}){3}", text) is not None


class Addresses6:
    """``2001:db8::7``; what else has colons between small numbers (times, code) is none. Port Recogniser."""

    kinds = ("ip_address",)
    signs = ("(?i)[0-9a-f]:[0-9a-f]{0,4}:[0-9a-f]",)

    def __init__(self) -> None:
        self._form = regex(r"(?i:(?:^|[^0-9a-z_.:-])([0-9a-f]{2,4}:[0-9a-f:]{4,35}(?:[0-9.]{7,15})?))")

    def find(self, data: bytes) -> Iterator[Span]:
        """Its matches."""
        for found in occurrences(self._form, data):
            start, end = found.span(1)
            if _LONGER.match(data, end) or not any(map(str.isdigit, found.group(1).decode())):
                continue
            try:
                address = IPv6Address(found.group(1).decode())
            except AddressValueError:
                continue
            if not (address.is_multicast or address.is_loopback or address.is_unspecified):
                yield Span("ip_address", start, end)
