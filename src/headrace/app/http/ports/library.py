"""Sources and documents, as HTTP sees them: what a principal may know of them now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from headrace.core.values import Principal
    from headrace.knowledge.documents.places import Places


@dataclass(frozen=True, slots=True)
class Document:
    """The stored text of one document version, and where things are in it. `name` is ``source/path``."""

    name: str
    version: str
    text: str = field(repr=False)
    places: Places = field(repr=False)


@dataclass(frozen=True, slots=True)
class Readership:
    """Who may read what matches `path` (a glob over the path inside the source; empty: all that no rule matches)."""

    path: str
    groups: Sequence[str]
    people: Sequence[str]


@dataclass(frozen=True, slots=True)
class Care:
    """What only those see who look after a source (action ``curate``). `fault` is why it could not be listed; `unread` counts the documents
    that could not be read; `readers` are its rules: the first that matches a path holds, the last for the rest."""

    folder: str
    fault: str
    unread: int
    readers: Sequence[Readership]


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """A source. Counts are of the documents that this principal may see: those that it may read; to a curator, all of them."""

    name: str
    about: str
    owner: str
    sensitivity: str
    reads: bool
    """Whether it may read any of it: a curator need not be a reader."""
    through: Sequence[str]
    """The groups through which it reads; empty for somebody who is named."""
    documents: int
    passages: int
    vectors: int
    changed_us: int
    """When a document of it was last read anew; 0: never."""
    looked_us: int
    """When a pass looked at it last; 0: never."""
    services: Sequence[str]
    """Those that answer from it and that this principal may ask."""
    care: Care | None = None


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """A document as it was read last. `reason` and `mend` are said of one that could not be read, and only to curators."""

    name: str
    version: str
    passages: int
    size: int
    """Bytes of the stored text; 0 when there is none."""
    read_us: int
    versions: int
    reads: bool
    reason: str = ""
    mend: str = ""

    @property
    def state(self) -> str:
        """``found`` by searches, ``empty`` (nothing in it can be found), ``unread``."""
        return "unread" if self.reason else "found" if self.passages else "empty"


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """One version of a document that is kept. 0: not known. `until_us` is None for the version that holds."""

    version: str
    since_us: int
    until_us: int | None
    passages: int
    size: int


@dataclass(frozen=True, slots=True)
class History:
    """A document with the versions that are kept, the newest first. `readers`: the rule that holds for it, for curators."""

    document: DocumentFacts
    versions: Sequence[VersionFacts]
    readers: Readership | None


@dataclass(frozen=True, slots=True)
class Shelf:
    """Some of a source's documents, in the order of their paths; `total` of them pass the filter."""

    source: SourceFacts
    documents: Sequence[DocumentFacts]
    total: int


class Library(Protocol):
    """What a principal may know of sources and documents now: of its tenant, in the revision in force, as a reader or as a curator.

    A key that is bound to services opens only what those answer from. What is unknown and what is not for them look the same: None. Names
    come from URLs and are to be mistrusted. Methods raise Unavailable when the list of documents cannot be read.
    """

    def opens(self, principal: Principal) -> bool:
        """Whether there is any source for this principal."""
        ...

    async def sources(self, principal: Principal) -> Sequence[SourceFacts]:
        """The sources, in order of name."""
        ...

    async def shelf(
        self, principal: Principal, source: str, *, text: str = "", state: str = "", skip: int = 0, most: int = 50
    ) -> Shelf | None:
        """Documents whose path holds `text`, of a `state` (``found``, ``empty``, ``unread``; empty: any)."""
        ...

    async def history(self, principal: Principal, name: str) -> History | None:
        """A document ``source/path`` and its versions."""
        ...

    async def document(self, principal: Principal, name: str, version: str) -> Document | None:
        """The stored text of a version of document ``source/path``, if this principal may read it. Curators who are not readers may not."""
        ...

    async def holding(self, principal: Principal, versions: Collection[str]) -> Mapping[str, Sequence[str]]:
        """By version, the documents that have it (or lately had it) and that this principal may read: a record names versions, and no
        documents. A version of which it may read none is not there."""
        ...
