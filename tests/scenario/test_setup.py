"""``tools/setup.sh``: a checkout's environment from nothing, on machines that lack something, and what is left when it fails.

The lock is a small one here, and pip looks for it in a folder: the script is what is tested, not the index.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

PROJECT = Path(__file__).parents[2]
COPIED = ("tools", "src", "pyproject.toml", "README.md", "LICENSE")
BACKEND = "flit_core"
"""What builds Headrace: the one package of the small lock."""


@dataclass
class Checkout:
    """A copy of the project, and the machine that it is on."""

    folder: Path
    wheels: Path
    path: list[str] = field(default_factory=list[str])
    """Folders that come first in PATH."""

    def run(self, *before: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.pathsep.join([*self.path, os.environ["PATH"]]),
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
            "PYTHON": sys.executable,
            **variables,
        }
        command = [*before, str(self.folder / "tools" / "setup.sh"), "base"]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=100, env=environment, stdin=subprocess.DEVNULL)

    def fakes(self, name: str, script: str) -> None:
        """A program of this name that comes before the machine's own."""
        folder = self.folder.parent / "fakes"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
        self.path = [str(folder)]

    def knows_headrace(self) -> str:
        """Where the environment's own Python finds the package."""
        code = "import headrace; print(headrace.__file__)"
        found = subprocess.run([self.folder / ".venv" / "bin" / "python", "-c", code], check=True, capture_output=True, text=True, cwd="/")
        return found.stdout.strip()


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build backend, packed again as the wheel that it was installed from."""
    folder = tmp_path_factory.mktemp("wheels")
    backend = metadata.distribution(BACKEND)
    with zipfile.ZipFile(folder / f"{BACKEND}-{backend.version}-py3-none-any.whl", "w") as wheel:
        for each in backend.files or ():
            if each.suffix != ".pyc" and not str(each).startswith("..") and each.name not in {"INSTALLER", "REQUESTED", "direct_url.json"}:
                wheel.write(str(each.locate()), str(each))
    return folder


def lay_checkout(folder: Path, wheels: Path) -> Checkout:
    folder.mkdir(parents=True)
    for name in COPIED:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    (wheel,) = wheels.iterdir()
    (folder / "requirements").mkdir()
    line = (
        f"{BACKEND.replace('_', '-')}=={metadata.version(BACKEND)} \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"
    )
    (folder / "requirements" / "base.lock").write_text(line)
    return Checkout(folder, wheels)


@pytest.fixture
def checkout(tmp_path: Path, wheels: Path) -> Checkout:
    return lay_checkout(tmp_path / "checkout", wheels)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Checkout:
    """One whose environment is made."""
    made = lay_checkout(tmp_path_factory.mktemp("installed") / "checkout", wheels)
    done = made.run()
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("packages   1 in requirements/base.lock\n           installed in ")
    return made


def test_a_second_run_is_silent(installed: Checkout) -> None:
    done = installed.run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert installed.knows_headrace() == str(installed.folder / "src" / "headrace" / "__init__.py")


def test_a_moved_checkout_works_after_the_next_run(installed: Checkout, tmp_path: Path) -> None:
    moved = Checkout(tmp_path / "moved", installed.wheels)
    shutil.copytree(installed.folder, moved.folder, symlinks=True)
    assert moved.run().returncode == 0
    assert moved.knows_headrace() == str(moved.folder / "src" / "headrace" / "__init__.py")
    scripts = [path for path in (moved.folder / ".venv" / "bin").iterdir() if path.is_file() and not path.is_symlink()]
    assert not [path.name for path in scripts if str(installed.folder) in path.read_text(errors="replace")]
    assert "/moved/" in (moved.folder / ".venv" / "bin" / "headrace").read_text().splitlines()[0]


LATER = [pytest.param(how, marks=pytest.mark.long) for how in ("its Python is gone", "without pip", "another lock")]


@pytest.mark.parametrize("how", ["broken off", *LATER])
def test_what_is_not_whole_is_made_anew(installed: Checkout, tmp_path: Path, how: str) -> None:
    broken = Checkout(tmp_path / "broken", installed.wheels)
    shutil.copytree(installed.folder, broken.folder, symlinks=True)
    venv = broken.folder / ".venv"
    if how == "broken off":
        (venv / "being-installed").touch()
        shutil.rmtree(next(venv.glob("lib/python*/site-packages/flit_core")))
    elif how == "its Python is gone":
        (venv / "bin" / "python").unlink()
    elif how == "without pip":
        shutil.rmtree(next(venv.glob("lib/python*/site-packages/pip")))
    else:
        with (broken.folder / "requirements" / "base.lock").open("a") as lock:
            lock.write("# a new comment\n")
    done = broken.run()
    assert done.returncode == 0, done.stderr
    assert "installed in" in done.stdout
    assert broken.run().stdout == ""
    assert not (venv / "being-installed").exists()


def test_a_package_that_is_not_the_locked_one_is_not_installed(checkout: Checkout) -> None:
    lock = checkout.folder / "requirements" / "base.lock"
    digest = lock.read_text().partition("sha256:")[2].strip()
    lock.write_text(lock.read_text().replace(digest, "0" * 64))
    done = checkout.run()
    assert done.returncode == 1
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert "The packages could not be installed." in done.stderr
    assert not (checkout.folder / ".venv").exists()


@pytest.mark.long
def test_a_source_package_is_never_built(checkout: Checkout) -> None:
    done = checkout.run(PIP_FIND_LINKS=str(checkout.folder / "nowhere"))
    assert done.returncode == 1
    assert "No matching distribution found for flit-core" in done.stderr
    assert not (checkout.folder / ".venv").exists()


@pytest.mark.long
def test_two_at_once(checkout: Checkout) -> None:
    other: list[subprocess.CompletedProcess[str]] = []
    with subprocess.Popen(["flock", checkout.folder / ".venv.lock", "sleep", "1"]):
        time.sleep(0.3)
        other.append(checkout.run())
    assert other[0].returncode == 0, other[0].stderr
    assert other[0].stdout.startswith("waiting    another make installs here\n")


@pytest.mark.parametrize(("said", "word"), [("3.9", "python3 is 3.9"), ("3.10", "python3 is 3.10"), ("2.7", "python3 is 2.7")])
def test_a_python_that_is_too_old(checkout: Checkout, said: str, word: str) -> None:
    checkout.fakes("python3", f"echo {said}")
    done = checkout.run(PYTHON="python3")
    assert done.returncode == 1
    assert done.stderr.startswith("Headrace needs Python 3.11 or newer, and there is none here.")
    assert word in done.stderr
    assert not (checkout.folder / ".venv").exists()


def test_another_kind_of_machine(checkout: Checkout) -> None:
    checkout.fakes("uname", '[ "$1" = -s ] && echo Darwin || echo arm64')
    done = checkout.run()
    assert done.returncode == 1
    assert "Headrace runs on Linux on x86_64 or aarch64, and this is Darwin on arm64" in done.stderr


def without_ensurepip(checkout: Checkout) -> None:
    """As Debian's Python is without its venv package."""
    checkout.fakes("python-bare", f'case "$*" in *ensurepip*) exit 1 ;; esac\nexec {sys.executable} "$@"')


def test_who_is_not_root_is_told_the_line_to_type(checkout: Checkout) -> None:
    without_ensurepip(checkout)
    checkout.fakes("id", "echo 1000")
    checkout.fakes("apt-get", "exit 1")
    done = checkout.run(PYTHON="python-bare")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    line = f"sudo apt-get install --no-install-recommends python{version}-venv"
    assert (done.returncode, done.stderr) == (1, f"Missing: python{version}-venv. Type this, then try again:  {line}\n")
    assert not (checkout.folder / ".venv").exists()


def test_root_installs_what_is_missing(checkout: Checkout) -> None:
    without_ensurepip(checkout)
    checkout.fakes("id", "echo 0")
    checkout.fakes("apt-get", f'echo "$*" >> {checkout.folder}/apt; echo "E: no network" >&2; exit 100')
    done = checkout.run(PYTHON="python-bare")
    assert done.returncode == 1
    assert (checkout.folder / "apt").read_text() == "update -qq\n"
    assert "E: no network\nDebian's packages could not be installed." in done.stderr


def in_a_world_of_its_own(*mounts: str) -> tuple[str, ...]:
    """Words before a command that runs it with these mounts, seen by it alone."""
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("needs to mount, which takes root")
    return ("unshare", "--mount", "sh", "-c", " && ".join((*mounts, 'exec "$@"')), "sh")


def test_a_processor_without_avx2(checkout: Checkout) -> None:
    cpuinfo = checkout.folder / "cpuinfo"
    cpuinfo.write_text(Path("/proc/cpuinfo").read_text().replace(" avx2", ""))
    if os.uname().machine != "x86_64":
        pytest.skip("only x86 has processors without")
    done = checkout.run(*in_a_world_of_its_own(f"mount --bind {cpuinfo} /proc/cpuinfo"))
    assert done.returncode == 1
    assert done.stderr.startswith("This machine's CPU lacks AVX2")
    assert not (checkout.folder / ".venv").exists()


def test_a_machine_without_libgomp(checkout: Checkout) -> None:
    loading = "import ctypes; ctypes.CDLL('libgomp.so.1'); print(open('/proc/self/maps').read())"
    mapped = subprocess.run([sys.executable, "-c", loading], check=True, capture_output=True, text=True).stdout
    library = next(line.split()[-1] for line in mapped.splitlines() if "libgomp.so.1" in line)
    checkout.fakes("id", "echo 1000")
    done = checkout.run(*in_a_world_of_its_own(f"mount --bind /dev/null {os.path.realpath(library)}"))
    assert done.returncode == 1
    assert "sudo apt-get install --no-install-recommends libgomp1" in done.stderr


@pytest.fixture
def cramped(tmp_path: Path, wheels: Path) -> Generator[Checkout]:
    """On a disk of 24 MB: less than pip itself takes while it installs."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], check=False, capture_output=True).returncode != 0:
        pytest.skip("needs to mount a tmpfs, which takes root")
    yield lay_checkout(folder / "checkout", wheels)
    subprocess.run(["umount", folder], check=True)


def test_a_disk_that_has_too_little_room(cramped: Checkout) -> None:
    done = cramped.run()
    assert done.returncode == 1
    assert done.stderr.startswith("Installing takes 1600 MB, and ")
    assert not (cramped.folder / ".venv").exists()


@pytest.mark.long
def test_a_disk_that_fills_while_installing(cramped: Checkout) -> None:
    (cramped.folder / ".venv").mkdir()  # something is there, so it is not known what installing will take
    done = cramped.run()
    assert done.returncode == 1
    assert done.stderr.endswith("is full: installing takes 1600 MB. Nothing half-made is left; try again with the same command.\n")
    assert not (cramped.folder / ".venv").exists()
