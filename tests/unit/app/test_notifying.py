"""What systemd is told, on a real socket."""

from __future__ import annotations

import http.server
import socket
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from headrace.app.up import notifying

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Nothing is logged."""


@contextmanager
def answering() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Healthy) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("abstract", [False, True])
def test_it_serves_it_lives_it_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, abstract: bool) -> None:
    name = f"@headrace-{tmp_path.name}" if abstract else str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as systemd, answering() as url:
        systemd.bind(f"\0{name[1:]}" if abstract else name)
        systemd.settimeout(20)
        stopping = threading.Event()
        thread = notifying.serving(url, stopping)
        assert thread is not None
        assert systemd.recv(100) == b"READY=1"
        assert systemd.recv(100) == b"WATCHDOG=1"
        stopping.set()
        thread.join()
        said = systemd.recv(100)
        while said == b"WATCHDOG=1":
            said = systemd.recv(100)
        assert said == b"STOPPING=1"


def test_a_gateway_that_does_not_answer_is_not_said_to_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        free = server.getsockname()[1]
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(0.3)
        stopping = threading.Event()
        thread = notifying.serving(f"http://127.0.0.1:{free}", stopping)
        assert systemd.recv(100) == b"READY=1"
        with pytest.raises(TimeoutError):
            systemd.recv(100)
        stopping.set()
        assert thread is not None
        thread.join()


def test_without_systemd_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert notifying.serving("http://127.0.0.1:1", threading.Event()) is None
