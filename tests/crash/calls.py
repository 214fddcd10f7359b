"""System calls of a process, as strace saw them: what was written where, what was synced when, what was sent to whom.

Every thread has a file of its own (``-ff``), so a call stands on one line; the lines are merged by time.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_LINE = re.compile(r"(?P<began>\d+\.\d+) (?P<name>\w+)\((?P<rest>.*)\) += (?P<result>-?\d+)\S*(?: .*)? <(?P<took>\d+\.\d+)>$")
_FILE = re.compile(r"\d+<(?P<path>[^>]*)>")
_DATA = re.compile(r'"(?P<data>(?:\\x[0-9a-f]{2})*)"(?P<cut>\.\.\.)?')
_LONGEST = 1 << 20


@dataclass(frozen=True)
class Call:
    """One call that has returned. Times are seconds since 1970."""

    began: float
    ended: float
    name: str
    path: str
    """The file or socket that it is about."""
    data: bytes
    numbers: tuple[int, ...]
    """Its last arguments that are numbers."""
    result: int


def command(prefix: Path, *calls: str) -> list[str]:
    """What to put before a command, so that its calls are written to ``prefix.PID``."""
    traced = ",".join(calls)
    return [
        "strace",
        "-ff",
        "-qq",
        "-ttt",
        "-T",
        "-yy",
        "-xx",
        "-s",
        str(_LONGEST),
        "-e",
        f"trace={traced}",
        "-e",
        "signal=none",
        "-o",
        str(prefix),
    ]


def missing() -> str:
    """Why calls cannot be seen here; empty when they can."""
    if shutil.which("strace") is None:
        return "strace is not installed (Debian: apt-get install strace)"
    done = subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], check=False, capture_output=True, text=True)
    return "" if done.returncode == 0 else f"this system does not let a process be traced: {done.stderr.strip()}"


def read(prefix: Path) -> list[Call]:
    """Every call that returned, in the order in which they began."""
    found = [call for file in prefix.parent.glob(f"{prefix.name}.*") for call in _calls(file.read_text(errors="replace").splitlines())]
    return sorted(found, key=lambda call: call.began)


def _calls(lines: Iterable[str]) -> Iterator[Call]:
    for line in lines:
        if (match := _LINE.match(line)) is None:
            continue
        rest = match["rest"]
        file = _FILE.match(rest)
        pieces = list(_DATA.finditer(rest))
        assert not any(piece["cut"] for piece in pieces), "a call wrote more than is kept of it"
        began = float(match["began"])
        names = match["name"] in {"openat", "unlink", "rename", "unlinkat", "renameat"}
        texts = [bytes.fromhex(piece["data"].replace("\\x", "")) for piece in pieces]
        yield Call(
            began=began,
            ended=began + float(match["took"]),
            name=match["name"],
            path=_plain(file["path"]) if file and not names else (texts[0].decode() if texts else ""),
            data=b"" if names else b"".join(texts),
            numbers=tuple(int(number) for number in re.findall(r"(?<=, )\d+", _DATA.sub("", rest))),
            result=int(match["result"]),
        )


def _plain(path: str) -> str:
    """With ``-xx`` names are in hexadecimal too."""
    return bytes.fromhex(path.replace("\\x", "")).decode() if path.startswith("\\x") else path
