"""An area of the console: pages behind one entry of the navigation, for those whom policy lets in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.app.console.visit import Visit
    from headrace.app.http.ports.gateway import Gateway
    from headrace.core.values import Principal

Page: TypeAlias = "Callable[[Visit], Awaitable[None]]"
Pages: TypeAlias = Mapping[str, Mapping[str, Page]]
"""By path and method. A path may end in ``/{name}``: one part more, which the page finds as ``visit.name``."""

NAME: Final = "/{name}"


@dataclass(frozen=True, slots=True)
class Area:
    """`path` is the page that its entry leads to. `may`: whether policy lets this person in; a page decides again what it shows."""

    title: str
    path: str
    may: Callable[[Gateway, Principal], bool]
    pages: Pages


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the navigation. `current`: ``page`` on the area's first page, ``true`` on its others, empty elsewhere."""

    title: str
    path: str
    current: str


@dataclass(frozen=True, slots=True)
class Found:
    """The pages at a path: by method, with the name that ended it, and the area that they belong to."""

    pages: Mapping[str, Page]
    name: str
    area: Area | None


class Areas:
    """Every page of the console, by path. `others` are pages of no area."""

    def __init__(self, areas: Sequence[Area], others: Pages) -> None:
        self._areas = areas
        self._pages = {path: (None, pages) for path, pages in others.items()}
        for area in areas:
            self._pages |= {path: (area, pages) for path, pages in area.pages.items()}

    def find(self, path: str) -> Found | None:
        """What is at `path`; None when nothing is."""
        before, _, name = path.rpartition("/")
        for pattern, ended in ((path, ""), (before + NAME, name)):
            if (found := self._pages.get(pattern)) is not None and (not ended or ended.isprintable()):
                return Found(found[1], ended, found[0])
        return None

    def navigation(self, gateway: Gateway, principal: Principal, path: str) -> list[Entry]:
        """The entries that this person has, seen from `path`."""
        here = found.area if (found := self.find(path)) is not None else None
        return [
            Entry(area.title, area.path, ("page" if path == area.path else "true") if area is here else "")
            for area in self._areas
            if area.may(gateway, principal)
        ]
