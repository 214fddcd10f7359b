"""What is shipped: the wheel in an environment of its own outside the checkout, the unit of systemd, the recipe of the container."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from contextlib import closing
from pathlib import Path

import pytest

from headrace.app.client.api import Api
from tests.support.installation import ROOT, announced, provide, provider
from tests.unit.app.test_notifying import answering

UNIT = ROOT / "deploy" / "headrace.service"
CONTAINERFILE = ROOT / "Containerfile"
EXPOSURE = 2.0
"""Most that systemd-analyze security may find exposed, of 10."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment with the wheel. What it depends on is this environment's, so nothing is fetched."""
    folder = tmp_path_factory.mktemp("wheel")
    # A copy: a build must not depend on what lies about in the checkout.
    shutil.copytree(ROOT / "src", folder / "source" / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source" / name)
    subprocess.run([sys.executable, "-m", "flit_core.wheel", "--outdir", str(folder)], cwd=folder / "source", check=True)
    (wheel,) = folder.glob("headrace-*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    python = folder / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    shutil.rmtree(folder / "source")
    return folder / "venv" / "bin"


def test_the_wheel_serves_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    def run(*words: str) -> str:
        return subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=120).stdout

    where = run(str(installed / "python"), "-P", "-c", "import headrace; print(headrace.__file__)").strip()
    assert where.startswith(str(installed.parent)), "it is the wheel's, not the checkout's"
    headrace, workspace = str(installed / "headrace"), tmp_path / "workspace"
    run(headrace, "init", "--workspace", str(workspace))
    for path in ("services/help.yaml", "services/local.yaml", "services/extract.yaml", "sources/documents.yaml", "deployments/local.yaml"):
        (workspace / path).unlink()
    with provider() as far, closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as systemd:
        provide(workspace, far, "good")
        with (workspace / "policies" / "base.cedar").open("a") as policy:
            policy.write('@id("all")\npermit (principal, action, resource);\n')
        run(headrace, "apply", "--workspace", str(workspace))
        key = run(headrace, "keys", "create", "--name", "desk", "--group", "members", "--workspace", str(workspace)).strip()
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(60)
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        command = [headrace, "up", "--port", "0", "--workspace", str(workspace)]
        with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                url = announced(process)
                assert systemd.recv(100) == b"READY=1"
                assert Api(url, key).chat("on-good", "x")["choices"]
                for page in ("/", "/v1/models"):
                    assert subprocess.run(["curl", "-sf", "-o", "/dev/null", f"{url}{page}", "-H", f"Authorization: Bearer {key}"],
                                          check=False, timeout=30).returncode == 0  # fmt: skip
            finally:
                process.send_signal(signal.SIGTERM)
                process.communicate(timeout=60)
        assert process.returncode == 0
        assert systemd.recv(100) == b"STOPPING=1"


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze, which is not here")
    text = UNIT.read_text()
    assert re.findall(r"^Exec\w+=(\S+)", text, re.MULTILINE) == ["/opt/headrace/bin/headrace"] * 2
    here = tmp_path / "headrace.service"
    here.write_text(text.replace("/opt/headrace/bin/headrace", str(Path(sys.executable).parent / "headrace")))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(here)], capture_output=True, text=True, check=False, timeout=60)
    ours = [line for line in (done.stderr + done.stdout).splitlines() if "headrace" in line]
    assert ours == []
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(here)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert level is not None, done.stderr
    assert float(level[1]) <= EXPOSURE


def instructions() -> list[tuple[str, str]]:
    """Word and rest of each line of the recipe."""
    lines = [line for line in CONTAINERFILE.read_text().splitlines() if line and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def test_the_container_is_not_root_and_brings_what_it_names() -> None:
    every = instructions()
    last = max(number for number, (word, _) in enumerate(every) if word == "FROM")
    final = every[last:]
    assert [rest for word, rest in final if word == "USER"] == ["10001:10001"]
    assert [word for word, _ in final].index("USER") < [word for word, _ in final].index("ENTRYPOINT")
    copied = [path for word, rest in every if word == "COPY" and "--from" not in rest for path in rest.split()[:-1]]
    allowed = {line[1:] for line in (ROOT / ".containerignore").read_text().splitlines() if line.startswith("!")}
    assert set(copied) == allowed
    assert all((ROOT / path).exists() for path in copied)
    assert {word for word, _ in every} <= {"ARG", "FROM", "RUN", "WORKDIR", "COPY", "ENV", "VOLUME", "EXPOSE", "USER", "STOPSIGNAL",
                                           "HEALTHCHECK", "ENTRYPOINT", "CMD"}  # fmt: skip


def test_the_container_knows_its_health() -> None:
    (check,) = [rest for word, rest in instructions() if word == "HEALTHCHECK"]
    words = json.loads(check[check.index("[") :])
    assert words[0] == "python"
    with answering() as url:
        here = [word.replace("http://127.0.0.1:8080", url) for word in words[1:]]
        assert subprocess.run([sys.executable, *here], capture_output=True, check=False, timeout=30).returncode == 0
    assert subprocess.run([sys.executable, *here], capture_output=True, check=False, timeout=30).returncode != 0


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_lines_that_build_the_container_run(tmp_path: Path) -> None:
    """No engine is needed for that: the build stage's own lines, in mounts of their own, on this machine's Python."""
    if os.getuid() or shutil.which("unshare") is None:
        pytest.skip("needs mounts of its own (unshare --mount as root), which are not to be had here")
    stage: list[str] = []
    for word, rest in instructions()[2:]:
        if word == "FROM":
            break
        if word == "WORKDIR":
            stage.append(f"cd {tmp_path}{rest}")
        elif word == "COPY":
            *files, to = rest.split()
            stage += [f"mkdir -p $(dirname {to}/x)" if to.endswith("/") else f"mkdir -p $(dirname {to})"]
            stage += [f"cp -r {shlex.quote(str(ROOT / file))} {to}" for file in files]
        elif word == "RUN" and not rest.startswith("apt-get"):
            stage.append(rest)
    for name in ("opt", "src"):
        (tmp_path / name).mkdir()
    script = "\n".join(["set -eu", f"mount --bind {tmp_path}/opt /opt", *stage, "/opt/headrace/bin/headrace models list", "ls /opt/models"])
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=False, timeout=1500)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "smollm2-135m-instruct" in done.stdout.splitlines()[-1] + done.stdout
