"""What the operating system refuses a command, as an error with its place and its mend."""

from __future__ import annotations

import errno
import getpass
import os
from pathlib import Path

from headrace.core.errors import OperationFailed

_DENIED = frozenset({errno.EACCES, errno.EPERM})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_PLACE = frozenset({errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG})


def machine_refused(error: OSError) -> OperationFailed | None:
    """The error that a person can do something about; None for what may be a defect of ours."""
    place = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else None
    if error.errno in _FULL:
        return OperationFailed("The disk is full.", code="operation.disk_full", param=place, mend="Make room, then try again.")
    if place is None:
        return None
    if error.errno in _DENIED:
        msg = f"{_me()} has no right to it."
        return OperationFailed(
            msg, code="operation.denied", param=place, mend=f"It belongs to {_owner(Path(place))}: do this as that user."
        )
    if error.errno in _PLACE:
        msg = f"It cannot be used: {error.strerror}."
        return OperationFailed(msg, code="operation.no_such_place", param=place, mend="Name another place.")
    return None


def _me() -> str:
    try:
        return f'The user "{getpass.getuser()}"'
    except (KeyError, OSError):  # a number without a name, as containers have
        return f"The user {os.getuid()}"


def _owner(path: Path) -> str:
    """Whose the path is, or what of it this user may look at."""
    for each in (path, *path.absolute().parents):
        try:
            return each.owner()
        except KeyError:
            return f"user {each.stat().st_uid}"
        except OSError:
            continue
    return "somebody else"
