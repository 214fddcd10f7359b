"""Where the workspace lies: who can read its state, whose it is, and what kind of disk holds it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.adapters.weights.store import default_folder
from headrace.app.doctor.finding import Finding, notice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.app.doctor.finding import Findings
    from headrace.app.doctor.subject import Subject

NETWORK = frozenset({
    "9p", "afs", "ceph", "cifs", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "glusterfs", "lustre", "nfs", "nfs4", "smb3",
    "smbfs", "virtiofs",
})  # fmt: skip
"""File systems that other machines share: locks and memory-mapped files (SQLite's write-ahead log) do not hold there."""
VOLATILE = frozenset({"tmpfs", "ramfs"})
LITTLE = 500 << 20
"""Bytes. With less free, a pass over the sources or a busy day of records fills the disk, and nothing is answered without its record."""
PUBLIC = frozenset({"ledger/log.vkey", "schemas"})
"""What of the state is meant for others."""
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Mount:
    """The file system that a path is on."""

    point: str
    kind: str


def readable_by_others(subject: Subject) -> Findings:
    """Can other users of this machine read keys' hashes, documents, records, the signing key?"""
    state = subject.layout.state
    if not state.is_dir():
        return
    closed = not _mode(state) & 0o077
    open_to_others = [path for path in _files(state) if _mode(path) & 0o077 and not _is_public(path, state)] if not closed else []
    secret = [path for path in state.glob("ledger/*.key*") if _mode(path) & 0o077]
    if not closed:
        shown = ", ".join(str(path.relative_to(state)) for path in open_to_others[:SHOWN])
        more = f", and of its files {len(open_to_others)} too ({shown}{'…' if len(open_to_others) > SHOWN else ''})" if shown else ""
        yield Finding(
            "folder.readable_by_others",
            f"Other users of this machine can open the workspace's state (mode {_mode(state):04o}){more}.",
            str(state),
            f"chmod -R go= {state}",
        )
    for path in secret:
        yield Finding(
            "folder.secret_readable",
            f"The log's signing key is readable by others (mode {_mode(path):04o}): whoever has read it can forge receipts.",
            str(path),
            f"chmod 600 {path}. If others had an account here, change the key.",
        )


def owners(subject: Subject) -> Findings:
    """Does all of the state belong to one user?"""
    state = subject.layout.state
    if not state.is_dir():
        return
    owner = state.stat().st_uid
    foreign = [path for path in _files(state) if path.lstat().st_uid != owner]
    if foreign:
        yield Finding(
            "folder.mixed_owners",
            f"{len(foreign)} files of the state belong to another user than its folder: a command was run as somebody else.",
            str(foreign[0]),
            f"Give it all back to whom it is of: chown -R {owner} {state}",
        )


def closed_to_us(subject: Subject) -> Finding | None:
    """That this user may not look at the workspace or its state at all; None where they may, or there is none."""
    for place in (subject.layout.workspace, subject.layout.state):
        try:
            if not place.exists() or os.access(place, os.R_OK | os.X_OK):
                continue
        except OSError:
            pass  # a folder above it is closed
        owner = next((each.stat().st_uid for each in (place, *place.parents) if os.access(each.parent, os.X_OK)), 0)
        return Finding(
            "folder.foreign",
            f"It belongs to user {owner}, and this is user {os.getuid()}, who may not look into it. Nothing else was examined.",
            str(place),
            f"Run the doctor, and Headrace, as user {owner}.",
        )
    return None


def disk(subject: Subject) -> Findings:
    """Is the disk one that keeps what is written, with room, and of this machine alone?"""
    place = subject.layout.state if subject.layout.state.is_dir() else subject.layout.workspace
    if not place.is_dir():
        return
    mount = mount_of(place, Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace"))
    if mount.kind in NETWORK:
        yield Finding(
            "folder.network_disk",
            f"The state lies on a network file system ({mount.kind} at {mount.point}), where locks and write-ahead logs do not hold.",
            str(place),
            "Put the workspace on a disk of this machine; keep only the documents' folders on the network.",
        )
    elif mount.kind in VOLATILE:
        yield Finding(
            "folder.volatile_disk",
            f"The state lies in memory ({mount.kind} at {mount.point}): a restart of the machine takes keys, revisions and records away.",
            str(place),
            "Put the workspace on a disk.",
        )
    if os.statvfs(place).f_flag & os.ST_RDONLY:
        yield Finding(
            "folder.read_only",
            "The disk of the state is mounted read-only: nothing can be recorded, so nothing is answered.",
            str(place),
            f"Mount {mount.point} for writing; see the kernel's messages when it was not meant.",
        )
    yield from _room(subject, place)


def committed(subject: Subject) -> Findings:
    """Would the state, with the signing key in it, be committed to version control?"""
    workspace = subject.layout.workspace
    if not any((each / ".git").exists() for each in (workspace, *workspace.absolute().parents)) or shutil.which("git") is None:
        return
    command = ["git", "-C", str(workspace), "check-ignore", "--quiet", subject.layout.state.name]
    if subprocess.run(command, check=False, capture_output=True, timeout=10).returncode == 1:
        yield notice(
            "folder.state_in_git",
            "The workspace is under version control, and its state is not ignored: records, documents and the signing key would go along.",
            str(subject.layout.state),
            f"Add the line /{subject.layout.state.name}/ to {workspace / '.gitignore'}.",
        )


def mount_of(path: Path, mountinfo: str) -> Mount:
    """The mount that a path is on, of those in a ``/proc/PID/mountinfo`` (proc(5))."""
    real, best = path.resolve(), Mount("", "unknown")
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        point = before.split(" ")[4].encode().decode("unicode_escape")
        if real.is_relative_to(point) and len(point) >= len(best.point):
            best = Mount(point, after.split(" ", 1)[0])
    return best


def _room(subject: Subject, place: Path) -> Findings:
    asked = {str(place): place}
    models = default_folder()
    if models.is_dir() and models.stat().st_dev != place.stat().st_dev:
        asked[str(models)] = models
    for where, folder in asked.items():
        free = shutil.disk_usage(folder).free
        if free < LITTLE:
            yield Finding(
                "folder.little_room",
                f"{free >> 20} MiB are free on the disk; with less than {LITTLE >> 20} a pass over the sources or a busy day may fill it.",
                where,
                f"Make room, or move the workspace. {subject.layout.logs} and old backups are what can go first.",
            )


def _is_public(path: Path, state: Path) -> bool:
    inside = path.relative_to(state)
    return not PUBLIC.isdisjoint({str(inside), *map(str, inside.parents)})


def _files(folder: Path) -> Iterator[Path]:
    for base, _, names in os.walk(folder):
        for name in names:
            yield Path(base) / name


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)
