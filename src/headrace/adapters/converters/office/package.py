"""Office files of the XML kind (PPTX, XLSX) as packages of parts that refer to each other. Runs in the conversion child."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from headrace.core.errors import ConversionFailed

if TYPE_CHECKING:
    import zipfile
    from xml.etree.ElementTree import Element

OFFICE = "http://schemas.openxmlformats.org/"
RELATION = f"{{{OFFICE}officeDocument/2006/relationships}}"


class Package:
    """The parts of an Office file, and how they refer to each other."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.names = frozenset(archive.namelist())

    def xml(self, path: str) -> Element:
        """A part. Raises ConversionFailed when it is not there or not XML."""
        try:
            return ET.fromstring(self.archive.read(path))  # noqa: S314  in the child, with its limits; expat bounds what entities grow to
        except (KeyError, ET.ParseError):
            raise ConversionFailed("It is broken: one of its parts cannot be parsed.", mend="Open it, and save it anew.") from None

    def related(self, path: str) -> dict[str, tuple[str, str]]:
        """What a part refers to: by id, the kind of relation and the path."""
        folder, name = posixpath.split(path)
        where = f"{folder}/_rels/{name}.rels"
        if where not in self.names:
            return {}
        return {
            each.get("Id", ""): (
                each.get("Type", "").rpartition("/")[2],
                posixpath.normpath(posixpath.join(folder, each.get("Target", ""))).lstrip("/"),
            )
            for each in self.xml(where)
            if each.get("TargetMode") != "External"
        }

    def has(self, path: str) -> bool:
        """Whether a part is there."""
        return path in self.names
