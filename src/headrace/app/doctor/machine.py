"""What the machine gives: its CPU and libraries, files, memory."""

from __future__ import annotations

import contextlib
import resource
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.adapters.engines import llama
from headrace.adapters.weights.catalogue import known
from headrace.app.doctor.finding import Finding, told
from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from headrace.app.doctor.finding import Findings
    from headrace.app.doctor.subject import Subject

FEWEST_FILES = 1024
"""Open files. Half of them are connections (:func:`headrace.app.http.server.server.most_connections`); with fewer, a busy hour refuses
people."""
MIB = 1 << 20
PROCESSES_MIB = 560
"""What all processes take beside the weights of the language models: measured by benchmarks/startup.py, rounded up."""
WEIGHTS_TIMES = 2
"""An engine takes about twice the bytes of its weights: the weights, and the room for what it reads and writes."""
_CGROUP = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60


def engine(subject: Subject) -> Findings:
    """Can this CPU, with the libraries of this system, run the embedded engine?"""
    workspace = subject.workspace
    if workspace is not None and not any(form.embedded for form in workspace.deployments.values()):
        return
    try:
        llama.preflight()
    except OperationFailed as error:
        yield told(error, "this machine")


def open_files(subject: Subject) -> Findings:
    """May a process open as many files as a busy gateway does?"""
    del subject
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FEWEST_FILES:
        yield Finding(
            "machine.few_files",
            f"A process may open {hard} files at most, so the gateway takes {hard // 2} connections at one time.",
            "RLIMIT_NOFILE (ulimit -Hn)",
            f"Raise it to {FEWEST_FILES} or more: LimitNOFILE= in the systemd unit, nofile in /etc/security/limits.conf.",
        )


def memory(subject: Subject) -> Findings:
    """Is there memory for the processes and the models that the workspace names?"""
    wanted = PROCESSES_MIB + _engines_mib(subject)
    allowed, where = _allowed()
    if allowed // MIB < wanted:
        yield Finding(
            "machine.little_memory",
            f"This workspace needs about {wanted} MiB of memory, and {allowed // MIB} MiB are all that it may have.",
            where,
            "Give it more, or take a smaller model, fewer slots or a shorter context (deployments/*.yaml).",
        )


def _engines_mib(subject: Subject) -> int:
    workspace = subject.workspace
    if workspace is None:
        return 0
    declared, total = known(workspace), 0
    for form in workspace.deployments.values():
        if form.embedded is not None and form.embedded.model in declared:
            total += sum(file.size for file in declared[form.embedded.model].files)
    return total * WEIGHTS_TIMES // MIB


def _allowed() -> tuple[int, str]:
    """The least of what this machine has, its control group allows and a process may address; and where that stands."""
    limits = [(_total(), "/proc/meminfo (MemTotal)"), *_groups()]
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        limits.append((soft, "RLIMIT_AS (ulimit -v)"))
    return min(limits)


def _total() -> int:
    for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return _UNLIMITED


def _groups() -> list[tuple[int, str]]:
    """What this process's control group and those above it allow (version 2, else 1)."""
    found: list[tuple[int, str]] = []
    for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        base, name = (_CGROUP, "memory.max") if not controllers else (_CGROUP / "memory", "memory.limit_in_bytes")
        if controllers and "memory" not in controllers.split(","):
            continue
        here = base / path.lstrip("/")
        for each in (here, *here.parents):
            with contextlib.suppress(OSError, ValueError):  # no such file at the top, or the word "max"
                found.append((int((each / name).read_text(encoding="utf-8")), str(each / name)))
            if each == base:
                break
    return [(size, where) for size, where in found if size < _UNLIMITED]
