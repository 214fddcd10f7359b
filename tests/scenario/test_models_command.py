"""``headrace models``, from outside: a process of its own, a store of its own."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from headrace.app.cli.main import main
from tests.providers.tls_server import TlsServer, tls_server
from tests.support.workspaces import lay

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

    from headrace.config.model import Model

from tests.support.weights import encoder, model

CONTENT = os.urandom(300_000)
HEADRACE = (sys.executable, "-c", "from headrace.app.cli.main import main; main()")
PACKAGED = (
    "model: packaged\nkind: language\nlicence: BSD-3-Clause\nfiles:\n  - file: core.py\n    size: 13239\n"
    "    sha256: {sha}\n    sources: ['pypi:idna==3.10#idna/core.py']\n"
)
"""A file of a small package that is on the index for good."""


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


@dataclass
class Home:
    """A workspace, and the environment that names a store of its own."""

    workspace: Path
    environment: Mapping[str, str | None]

    def command(self, *arguments: str) -> list[str]:
        return [*HEADRACE, "models", *arguments, "--workspace", str(self.workspace)]

    def run(self, *arguments: str) -> Done:
        """In this process."""
        result = CliRunner().invoke(main, self.command(*arguments)[len(HEADRACE) :], env=dict(self.environment))
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    def variables(self) -> dict[str, str]:
        """The environment of a process of its own."""
        return {name: value for name, value in self.environment.items() if value is not None}

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        return json.loads(done.stdout or done.stderr)

    def declare(self, declared: Model) -> None:
        (self.workspace / "models").mkdir(exist_ok=True)
        (self.workspace / "models" / f"{declared.model}.yaml").write_text(declared.model_dump_json(exclude_defaults=True))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    environment: dict[str, str | None] = {
        **os.environ,
        "HEADRACE_MODELS": str(tmp_path / "store"),
        "SSL_CERT_FILE": str(tmp_path / "authority.pem"),
    }
    environment |= {"PIP_CERT": None, "REQUESTS_CA_BUNDLE": None}
    (tmp_path / "workspace").mkdir()
    return Home(lay(tmp_path / "workspace"), environment)


@pytest.fixture
def server(tmp_path: Path) -> Generator[TlsServer]:
    with tls_server(tmp_path) as running:
        running.files["w"] = CONTENT
        yield running


def test_pull_list_verify_remove(home: Home, server: TlsServer) -> None:
    home.declare(model("own", ("w.gguf", CONTENT, [f"{server.url}/files/none", f"{server.url}/files/w"])))
    pulled = home.run("pull", "own")
    assert (pulled.returncode, pulled.stdout) == (0, "own                          0.3 MB  fetched, SHA-256 checked\n")
    assert "models     own  fetching w.gguf  0.3 of 0.3 MB" in pulled.stderr
    assert home.run("pull", "own").stdout == "own                          0.3 MB  was here\n"
    listed = home.run("list").stdout
    assert "own                       language     0.3 MB  here                                MIT\n" in listed
    assert "all-minilm-l6-v2          embedder      91 MB  not here                            Apache-2.0\n" in listed
    assert home.run("verify").stdout == "own                       holds\n"
    removed = home.run("remove", "own")
    assert (removed.returncode, removed.stdout) == (0, "own                          0.3 MB freed\n")
    assert home.run("verify").stdout == "No model is here.\n"
    again = home.run("remove", "own")
    assert (again.returncode, again.stderr) == (1, 'The model "own" is not here. Fetch it: headrace models pull own\n')


def test_the_same_for_programs(home: Home, server: TlsServer, tmp_path: Path) -> None:
    declared = model("own", ("w.gguf", CONTENT, [f"{server.url}/files/w"]))
    home.declare(declared)
    folder = str(tmp_path / "store" / "own")
    about = {"model": "own", "kind": "language", "bytes": len(CONTENT), "folder": folder}
    assert home.json("pull", "own") == [{**about, "fetched": True}]
    assert home.json("pull", "own") == [{**about, "fetched": False}]
    rows = {row["model"]: row for row in home.json("list")}
    assert rows["own"] == {
        "model": "own",
        "kind": "language",
        "licence": "MIT",
        "bytes": len(CONTENT),
        "state": "here",
        "sources": [f"{server.url}/files/w"],
    }
    assert rows["smollm2-135m-instruct"]["state"] == "not here"
    assert home.json("verify", "own") == [{"model": "own", "holds": True, "faults": []}]
    assert home.json("pull", "none")["error"]["code"] == "models.unknown"
    assert [(row["model"], row["needed"]) for row in home.json("remove", "own")] == [("own", False)]


def test_what_the_workspace_needs_is_pulled_without_a_name(home: Home, server: TlsServer, tmp_path: Path) -> None:
    home.declare(model("smollm2-135m-instruct", ("w.gguf", CONTENT, [f"{server.url}/files/w"])))
    home.declare(encoder(tmp_path, "all-minilm-l6-v2"))
    assert [row["model"] for row in home.json("pull")] == ["smollm2-135m-instruct", "all-minilm-l6-v2"]
    assert "this workspace needs it to start" in home.run("remove", "smollm2-135m-instruct").stdout


def test_damage_is_told_with_the_way_to_mend_it(home: Home, server: TlsServer, tmp_path: Path) -> None:
    home.declare(model("own", ("w.gguf", CONTENT, [f"{server.url}/files/w"])))
    home.run("pull", "own")
    (tmp_path / "store" / "own" / "w.gguf").write_bytes(CONTENT[::-1])
    done = home.run("verify", "own")
    assert done.returncode == 1
    assert done.stdout.startswith("own                       DAMAGED\n  w.gguf has SHA-256 ")
    assert "headrace models remove own, then headrace models pull own" in done.stdout


def test_what_no_longer_is_declared_or_is_declared_anew(home: Home, server: TlsServer) -> None:
    home.declare(model("own", ("w.gguf", CONTENT, [f"{server.url}/files/w"])))
    home.declare(model("gone", ("w.gguf", CONTENT, [f"{server.url}/files/w"])))
    home.run("pull", "own", "gone")
    home.declare(model("own", ("w.gguf", CONTENT[1:], [f"{server.url}/files/w"])))
    (home.workspace / "models" / "gone.yaml").unlink()
    states = {row["model"]: row["state"] for row in home.json("list")}
    assert states["own"] == "here; declaration or files changed"
    assert states["gone"] == "here; nobody declares it"


def test_a_workspace_with_faults_hides_no_built_in_model(home: Home) -> None:
    (home.workspace / "headrace.yaml").write_text("headrace: 1\nnam: x\n")
    listed = home.run("list")
    assert listed.returncode == 0
    assert "smollm2-135m-instruct" in listed.stdout
    assert "The workspace has faults (see headrace check)" in listed.stderr
    pulled = home.run("pull")
    assert pulled.returncode == 1
    assert "has faults, so what it needs is not known" in pulled.stderr


def test_bad_use(home: Home) -> None:
    assert home.run("remove").returncode == 2
    assert home.run("fetch").returncode == 2
    assert home.run("pull", "--nonsense").returncode == 2


def test_without_a_workspace(home: Home, tmp_path: Path) -> None:
    elsewhere = Home(tmp_path / "none", home.environment)
    assert [row["model"] for row in elsewhere.json("list")] == ["all-minilm-l6-v2", "smollm2-135m-instruct"]


def test_a_pull_killed_in_the_middle_starts_again_cleanly(
    home: Home, server: TlsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.declare(model("own", ("w.gguf", CONTENT, [f"{server.url}/slow/w"])))
    halfway, go_on = threading.Event(), threading.Event()

    def pause() -> None:
        halfway.set()
        go_on.wait(30)

    monkeypatch.setattr(server, "halfway", pause)
    with subprocess.Popen(home.command("pull", "own"), env=home.variables(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as pull:
        assert halfway.wait(30)
        pull.send_signal(signal.SIGKILL)
    assert home.run("verify", "own").returncode == 1, "half a model is none"
    go_on.set()
    assert home.run("pull", "own").returncode == 0
    assert home.run("verify", "own").returncode == 0
    assert list((tmp_path / "store" / ".partial").iterdir()) == []


def test_two_pulls_at_once_both_succeed(home: Home, server: TlsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    home.declare(model("own", ("w.gguf", CONTENT, [f"{server.url}/slow/w"])))
    second: list[subprocess.Popen[str]] = []
    started = threading.Event()

    def halfway() -> None:
        second.append(subprocess.Popen(home.command("pull", "own"), env=home.variables(), stderr=subprocess.PIPE, text=True))
        assert second[0].stderr is not None
        line = second[0].stderr.readline()
        assert line == "models     own  waiting for another pull to end\n"
        started.set()

    monkeypatch.setattr(server, "halfway", halfway)
    assert home.run("pull", "own").returncode == 0
    assert started.is_set()
    second[0].communicate(timeout=30)
    assert second[0].returncode == 0
    assert server.asked == ["/slow/w"]


def test_on_a_terminal_progress_stands_in_one_line(home: Home, server: TlsServer) -> None:
    home.declare(model("own", ("w.gguf", CONTENT, [f"{server.url}/files/w"])))
    ours, theirs = pty.openpty()
    with subprocess.Popen(home.command("pull", "own"), env=home.variables(), stdout=subprocess.DEVNULL, stderr=theirs) as pull:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 4096):
                shown += piece
        except OSError:  # Linux says so when the other end is closed
            pass
        assert pull.wait(30) == 0
    os.close(ours)
    assert b"\rmodels     own  fetching w.gguf" in shown
    assert shown.endswith(b"\r\x1b[K")
    assert b"\n" not in shown


def test_a_package_of_the_index_comes_through_pip(home: Home) -> None:
    sha = "60963200c9f089010f8d50b8f85aaefe9e0227ac8a2ae0c69a9a41350350a45b"
    (home.workspace / "models").mkdir()
    (home.workspace / "models" / "packaged.yaml").write_text(PACKAGED.format(sha=sha))
    own = {name: os.environ.get(name) for name in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")}
    done = Home(home.workspace, {**home.environment, **own}).run("pull", "packaged")
    if "fetched" not in done.stdout and ("connection" in done.stderr.lower() or "No matching distribution" in done.stderr):
        pytest.skip(f"needs a package index that pip reaches: {done.stderr.strip().splitlines()[-1][:200]}")
    assert done.returncode == 0, done.stderr
    assert home.run("verify", "packaged").returncode == 0
