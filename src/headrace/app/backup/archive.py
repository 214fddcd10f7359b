"""Writing and reading the archive: every byte is hashed as it goes by, and what is not whole is never left under its name."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import tarfile
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

import msgspec

from headrace.app.backup.contents import LIST, Contents, Member, read, target, unreadable
from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping
    from pathlib import Path

COMPRESSED = (".gz", ".tgz")
LARGEST_LIST = 256 << 20
CHUNK = 1 << 20


class _Hashing:
    """Reads a file, and hashes what was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """As a file does."""
        content = self._file.read(size)
        self._digest.update(content)
        return content

    @property
    def sha256(self) -> str:
        """Of everything that was read."""
        return self._digest.hexdigest()


def write(to: Path, files: Iterable[tuple[str, Path]], listed: Callable[[tuple[Member, ...]], Contents]) -> Contents:
    """Write the files (path in the archive, path on disk) and the list of them; the archive appears at `to` when it is whole and on disk.

    Raises OperationFailed when something is there already, OSError when the disk is full or may not be written.
    """
    partial = to.with_name(f".{to.name}.partial")
    try:
        with open(partial, "wb", opener=_private) as file:
            with _tar(file, to.suffix) as tar:
                contents = listed(tuple(_added(tar, name, path) for name, path in files))
                _add_bytes(tar, LIST, msgspec.json.encode(contents))
            file.flush()
            os.fsync(file.fileno())
        _put(partial, to)
    finally:
        partial.unlink(missing_ok=True)
    return contents


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


@contextlib.contextmanager
def _tar(file: IO[bytes], suffix: str) -> Generator[tarfile.TarFile]:
    if suffix in COMPRESSED:
        with tarfile.open(fileobj=file, mode="w|gz", format=tarfile.PAX_FORMAT) as tar:
            yield tar
    else:
        with tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            yield tar


def _added(tar: tarfile.TarFile, name: str, path: Path) -> Member:
    about = tarfile.TarInfo(name)
    status = path.lstat()
    about.mode, about.mtime = status.st_mode & 0o777, int(status.st_mtime)
    if path.is_symlink():
        about.type, about.linkname = tarfile.SYMTYPE, os.readlink(path)  # noqa: PTH115 - as it is written, not as a path
        tar.addfile(about)
        return Member(name, link=about.linkname)
    with path.open("rb") as file:
        about.size = os.fstat(file.fileno()).st_size
        hashing = _Hashing(file)
        tar.addfile(about, cast("IO[bytes]", hashing))
    return Member(name, hashing.sha256, about.size)


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    about = tarfile.TarInfo(name)
    about.mode, about.size = 0o600, len(content)
    tar.addfile(about, io.BytesIO(content))


def _put(partial: Path, to: Path) -> None:
    """Under its name, but never over what is there."""
    try:
        os.link(partial, to)
    except FileExistsError:
        raise exists(to) from None
    except OSError:  # a file system without links
        if to.exists():
            raise exists(to) from None
        partial.rename(to)
    folder = os.open(to.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def exists(to: Path) -> OperationFailed:
    """That something stands where the backup was to go."""
    return OperationFailed(
        "Something is there already.", code="backup.exists", param=str(to), mend="Name another file, or move that one away."
    )


@dataclass(slots=True)
class _Seen:
    """What came out of the archive."""

    files: dict[str, tuple[str, int]]
    links: dict[str, str]


def extract(source: Path, into: Path) -> Contents:
    """Read an archive into a folder that is empty, checking every file against the list; links are made last.

    Raises OperationFailed when it is not a whole backup, OSError when the disk is full or may not be written. What was extracted until then
    stays in `into`.
    """
    seen = _Seen({}, {})
    content = b""
    try:
        with tarfile.open(source, mode="r|*") as tar:
            for about in tar:
                if about.name == LIST:
                    content = _small(tar, about)
                elif about.issym():
                    seen.links[about.name] = about.linkname
                elif about.isreg():
                    seen.files[about.name] = _file(tar, about, target(Member(about.name), into))
                else:
                    raise unreadable("it holds what is neither a file nor a link")
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise unreadable("the archive is cut off or damaged") from error
    except FileExistsError as error:
        raise unreadable("two of its files have one place") from error
    if not content:
        raise unreadable("it has no list at its end")
    contents = read(content)
    _agree(contents, seen)
    for place, link in _links(contents, into):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(link)
    return contents


def _links(contents: Contents, into: Path) -> list[tuple[Path, str]]:
    """Where links go, and where they lead. Raises OperationFailed for one behind another: it would be made where that leads."""
    links = {target(member, into): member.link for member in contents.members if member.link}
    if any(not links.keys().isdisjoint(place.parents) for place in links):
        raise unreadable("a path in it leads out of the workspace")
    return list(links.items())


def _small(tar: tarfile.TarFile, about: tarfile.TarInfo) -> bytes:
    if about.size > LARGEST_LIST:
        raise unreadable("its list is too long")
    file = tar.extractfile(about)
    return file.read() if file is not None else b""


def _file(tar: tarfile.TarFile, about: tarfile.TarInfo, place: Path) -> tuple[str, int]:
    """Write one file, durably; its SHA-256 and size."""
    file = tar.extractfile(about)
    assert file is not None  # noqa: S101 - it is a regular file
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    hashing = _Hashing(file)
    with open(place, "xb", opener=lambda path, flags: os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, about.mode & 0o777)) as made:
        while content := hashing.read(CHUNK):
            made.write(content)
        made.flush()
        os.fsync(made.fileno())
    return hashing.sha256, about.size


def _agree(contents: Contents, seen: _Seen) -> None:
    """Raises OperationFailed unless the archive holds what its list says, and nothing else."""
    wanted: Mapping[str, Member] = {member.path: member for member in contents.members}
    found = seen.files.keys() | seen.links.keys()
    if missing := sorted(wanted.keys() - found):
        raise unreadable(f"{missing[0]} is missing")
    if extra := sorted(found - wanted.keys()):
        raise unreadable(f"{extra[0]} does not stand in its list")
    for path, member in wanted.items():
        if member.link != seen.links.get(path, "") or (not member.link and (member.sha256, member.size) != seen.files.get(path)):
            raise unreadable(f"{path} is not what was backed up")
