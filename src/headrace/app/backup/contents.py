"""The form of a backup: a tar archive (with gzip, if its name says so) whose last member lists the others with their SHA-256.

    workspace/…              the workspace's files, but its state and its version control
    state/control.db         revisions, keys (their hashes), sessions
    state/knowledge/…        tables, manifests and texts of documents
    state/ledger/log.db      the log, log.vkey its public key
    state/ledger/log.key     its signing key, only when asked for
    backup.json              what is in it: form, when, by which version, every member

Files are stored as they are; symbolic links as links. Nothing in it is encrypted.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Final

import msgspec

from headrace.core.errors import OperationFailed

FORM: Final = 1
"""Raised when an older Headrace could not read the backup."""
LIST: Final = "backup.json"
WORKSPACE: Final = "workspace"
STATE: Final = "state"
SIGNING: Final = "ledger/log.key"
"""The log's signing key, in the state; the names of others that are kept beside it begin with it."""
LOG: Final = "ledger/log.db"
KNOWLEDGE: Final = "knowledge"
CONTROL: Final = "control.db"
OF_THE_MOMENT: Final = frozenset({"logs", "gateway.json", "restart.json", "ingest-progress.json"})
"""What of the state belongs to the processes that run now."""
LEFT_OUT: Final = (".lock", ".new", "-wal", "-shm", ".sock")
"""Ends of the names of files that are somebody's for a moment, or part of a database that is copied as one."""
STAGING: Final = "backup-"
"""Begins the name of a folder in the state where a backup gathers what it is going to hold."""


class Member(msgspec.Struct, frozen=True):
    """One file: its path in the archive, its SHA-256 (hex) and bytes; for a symbolic link, where it leads."""

    path: str
    sha256: str = ""
    size: int = 0
    link: str = ""


class Contents(msgspec.Struct, frozen=True):
    """The list in a backup. `checkpoint` is the log's last one, signed: it says where the log stood, to be compared with any later one."""

    form: int
    id: str
    headrace: str
    taken_us: int
    signing_key: bool
    checkpoint: str
    members: tuple[Member, ...]


def read(content: bytes) -> Contents:
    """The list of a backup. Raises OperationFailed: it is none, or a newer Headrace wrote it."""
    try:
        form = msgspec.json.decode(content, type=dict[str, msgspec.Raw]).get("form", msgspec.Raw(b"0"))
        if msgspec.json.decode(form, type=int) > FORM:
            msg = f"This backup was taken by a newer Headrace (form {bytes(form).decode()}; this one reads {FORM})."
            raise OperationFailed(msg, code="backup.newer", mend="Restore it with that version.")
        return msgspec.json.decode(content, type=Contents)
    except msgspec.DecodeError as error:
        raise unreadable("its list does not parse") from error


def target(member: Member, into: Path) -> Path:
    """Where a member goes. Raises OperationFailed for a path that would lead elsewhere."""
    pure = PurePosixPath(member.path)
    root, *rest = pure.parts or ("",)
    if root not in {WORKSPACE, STATE} or not rest or ".." in rest or "\0" in member.path or str(pure) != member.path:
        raise unreadable("a path in it leads out of the workspace")
    return into.joinpath(*rest) if root == WORKSPACE else into.joinpath(".headrace", *rest)


def unreadable(why: str) -> OperationFailed:
    """That this is no whole backup."""
    return OperationFailed(
        f"This is not a whole backup: {why}.",
        code="backup.unreadable",
        mend="Take another copy of it, or an older one. Nothing was restored.",
    )
