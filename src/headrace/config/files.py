"""Which files of a folder make the workspace, read with care: sizes, symbolic links, encodings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.config.faults import Fault
from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 1024 * 1024
"""Bytes of one file."""
ROOT = "headrace.yaml"
PEOPLE = "people.yaml"
KINDS = ("services", "deployments", "sources", "models")
"""Folders with one YAML file a thing."""
POLICIES = "policies"


def is_workspace(folder: Path) -> bool:
    """Whether somebody made a workspace there."""
    return (folder / ROOT).exists()


def require_workspace(folder: Path) -> None:
    """Raises OperationFailed where nobody made a workspace."""
    if not is_workspace(folder):
        msg = f"There is no workspace at {folder} (no {ROOT})."
        raise OperationFailed(msg, code="workspace.none", mend=f"Make one: headrace init --workspace {folder}")


class Folder:
    """A workspace's folder while it is read. `texts` fills with every file that was read, `faults` with what kept others from it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._real = folder.resolve()
        self.texts: dict[str, str] = {}
        self.faults: list[Fault] = []

    def read(self, path: str) -> str | None:
        """The text of a file by its path in the workspace; None when there is a fault instead."""
        if path in self.texts:
            return self.texts[path]
        text = self._read(path)
        if text is not None:
            self.texts[path] = text
        return text

    def exists(self, path: str) -> bool:
        """Whether something stands there, a broken symbolic link too."""
        try:
            return (self._folder / path).exists() or (self._folder / path).is_symlink()
        except (OSError, ValueError):
            return False

    def inside(self, path: str) -> bool:
        """Whether the path, its symbolic links followed, stays in the workspace."""
        try:
            return (self._folder / path).resolve().is_relative_to(self._real)
        except (OSError, ValueError, RuntimeError):
            return False

    def is_folder(self, path: str) -> bool:
        """Whether a folder is there; a relative path starts at the workspace."""
        try:
            return (self._folder / path).is_dir()
        except (OSError, ValueError):
            return False

    def prompts(self) -> list[str]:
        """Paths of what stands in ``prompts/``, to offer in place of one that does not."""
        try:
            return sorted(f"prompts/{each.name}" for each in (self._folder / "prompts").iterdir())
        except OSError:
            return []

    def names(self, kind: str, suffix: str) -> list[str]:
        """Paths of the files of a kind, in order. A file with the suffix's twin (``.yml``) is a fault: it would be passed over."""
        try:
            found = sorted((self._folder / kind).iterdir(), key=lambda each: each.name) if self.is_folder(kind) else []
        except OSError as error:
            self._fault(kind, f"this folder cannot be read: {error.strerror}", "Give yourself leave to read it.")
            return []
        names: list[str] = []
        for each in found:
            if each.name.startswith("."):
                continue
            if each.suffix == suffix:
                names.append(f"{kind}/{each.name}")
            elif suffix == ".yaml" and each.suffix.lower() in {".yml", ".yaml", ".json"}:
                self._fault(
                    f"{kind}/{_printable(each.name)}",
                    "this file is not read: its name does not end in .yaml",
                    f"Rename it to {_printable(each.stem)}.yaml.",
                )
        return names

    def _read(self, path: str) -> str | None:
        where = self._folder / path
        try:
            path.encode()
            if not self.inside(path):
                return self._fault(
                    path, "this symbolic link leaves the workspace", "Put the file itself here: a revision must hold all that it says."
                )
            size = where.stat().st_size
            if size > LARGEST:
                return self._fault(path, f"{size:,} bytes are too many for one file: at most {LARGEST:,}", "Split it.")
            if not where.is_file():
                return self._fault(path, "this is not a file", "Only plain files make a workspace.")
            raw = where.read_bytes()
        except OSError as error:
            return self._fault(path, f"this file cannot be read: {error.strerror}", "Give yourself leave to read it, or remove it.")
        except ValueError:
            return self._fault(_printable(path), "this file's name is not text (UTF-8)", "Rename it.")
        return self._decode(path, raw)

    def _decode(self, path: str, raw: bytes) -> str | None:
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            before = raw[: error.start].decode("utf-8", errors="replace")
            line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
            self.faults.append(Fault(path, line, column, f"byte 0x{raw[error.start]:02x} is not UTF-8", "Save the file as UTF-8."))
            return None

    def _fault(self, path: str, message: str, mend: str) -> None:
        self.faults.append(Fault(path, 1, 1, message, mend))


def _printable(name: str) -> str:
    return name.encode("utf-8", errors="replace").decode()
