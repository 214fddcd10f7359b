"""The stored texts of documents, by content: what passages are stretches of and citations resolve to.

    FOLDER/3f/3f9a….txt   the text (UTF-8, character for character)
    FOLDER/3f/3f9a….json  its media type, and its places (pages, slides, tables)

A version is the SHA-256 of its text. Files are written beside their place and renamed into it, so a reader sees all or nothing. Light:
the gateway imports it. Versions are removed only by :meth:`DocumentStore.sweep`; ingestion says which (see its manifest).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import msgspec

from headrace.core.errors import NotFound
from headrace.core.values import Place
from headrace.knowledge.documents.places import Places

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

_KEPT_CHARACTERS = 4_000_000
_VERSION = re.compile(r"[0-9a-f]{64}")


class _Form(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept beside a text. `pages` is how places were kept first, when only PDF had some."""

    media_type: str
    places: tuple[Place, ...] = ()
    pages: tuple[tuple[int, int], ...] = ()


_FORM = msgspec.json.Decoder(_Form)


@dataclass(frozen=True, slots=True)
class Stored:
    """A version as it is kept."""

    text: str
    media_type: str
    places: tuple[Place, ...]


class DocumentStore:
    """The texts in one tenant's folder. One writer at a time (the ingest lock), any number of readers and threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._recent: OrderedDict[str, Stored] = OrderedDict()
        self._characters = 0
        self._lock = Lock()

    def put(self, text: str, media_type: str, places: Sequence[Place] = ()) -> str:
        """Keep a text durably; returns its version. A text that is there already keeps the form in which it came first, so that the
        places of its passages do not change."""
        content = text.encode()
        version = hashlib.sha256(content).hexdigest()
        if self.has(version):
            return version
        home = self._home(version)
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(home / f"{version}.json", msgspec.json.encode(_Form(media_type, tuple(places))))
        _write(home / f"{version}.txt", content)  # last: with it the version is there
        return version

    def has(self, version: str) -> bool:
        """Whether a version is kept."""
        return (self._home(version) / f"{version}.txt").is_file()

    def size(self, version: str) -> int:
        """Bytes of a version's text; 0 when it is not kept."""
        try:
            return (self._home(version) / f"{version}.txt").stat().st_size
        except FileNotFoundError:
            return 0

    def get(self, version: str) -> Stored:
        """A version. Raises NotFound with code ``knowledge.version_gone``."""
        with self._lock:
            found = self._recent.get(version)
            if found is not None:
                self._recent.move_to_end(version)
                return found
        return self._remember(version, self._read(version))

    def text(self, version: str) -> str:
        """The text of a version. Raises NotFound."""
        return self.get(version).text

    def slice(self, version: str, start: int, end: int) -> str:
        """The characters that a passage or citation names. Raises NotFound, also when they lie outside of the text."""
        text = self.text(version)
        if not 0 <= start <= end <= len(text):
            raise NotFound(f"Characters {start} to {end} do not exist in this version.", code="knowledge.no_such_place")
        return text[start:end]

    def place(self, version: str, offset: int) -> str:
        """What a person looks for, as :meth:`Places.at` says it. Raises NotFound."""
        return places_of(self.get(version)).at(offset, offset + 1)

    def versions(self) -> frozenset[str]:
        """Every version that is kept."""
        return frozenset(path.stem for path in self._folder.glob("??/*.txt") if _VERSION.fullmatch(path.stem))

    def sweep(self, keep: Collection[str]) -> int:
        """Remove every version but these, and what a killed writer left; returns how many versions went."""
        gone = self.versions() - frozenset(keep)
        for version in gone:
            (self._home(version) / f"{version}.txt").unlink(missing_ok=True)
        for path in self._folder.glob("??/*"):
            if path.suffix != ".txt" and not (path.suffix == ".json" and path.with_suffix(".txt").exists()):
                path.unlink(missing_ok=True)
        with self._lock:
            for version in gone & self._recent.keys():
                self._characters -= len(self._recent.pop(version).text)
        return len(gone)

    def _home(self, version: str) -> Path:
        if not _VERSION.fullmatch(version):
            raise NotFound("That is not a version of a document.", code="knowledge.version_gone")
        return self._folder / version[:2]

    def _read(self, version: str) -> Stored:
        home = self._home(version)
        try:
            text = (home / f"{version}.txt").read_bytes().decode()
            form = _FORM.decode((home / f"{version}.json").read_bytes())
        except FileNotFoundError:
            raise NotFound(
                "This version of the document is no longer kept.", code="knowledge.version_gone", mend="Ask again for one that is."
            ) from None
        return Stored(text, form.media_type, form.places or tuple(_page(*each) for each in enumerate(form.pages, start=1)))

    def _remember(self, version: str, stored: Stored) -> Stored:
        with self._lock:
            if version not in self._recent:
                self._recent[version] = stored
                self._characters += len(stored.text)
            while self._characters > _KEPT_CHARACTERS and len(self._recent) > 1:
                self._characters -= len(self._recent.popitem(last=False)[1].text)
        return stored


def places_of(stored: Stored) -> Places:
    """Where the offsets of a stored text are."""
    return Places(stored.text, stored.media_type, stored.places)


def _page(number: int, page: tuple[int, int]) -> Place:
    return Place(*page, f"page {number}")


def _write(path: Path, content: bytes) -> None:
    beside = path.with_name(path.name + ".new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
