"""The doctor on the machine and the folder: each misconfiguration is made for real, and found with its place and its mend."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from headrace.app.doctor.folder import mount_of
from headrace.app.doctor.machine import FEWEST_FILES
from headrace.config.layout import Layout
from tests.support.patients import NOBODY, as_root, everything, found, healthy, mounted, shell, told

CPUINFO = "processor : 0\nmodel name : An old one\nflags : fpu sse sse2 avx\n"
NFS = (
    "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "36 21 0:32 / /srv rw,noatime - nfs4 server:/export rw,vers=4.2\n"
    "37 21 8:2 / /srv/my\\040disk rw - xfs /dev/sdb1 rw\n"
)
"""As proc(5) has it: a space in a name is written in octal."""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return healthy(tmp_path)


def test_a_healthy_one_has_nothing_to_find_and_is_left_as_it_was(layout: Layout) -> None:
    before = everything(layout.workspace)
    assert found(layout) == {}
    assert told(layout, code=0) == {}
    assert everything(layout.workspace) == before


def test_state_that_others_can_open(layout: Layout) -> None:
    layout.state.chmod(0o755)
    (layout.ledger / "log.db").chmod(0o644)
    finding = found(layout)["folder.readable_by_others"]
    assert "mode 0755" in finding.what
    assert "ledger/log.db" in finding.what
    assert finding.where == str(layout.state)
    subprocess.run(finding.mend.split(), check=True)
    assert found(layout) == {}


def test_a_signing_key_that_others_can_read(layout: Layout) -> None:
    (layout.ledger / "log.key").chmod(0o640)
    finding = found(layout)["folder.secret_readable"]
    assert finding.where.endswith("ledger/log.key")
    assert "mode 0640" in finding.what


def test_state_that_would_be_committed(layout: Layout) -> None:
    subprocess.run(["git", "init", "-q", str(layout.workspace)], check=True)
    assert found(layout) == {}
    (layout.workspace / ".gitignore").unlink()
    assert "signing key" in found(layout)["folder.state_in_git"].what


def test_files_of_another_user(layout: Layout) -> None:
    as_root()
    (layout.control).chmod(0o600)
    subprocess.run(["chown", str(NOBODY), str(layout.control)], check=True)
    finding = found(layout)["folder.mixed_owners"]
    assert finding.where == str(layout.control)


def test_a_disk_that_is_memory_and_nearly_full(layout: Layout, tmp_path: Path) -> None:
    aside = tmp_path / "aside"
    aside.mkdir()
    tmpfs = f"mount -t tmpfs -o size=8m none {aside}; cp -a {layout.workspace}/. {aside}; mount --bind {aside} {layout.workspace}"
    findings = told(layout, *mounted(tmpfs))
    assert {"folder.volatile_disk", "folder.little_room"} <= findings.keys()
    assert "tmpfs" in findings["folder.volatile_disk"]["what"]


def test_a_disk_that_is_mounted_read_only(layout: Layout) -> None:
    read_only = f"mount --bind {layout.workspace} {layout.workspace}; mount -o remount,ro,bind {layout.workspace}"
    findings = told(layout, *mounted(read_only))
    assert findings["folder.read_only"]["where"] == str(layout.state)


def test_a_network_file_system_as_the_kernel_tells_of_it() -> None:
    assert mount_of(Path("/srv/workspace"), NFS).kind == "nfs4"
    assert mount_of(Path("/srv/my disk/workspace"), NFS).kind == "xfs"
    assert mount_of(Path("/home"), NFS) == mount_of(Path("/"), NFS)


def test_a_cpu_that_is_too_old(layout: Layout, tmp_path: Path) -> None:
    old = tmp_path / "cpuinfo"
    old.write_text(CPUINFO)
    finding = told(layout, *mounted(f"mount --bind {old} /proc/cpuinfo"))["models.cpu_too_old"]
    assert "AVX2" in finding["what"]


def test_a_system_without_openmp(layout: Layout) -> None:
    cache = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    libraries = [line.rpartition("=> ")[2] for line in cache.splitlines() if "libgomp.so.1" in line]
    finding = told(layout, *mounted("; ".join(f"mount --bind /dev/null {each}" for each in libraries)))["models.no_libgomp"]
    assert "apt-get install libgomp1" in finding["mend"]


def test_too_few_files(layout: Layout) -> None:
    finding = told(layout, *shell("ulimit -n 256"))["machine.few_files"]
    assert "128 connections" in finding["what"]
    assert str(FEWEST_FILES) in finding["mend"]


def test_too_little_memory(layout: Layout) -> None:
    finding = told(layout, *shell("ulimit -v 640000"))["machine.little_memory"]
    assert "625 MiB" in finding["what"]
    assert "ulimit -v" in finding["where"]


def test_no_workspace_at_all(tmp_path: Path) -> None:
    finding = found(Layout(tmp_path / "nowhere"))["workspace.none"]
    assert "headrace init" in finding.mend
