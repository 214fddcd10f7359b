"""What the operating system refuses, in words."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from headrace.app.cli.machine import machine_refused

if TYPE_CHECKING:
    from pathlib import Path


def test_a_right_that_is_missing_names_whose_it_is(tmp_path: Path) -> None:
    told = machine_refused(PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "none" / "control.db")))
    assert told is not None
    assert told.param == str(tmp_path / "none" / "control.db")
    assert tmp_path.owner() in str(told.mend)


def test_users_without_a_name_are_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a file away")
    file = tmp_path / "a"
    file.touch()
    os.chown(file, 54_321, 54_321)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "ana")
    told = machine_refused(PermissionError(errno.EPERM, "no", str(file)))
    assert str(told) == f'{file}: The user "ana" has no right to it. It belongs to user 54321: do this as that user.'


def test_a_full_disk_and_a_place_that_is_none() -> None:
    assert "Make room" in str(machine_refused(OSError(errno.ENOSPC, "No space left on device")))
    assert "Name another place" in str(machine_refused(OSError(errno.EROFS, "Read-only file system", "/a")))


def test_a_defect_stays_one() -> None:
    assert machine_refused(OSError(errno.EBADF, "Bad file descriptor")) is None
    assert machine_refused(OSError(errno.ENOENT, "No such file or directory", "/a")) is None
