"""Sources and documents of the revision in force, for whoever may see them. Port :class:`headrace.app.http.ports.library.Library`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headrace.app.http.ports.library import Care, Document, DocumentFacts, History, Readership, Shelf, SourceFacts, VersionFacts
from headrace.app.ingest.progress import progress
from headrace.config.readers import acl_of, acls_for
from headrace.core.errors import NotFound
from headrace.knowledge.documents.inventory import Filter, Inventory
from headrace.knowledge.documents.store import places_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from headrace.config.layout import Layout
    from headrace.config.model import Source
    from headrace.core.values import Principal
    from headrace.knowledge.documents.inventory import Known, Seen
    from headrace.knowledge.documents.store import DocumentStore
    from headrace.pipeline.rooms import Rooms

MENDS: Final[Mapping[str, str]] = {
    "ingest.unsupported": "Save it in a form that is read, or name it under exclude in the source's file.",
    "ingest.empty": "Put the document's text back, or name it under exclude in the source's file.",
    "ingest.too_large": "Split it into smaller documents.",
    "ingest.too_slow": "Split it into smaller documents, or save it anew in a simpler form.",
    "ingest.refused": "Put a file of its own there, inside the source's folder.",
}
"""What to do about a document that could not be read, by the code of its fault, where the converter does not say."""
MEND: Final = "Open it in the program that made it, and save it anew; without a password, if it has one."
"""For every other fault."""


@dataclass(frozen=True, slots=True)
class _View:
    """A source as one principal may see it, decided before anything is looked up: the policy engine is asked in one thread alone."""

    form: Source
    principal: Principal
    held: frozenset[str]
    """Its access lists that the principal satisfies."""
    curates: bool
    services: Sequence[str]

    @property
    def there(self) -> bool:
        return self.curates or bool(self.held)

    @property
    def seen(self) -> Seen:
        """Which of its documents: a reader sees what it may read, a curator everything."""
        return None if self.curates or not self.form.rules else self.reads

    def reads(self, path: str) -> bool:
        return acl_of(self.form, path) in self.held

    @property
    def through(self) -> list[str]:
        groups = {group for each in self.readers if self._acl(each) in self.held for group in each.groups}
        return sorted(groups & self.principal.groups)

    @property
    def readers(self) -> Sequence[Readership]:
        rules = [Readership(rule.path, rule.readers.groups, rule.readers.people) for rule in self.form.rules]
        return [*rules, Readership("", self.form.readers.groups, self.form.readers.people)]

    def rule(self, path: str) -> Readership:
        """The one that holds for a document."""
        acl = acl_of(self.form, path)
        return next(each for each in self.readers if self._acl(each) == acl)

    def _acl(self, readers: Readership) -> str:
        return f"{self.form.source}:{readers.path}" if readers.path else self.form.source


class SourceLibrary:
    """Looks at the revision in force each time it is asked, so readers are always today's."""

    def __init__(self, layout: Layout, rooms: Callable[[], Rooms], documents: Callable[[str], DocumentStore]) -> None:
        self._layout = layout
        self._rooms = rooms
        self._documents = documents

    def opens(self, principal: Principal) -> bool:
        """Whether there is any source for this principal."""
        return any(self._view(name, principal) for name in self._rooms().workspace.sources)

    async def sources(self, principal: Principal) -> Sequence[SourceFacts]:
        """The sources, in order of name."""
        views = [view for name in sorted(self._rooms().workspace.sources) if (view := self._view(name, principal))]
        return await asyncio.to_thread(lambda: [self._source(view) for view in views])

    async def shelf(
        self, principal: Principal, source: str, *, text: str = "", state: str = "", skip: int = 0, most: int = 50
    ) -> Shelf | None:
        """Documents whose path holds `text`, of a `state`."""
        view = self._view(source, principal)
        return None if view is None else await asyncio.to_thread(self._shelf, view, Filter(text, state), skip, most)

    async def history(self, principal: Principal, name: str) -> History | None:
        """A document and its versions."""
        source, _, path = name.partition("/")
        view = self._view(source, principal)
        if view is None or not (view.curates or view.reads(path)):
            return None
        return await asyncio.to_thread(self._history, view, name)

    async def document(self, principal: Principal, name: str, version: str) -> Document | None:
        """The stored text of a version of a document; None whatever keeps it from them."""
        source, _, path = name.partition("/")
        view = self._view(source, principal)
        if view is None or not path or not view.reads(path):
            return None
        return await asyncio.to_thread(self._stored, view.form.tenant, name, version)

    async def holding(self, principal: Principal, versions: Collection[str]) -> Mapping[str, Sequence[str]]:
        """By version, the documents that have it and that this principal may read."""
        views = {name: view for name in self._rooms().workspace.sources if (view := self._view(name, principal))}
        inventory = Inventory(self._layout.manifest(principal.tenant))
        found: dict[str, list[str]] = {}
        for version, document in await asyncio.to_thread(inventory.holding, versions) if views and versions else ():
            source, _, path = document.partition("/")
            if source in views and views[source].reads(path):
                found.setdefault(version, []).append(document)
        return found

    def _view(self, source: str, principal: Principal) -> _View | None:
        """None when this principal may not know of the source: as if there were none."""
        rooms = self._rooms()
        form, decide = rooms.workspace.sources.get(source), rooms.policy.decide
        if form is None or form.tenant != principal.tenant:
            return None
        services = sorted(rooms.workspace.services.values(), key=lambda each: each.service)
        answering = [each.service for each in services if each.knowledge is not None and source in each.knowledge.sources]
        if principal.services is not None and principal.services.isdisjoint(answering):
            return None  # a key that is bound to services opens what those answer from
        curates = decide(principal, "curate", ("Source", source), {}).allowed
        asked = [name for name in answering if decide(principal, "ask", ("Service", name), {}).allowed]
        view = _View(form, principal, acls_for((form,), principal), curates, asked)
        return view if view.there else None

    def _source(self, view: _View) -> SourceFacts:
        form, inventory = view.form, self._inventory(view)
        totals = inventory.totals(form.source, Filter(state="" if view.curates else "read"), view.seen)
        look = inventory.look(form.source)
        return SourceFacts(
            name=form.source,
            about=form.about,
            owner=form.owner,
            sensitivity=form.sensitivity.name.lower(),
            reads=bool(view.held),
            through=view.through,
            documents=totals.documents,
            passages=totals.passages,
            vectors=self._vectors(view, totals.passages),
            changed_us=totals.changed_us,
            looked_us=look.time_us if look else 0,
            services=view.services,
            care=Care(form.folder, look.fault if look else "", totals.unread, view.readers) if view.curates else None,
        )

    def _vectors(self, view: _View, passages: int) -> int:
        """A pass that is done has given every passage its vector; while one is under way they are counted."""
        now = progress(self._layout)
        if now is None or now.ended:
            return passages
        start, seen = view.form.source + "/", view.seen
        counted = self._inventory(view).vectors(lambda name: name.startswith(start) and (seen is None or seen(name[len(start) :])))
        return counted.get(view.form.source, 0)

    def _shelf(self, view: _View, wanted: Filter, skip: int, most: int) -> Shelf:
        if not view.curates and wanted.state in {"", "unread"}:
            wanted = Filter(wanted.text, "read")
        inventory, source = self._inventory(view), view.form.source
        known = inventory.documents(source, wanted, view.seen, skip=skip, most=most)
        total = inventory.totals(source, wanted, view.seen).documents
        return Shelf(self._source(view), [self._facts(view, each) for each in known], total)

    def _history(self, view: _View, name: str) -> History | None:
        inventory = self._inventory(view)
        known = inventory.document(name)
        if known is None or not (known.version or view.curates) or not (known.version or known.reason):
            return None  # the last is an archive: nothing but what it holds
        texts = self._documents(view.form.tenant)
        versions = [
            VersionFacts(each.version, each.since_us, each.superseded_us, each.passages, texts.size(each.version))
            for each in inventory.versions(name)
        ]
        return History(self._facts(view, known), versions, view.rule(_path(name)) if view.curates else None)

    def _facts(self, view: _View, known: Known) -> DocumentFacts:
        size = self._documents(view.form.tenant).size(known.version) if known.version else 0
        mend = (known.mend or MENDS.get(known.fault, MEND)) if known.reason else ""
        reads = view.reads(_path(known.name))
        return DocumentFacts(known.name, known.version, known.passages, size, known.read_us, known.versions, reads, known.reason, mend)

    def _stored(self, tenant: str, name: str, version: str) -> Document | None:
        if not Inventory(self._layout.manifest(tenant)).has(name, version):
            return None
        try:
            stored = self._documents(tenant).get(version)
        except NotFound:
            return None
        return Document(name, version, stored.text, places_of(stored))

    def _inventory(self, view: _View) -> Inventory:
        return Inventory(self._layout.manifest(view.form.tenant))


def _path(name: str) -> str:
    return name.partition("/")[2]
