"""A folder as a source. Light: the watcher of an idle installation imports it.

Symbolic links are never followed, and those that would be included are named: a link could lead out of the folder, or give a document
the readers of another path. Hidden files and the folders of tools (version control, caches) are passed over in silence.
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

from headrace.core.containers import is_container
from headrace.core.errors import ConversionFailed, OperationFailed
from headrace.core.globs import matches
from headrace.core.values import SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

LARGEST_FILE = 64 * 1024 * 1024
"""Bytes. A larger file is named and not read."""
TOOL_FOLDERS = frozenset({"node_modules", "__pycache__", "CVS"})
"""Folders of tools that are not hidden by a leading dot."""
_NAMED_LIKE_A_FILE = "It is a folder with the name of an archive or a mail, and is not read. Rename it."
"""Paths behind an archive's name are what it holds, and have its readers: a folder must not look the same."""


class Folder:
    """The files below `root` that match one of `include` and none of `exclude` (globs: ``**`` spans folders). Port DocumentSource."""

    def __init__(self, root: Path, include: Sequence[str] = ("**/*",), exclude: Sequence[str] = (), *, largest: int = LARGEST_FILE) -> None:
        self._root = root
        self._include = tuple(include)
        self._exclude = tuple(exclude)
        self._largest = largest

    def files(self) -> Iterator[SourceFile]:
        """Every file, in order of path. Raises OperationFailed when the folder or one below it cannot be listed."""
        if not self._root.is_dir():
            raise OperationFailed(
                "The folder is not there; its documents stay as they were.",
                code="ingest.no_folder",
                param=str(self._root),
                mend="Mount or make it, or take the source out of the workspace.",
            )
        yield from self._below(str(self._root.resolve()), "")

    def digest(self, file: SourceFile) -> str:
        """SHA-256 (hex) of a file's content now. Raises ConversionFailed when it cannot be read."""
        try:
            descriptor = os.open(file.location, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as content:
                return hashlib.file_digest(content, "sha256").hexdigest()
        except OSError as error:
            msg = f"It cannot be opened: {error.strerror}."
            raise ConversionFailed(msg) from error

    def signature(self) -> tuple[str, float]:
        """A hash over every path and stamp, which changes whenever :meth:`files` could differ, and when the newest file changed (seconds
        since 1970). Raises OperationFailed like :meth:`files`."""
        digest = hashlib.sha256()
        newest = 0
        for file in self.files():
            digest.update(f"{file.path}\0{file.stamp}\0{file.refused}\n".encode())
            newest = max(newest, file.changed_ns)
        return digest.hexdigest(), newest / 1e9

    def _below(self, folder: str, prefix: str) -> Iterator[SourceFile]:
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=_order)
        except OSError as error:
            raise OperationFailed(f"The folder cannot be listed: {error.strerror}.", code="ingest.no_folder", param=folder) from error
        for entry in entries:
            if entry.name.startswith("."):
                continue
            path = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name in TOOL_FOLDERS or _matches(path + "/", self._exclude):
                    continue
                if is_container(entry.name):
                    yield SourceFile(_shown(path), entry.path, 0, "folder", 0, _NAMED_LIKE_A_FILE)
                else:
                    yield from self._below(entry.path, path + "/")
            elif _matches(path, self._include) and not _matches(path, self._exclude):
                found = self._file(entry, path)
                if found is not None:
                    yield found

    def _file(self, entry: os.DirEntry[str], path: str) -> SourceFile | None:
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return None  # gone since the folder was listed
        refusal = self._refusal(status, path)
        return SourceFile(_shown(path), entry.path, status.st_size, stamp(status), max(status.st_mtime_ns, status.st_ctime_ns), refusal)

    def _refusal(self, status: os.stat_result, path: str) -> str:
        if stat.S_ISLNK(status.st_mode):
            return "It is a symbolic link, and links are not followed."
        if not stat.S_ISREG(status.st_mode):
            return "It is not a regular file."
        if status.st_size > self._largest:
            return f"It is {_mib(status.st_size)} MiB, and files over {_mib(self._largest)} MiB are not read."
        if _undecodable(path):
            return "Its name is not valid UTF-8."
        return ""


def _shown(path: str) -> str:
    """A path that can be written, whatever its bytes are."""
    return path.encode(errors="surrogateescape").decode(errors="replace")


def stamp(status: os.stat_result) -> str:
    """Size, both times and the inode: rewriting a file changes at least its ctime, which no program can set back."""
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"


def _order(entry: os.DirEntry[str]) -> str:
    """Folders sort as their path does, with the slash."""
    return entry.name + "/" if entry.is_dir(follow_symlinks=False) else entry.name


def _undecodable(path: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in path)


def _mib(size: int) -> str:
    return f"{size / 1024 / 1024:.1f}".removesuffix(".0")


def _matches(path: str, globs: tuple[str, ...]) -> bool:
    return any(matches(path, glob) for glob in globs)
