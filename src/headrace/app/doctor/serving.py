"""Serving: the address, what killed processes left, and how the running installation is."""

from __future__ import annotations

import ipaddress
import os
import socket
import stat
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from headrace.app.client.api import Api
from headrace.app.doctor.finding import Finding, notice, told
from headrace.core.errors import HeadraceError, OperationFailed

if TYPE_CHECKING:
    from headrace.app.doctor.finding import Findings
    from headrace.app.doctor.subject import Subject

LISTENS = "0A"
"""State of a listening socket in /proc/net/tcp."""
RESTARTED_WITHIN = 400
"""Characters of a process's last words that are shown."""


def port(subject: Subject) -> Findings:
    """Can the address be served on, and who has it otherwise?"""
    if subject.running is not None:
        return
    where = f"{subject.host}:{subject.port}"
    try:
        family = socket.getaddrinfo(subject.host, subject.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((subject.host, subject.port))  # binding takes no connection, and is over at once
            return
    except OSError as error:
        why = error.strerror
    holder = holder_of(subject.port)
    if holder is None:
        yield Finding("serving.no_address", f"It cannot be served there: {why}.", where, "Give another --host or --port to headrace up.")
        return
    pid, name = holder
    by = f"process {pid} ({name})" if pid else "a process of another user"
    yield Finding(
        "serving.port_taken", f"The port is taken: {by} listens there.", where, "headrace up --port with another one, or stop that process."
    )


def holder_of(number: int) -> tuple[int, str] | None:
    """Process id and name of whoever listens on a TCP port; (0, "") when that may not be seen; None when nobody does."""
    inodes: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = [line.split() for line in Path(table).read_text(encoding="ascii").splitlines()[1:]]
        except OSError:
            continue
        inodes |= {f"socket:[{row[9]}]" for row in rows if row[3] == LISTENS and int(row[1].rpartition(":")[2], 16) == number}
    if not inodes:
        return None
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and _holds(process, inodes):
            return int(process.name), (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
    return 0, ""


def _holds(process: Path, inodes: set[str]) -> bool:
    try:
        for descriptor in (process / "fd").iterdir():
            if str(descriptor.readlink()) in inodes:
                return True
    except OSError:  # it is another user's, or has just ended
        pass
    return False


def hosts(subject: Subject) -> Findings:
    """Is whoever reaches the address also let in by the name that they use?"""
    host = subject.host
    if subject.running is not None:
        host = urlsplit(str(subject.running["url"])).hostname or host
    if _only_here(host):
        return
    known = subject.workspace.root.hosts if subject.workspace is not None else ()
    if not known:
        yield Finding(
            "serving.no_hosts",
            f"It is served to other machines ({host}), and headrace.yaml lists no hosts: a browser that uses a name is turned away.",
            "headrace.yaml: hosts",
            "Write the names under which people reach it: hosts: [ai.example.org].",
        )
    yield notice(
        "serving.plain_http",
        "It is served to other machines in plain HTTP: keys and answers can be read on the way.",
        host,
        "Put a proxy that speaks TLS in front, and serve on 127.0.0.1.",
    )


def _only_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def left_behind(subject: Subject) -> Findings:
    """Did a supervisor that was killed leave its marks? The next start clears them; what lives on must end first."""
    layout = subject.layout
    folder = layout.socket("ledger").parent
    try:
        found = folder.lstat()
    except OSError:
        found = None
    if found is not None and (not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077):
        yield Finding(
            "operation.foreign_sockets",
            "The folder for the installation's sockets is not this user's alone: whoever owns it could stand in for its processes.",
            str(folder),
            "Remove it, or set XDG_RUNTIME_DIR to a folder of your own.",
        )
    elif subject.running is None and not _held(subject):
        sockets = sorted(each.name for each in folder.glob("*.sock")) if found is not None else []
        if layout.address.exists() or sockets:
            yield notice(
                "serving.left_behind",
                f"An installation was killed here and left its address{f' and {len(sockets)} sockets' if sockets else ''}.",
                str(layout.address if layout.address.exists() else folder),
                "Nothing has to be done: the next headrace up clears them.",
            )


def _held(subject: Subject) -> bool:
    """Whether somebody holds the workspace without having said yet where it is served: it is starting."""
    lock = subject.layout.lock
    if not lock.exists():
        return False
    inode = lock.stat().st_ino
    return any(
        row.split()[5].endswith(f":{inode}") for row in Path("/proc/locks").read_text(encoding="ascii").splitlines() if "FLOCK" in row
    )


def parts(subject: Subject) -> Findings:
    """Is every part of the running installation ready?"""
    if subject.running is None:
        return
    try:
        words = Api(str(subject.running["url"]), "").readiness()
    except (HeadraceError, OperationFailed) as error:
        yield told(error, str(subject.running["url"]))
        return
    for name, word in words.items():
        if word != "ready":
            log = next(iter(sorted(subject.layout.logs.glob(f"{name}*.log"))), subject.layout.logs)
            last = _last_words(log)
            mend = f"Its log says: {last}" if last else f"See {log}."
            yield Finding("serving.not_ready", f"The part {name} is not ready: {word}.", str(log), mend)


def _last_words(log: Path) -> str:
    if not log.is_file():
        return ""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:RESTARTED_WITHIN] if lines else ""
