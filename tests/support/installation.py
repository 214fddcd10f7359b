"""A whole installation for tests, started as its users start it: ``headrace up`` in a process of its own, on a workspace of files.

    with running(folder / "workspace", documents=texts) as installation:
        key = installation.key("ana")
        installation.chat(key, "help", "…")

The fixture ``installation`` (tests/scenario/conftest.py) is one for the whole session, with a provider that can misbehave behind it.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from headrace.app.acts import keys
from headrace.config.layout import Layout
from headrace.evidence.log.reader import LogReader
from tests.providers.engine import embedder, language

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headrace.core.values import StoredKey

ROOT = Path(__file__).resolve().parents[2]
HEADRACE = Path(sys.executable).parent / "headrace"
START_WITHIN = 60.0
STOP_WITHIN = 40.0


def headrace(*words: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    """A headrace command, which must end with `code`."""
    done = subprocess.run(
        [str(HEADRACE), *words], capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == code, f"headrace {' '.join(words)} ended with {done.returncode}: {done.stderr or done.stdout}"
    return done


@dataclass
class Installation:
    """An installation that runs."""

    workspace: Path
    url: str
    process: subprocess.Popen[str]
    environment: dict[str, str] = field(default_factory=dict[str, str])

    def run(self, *words: str, code: int = 0) -> str:
        """A headrace command on this workspace; its standard output."""
        return headrace(*words, "--workspace", str(self.workspace), code=code, **self.environment).stdout

    def json(self, *words: str, code: int = 0) -> Any:
        """The same with ``--json``, parsed; an error stands on standard error."""
        done = headrace(*words, "--json", "--workspace", str(self.workspace), code=code, **self.environment)
        return json.loads(done.stdout or done.stderr)

    def key(self, name: str, *, groups: Sequence[str] = ("members",), **wanted: Any) -> str:
        """A new key; `wanted` are further fields of :class:`headrace.app.acts.keys.Wanted`."""
        return self.made(name, groups=groups, **wanted)[0]

    def made(self, name: str, *, groups: Sequence[str] = ("members",), **wanted: Any) -> tuple[str, StoredKey]:
        """A new key, and what is kept of it. Made here, not by ``headrace keys create``: that costs a process for each."""
        asked = keys.Wanted(name, groups=tuple(groups), **wanted)
        with ThreadPoolExecutor(1) as aside:  # the act is recorded in an event loop of its own
            return aside.submit(keys.create, Layout(self.workspace), asked).result()

    def records(self, request: str) -> list[dict[str, Any]]:
        """What the log on disk holds of a request, in order: read as an auditor would, beside the running ledger."""
        with LogReader(self.workspace / ".headrace" / "ledger") as log:
            return [dict(each["record"]) for each in log.find(request)]

    def since(self, sequence: int = 0) -> list[dict[str, Any]]:
        """The records of the log from this place on."""
        with LogReader(self.workspace / ".headrace" / "ledger") as log:
            found = iter(lambda: log.at(next(places)), None)
            places = count(sequence)
            return [dict(each["record"]) for each in found]

    def settled(self, request: str, within: float = 10.0) -> dict[str, Any]:
        """The record of a request's end, waited for. There is exactly one."""
        until = time.monotonic() + within
        while True:
            found = [each for each in self.records(request) if each["kind"] != "opened"]
            if found or time.monotonic() > until:
                (only,) = found
                return only
            time.sleep(0.05)

    def get(self, path: str, key: str | None = None) -> tuple[int, bytes]:
        """Status and body."""
        return self._asked("GET", path, key, None)

    def post(self, path: str, key: str, **asked: object) -> tuple[int, Any]:
        """Status and parsed body of a request in JSON."""
        status, body = self._asked("POST", path, key, json.dumps(asked).encode())
        return status, json.loads(body)

    def _asked(self, method: str, path: str, key: str | None, body: bytes | None) -> tuple[int, bytes]:
        there = urlsplit(self.url)
        with contextlib.closing(http.client.HTTPConnection(str(there.hostname), there.port, timeout=30)) as connection:
            connection.request(method, path, body, headers={"Authorization": f"Bearer {key}"} if key else {})
            response = connection.getresponse()
            return response.status, response.read()

    def until_ready(self, within: float = START_WITHIN) -> None:
        """Wait until every service can answer."""
        until = time.monotonic() + within
        while (ready := self.get("/readyz"))[0] != 200:
            assert time.monotonic() < until, ready
            time.sleep(0.05)

    @property
    def gateway(self) -> int:
        """The gateway's process id."""
        return int(json.loads((self.workspace / ".headrace" / "gateway.json").read_text())["gateway"])

    def logs(self) -> str:
        """The last words of every process."""
        folder = self.workspace / ".headrace" / "logs"
        return "\n".join(f"--- {each.name}\n{each.read_text(errors='replace')[-3000:]}" for each in sorted(folder.glob("*.log")))


def headrace_up(workspace: Path) -> list[str]:
    """The command that serves a workspace on a free port."""
    return [str(HEADRACE), "up", "--workspace", str(workspace), "--port", "0"]


@contextlib.contextmanager
def running(workspace: Path, *, documents: Path | None = None, ready: bool = True, **environment: str) -> Iterator[Installation]:
    """An installation on this workspace for the block; made from the template (with `documents`) where there is none.

    `ready`: wait until every service can answer. It is stopped with SIGTERM and must end in order.
    """
    language()
    embedder()
    if not (workspace / "headrace.yaml").exists():
        headrace("init", "--workspace", str(workspace), *(["--docs", str(documents)] if documents is not None else []))
    with subprocess.Popen(
        headrace_up(workspace),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    ) as process:
        try:
            installation = Installation(workspace, announced(process), process, environment)
            if ready:
                installation.until_ready()
                installation.run("ingest")  # waits for the pass that the start began
            yield installation
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.communicate(timeout=STOP_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
    assert process.returncode == 0, f"headrace up ended with {process.returncode}"


def announced(process: subprocess.Popen[str]) -> str:
    """The address in the line that says that it serves."""
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    if not line:
        process.wait(5)
        raise AssertionError(f"headrace up does not serve: {process.stderr.read()}")
    said = json.loads(line)
    assert said["event"] == "ready"
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", said["url"])
    return str(said["url"])


@contextlib.contextmanager
def provider() -> Iterator[str]:
    """The provider that can misbehave (tests/providers/openai_server.py), in a process of its own; its address."""
    command = [sys.executable, str(ROOT / "tests" / "providers" / "openai_server.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.kill()


def provide(workspace: Path, url: str, *behaviours: str) -> None:
    """Services in front of the provider, one a behaviour (``on-slow``…), without guards: what comes goes on at once."""
    for name in behaviours:
        (workspace / "deployments" / f"{name}.yaml").write_text(
            f"deployment: '{name}'\nprovider: {{url: {url}/v1, model: '{name}'}}\n"
            "price: [0.15 EUR per 1M input tokens, 0.60 EUR per 1M output tokens]\n"
        )
        (workspace / "services" / f"on-{name}.yaml").write_text(f"service: on-{name}\nmodels: [{{deployment: '{name}'}}]\n")
