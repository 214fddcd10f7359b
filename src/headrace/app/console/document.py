"""A stored document version, opened at the quote that a citation names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from headrace.app.console.excerpt import excerpt
from headrace.core.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.app.console.visit import Visit
    from headrace.app.http.ports.library import Document

PLAIN: Final = b"text/plain; charset=utf-8"
_LONGEST = 2048
_DIGITS = 12
"""Of an offset; more than any text has characters."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """The characters that the address names. `there`: they lie within the text."""

    start: int = 0
    end: int = 0
    named: bool = False
    there: bool = False


async def show(visit: Visit) -> None:
    """The document around the quote, or (``whole=1``) all of its text. Raises NotFound alike for what is unknown, gone, and not for
    this person."""
    session = await visit.session()
    name, version = visit.query.get("name", ""), visit.query.get("version", "")
    found = await visit.gateway.library.document(session.principal, name, version) if sound(name) and sound(version) else None
    if found is None:
        raise NotFound(
            "There is no such version of a document that you may read.",
            code="document.not_there",
            mend="It was changed or removed since it was quoted, or its readers are others now. Ask again for what holds today.",
        )
    if visit.query.get("whole"):
        await visit.sender.whole(200, found.text.encode(), [], PLAIN)
    else:
        await _page(visit, found)


def sound(given: str) -> bool:
    """Whether an address can have meant this as a name."""
    return 0 < len(given) <= _LONGEST


async def _page(visit: Visit, document: Document) -> None:
    quoted = _quoted(visit.query, len(document.text))
    shown = excerpt(document.text, quoted.start, quoted.end, _offset(visit.query, "at"))
    place = {"name": document.name, "version": document.version} | (
        {"start": str(quoted.start), "end": str(quoted.end)} if quoted.there else {}
    )
    content = {
        "document": document,
        "quoted": quoted,
        "place": document.places.at(quoted.start, quoted.end) if quoted.there else "",
        "shown": shown,
        "earlier": _link(place, at=shown.earlier),
        "later": _link(place, at=shown.later),
        "whole": _link(place, whole=1) if shown.earlier is not None or shown.later is not None else None,
        "back": f"{_link(place)}#quote",
    }
    await visit.page("document.html", content)


def _quoted(query: Mapping[str, str], size: int) -> Quoted:
    start, end = _offset(query, "start"), _offset(query, "end")
    if start is None or end is None:
        return Quoted()
    return Quoted(start, end, named=True, there=True) if start < end <= size else Quoted(named=True)


def _offset(query: Mapping[str, str], name: str) -> int | None:
    given = query.get(name, "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) <= _DIGITS else None


def _link(place: Mapping[str, str], **more: int | None) -> str | None:
    """This document's page with something more in its address; None when that is not there."""
    if None in more.values():
        return None
    return f"/console/document?{urlencode({**place, **more})}"
