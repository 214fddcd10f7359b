"""A disk that keeps nothing but what was synced: made again from the calls of the process that wrote to it.

At a moment T, a write is sure only when a sync of its file began after the write had returned, and had itself returned by T; that a file is
there, or is not any more, is sure only when its folder was synced so. Everything else may be on the disk or not: none of it is here, or
(with a `chance`) any part of it, torn in the middle too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from tests.crash.calls import Call

CALLS = ("openat", "write", "pwrite64", "ftruncate", "fsync", "fdatasync", "unlink", "rename")
"""What must be traced."""
_SYNCS = {"fsync", "fdatasync"}


@dataclass
class _File:
    """One name in the folder: what happened to it, in order."""

    changes: list[Call] = field(default_factory=list["Call"])
    syncs: list[Call] = field(default_factory=list["Call"])
    named: bool = False


class Disk:
    """The files of one folder, as far as their calls tell."""

    def __init__(self, folder: Path, calls: Sequence[Call]) -> None:
        self._files: dict[str, _File] = {}
        self._folder_syncs = [call for call in calls if call.name in _SYNCS and call.path == str(folder) and call.result == 0]
        renamed: dict[str, str] = {}
        for call in calls:
            path = Path(call.path)
            if path.parent != folder or call.result < 0 or call.name == "rename":
                continue
            name = renamed.get(path.name, path.name).removesuffix(".new")
            file = self._files.setdefault(name, _File())
            if call.name in _SYNCS:
                file.syncs.append(call)
            elif call.name == "unlink":
                file.changes.append(call)
                file.named = False
            elif call.name != "openat":
                file.changes.append(call)
            elif call.numbers and not file.named:  # with a mode it is created, unless it is there
                file.changes.append(call)
                file.named = True

    @property
    def moments(self) -> list[float]:
        """Just after each sync."""
        return sorted(call.ended + 1e-6 for file in self._files.values() for call in file.syncs)

    def write(self, to: Path, moment: float, chance: random.Random | None = None) -> None:
        """What is on the disk at that moment, written into another folder."""
        for name, file in self._files.items():
            if (content := self._content(file, moment, chance)) is not None:
                (to / name).write_bytes(content)

    def _content(self, file: _File, moment: float, chance: random.Random | None) -> bytes | None:
        content: bytearray | None = None
        for change in file.changes:
            if change.began >= moment:
                break
            named = change.name in {"openat", "unlink"}
            sure = _synced(self._folder_syncs if named else file.syncs, change, moment)
            if not sure and (chance is None or chance.random() < 0.5):
                if change.name == "openat":
                    return None  # without its name nothing of it is there
                continue
            if change.name == "unlink":
                content = None
            elif change.name == "openat":
                content = bytearray()
            elif content is not None:
                _apply(content, change, torn=not sure and chance is not None and chance.random() < 0.5)
        return None if content is None else bytes(content)


def _synced(syncs: Sequence[Call], change: Call, moment: float) -> bool:
    return any(sync.began >= change.ended and sync.ended <= moment for sync in syncs)


def _apply(content: bytearray, change: Call, *, torn: bool) -> None:
    if change.name == "ftruncate":
        size = change.numbers[-1]
        content[:] = content[:size] + bytes(max(0, size - len(content)))
        return
    data = change.data[: change.result]
    at = change.numbers[-1] if change.name == "pwrite64" else len(content)
    if torn:
        data = data[: len(data) // 2]
    content.extend(bytes(max(0, at + len(data) - len(content))))
    content[at : at + len(data)] = data
