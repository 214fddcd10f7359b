"""Which folders of documents a restored workspace does not find from its new place: a backup holds texts and answers, and no sources."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.config.located import read

if TYPE_CHECKING:
    from headrace.config.layout import Layout


@dataclass(frozen=True, slots=True)
class Lost:
    """A source whose folder is not there: its file, the folder as that names it, and where that leads from here."""

    file: str
    folder: str
    leads_to: str


def lost(layout: Layout) -> list[Lost]:
    """The sources whose folders are not there, by their files; a file that cannot be read is `headrace check`'s to tell."""
    found: list[Lost] = []
    for path in sorted((layout.workspace / "sources").glob("*.yaml")):
        root = read(path.read_text(encoding="utf-8", errors="replace")).root
        node = root.member("folder") if root is not None else None
        folder = node.value if node is not None else None
        if isinstance(folder, str) and "\0" not in folder and not (layout.workspace / folder).is_dir():
            leads_to = Path(layout.workspace, folder).resolve()
            found.append(Lost(path.relative_to(layout.workspace).as_posix(), folder, str(leads_to)))
    return found
