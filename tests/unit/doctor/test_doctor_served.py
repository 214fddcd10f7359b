"""The doctor on addresses, providers, sources, policy and keys."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from headrace.app.acts import keys
from headrace.app.acts.changes import apply
from headrace.app.doctor.serving import holder_of
from tests.providers.tls_server import tls_server
from tests.support.patients import NOBODY, as_root, found, found_as, healthy
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.config.layout import Layout

PROXIES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY")


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    return healthy(tmp_path)


@pytest.fixture
def listening() -> Iterator[int]:
    """A port on which this very process listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def write(layout: Layout, path: str, text: str) -> None:
    (layout.workspace / path).write_text(text, encoding="utf-8")
    apply(layout, by="test")


def provider(layout: Layout, url: str, key: str = "") -> None:
    deployment = f"deployment: far\nprovider:\n  url: {url}/v1\n  model: large\n" + (f"  key: env:{key}\n" if key else "")
    write(layout, "deployments/far.yaml", deployment)


def test_a_port_that_somebody_else_has(layout: Layout, listening: int) -> None:
    finding = found(layout, port=listening)["serving.port_taken"]
    assert f"process {os.getpid()}" in finding.what
    assert finding.where == f"127.0.0.1:{listening}"


def test_nobody_holds_a_port_that_is_free() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        free = server.getsockname()[1]
    assert holder_of(free) is None


def test_an_address_that_this_machine_does_not_have(layout: Layout) -> None:
    assert found(layout, host="192.0.2.1", port=8080)["serving.no_address"].where == "192.0.2.1:8080"


def test_served_to_others_without_host_names(layout: Layout) -> None:
    assert found(layout, host="0.0.0.0").keys() == {"serving.no_hosts", "serving.plain_http"}  # noqa: S104
    edit(layout.workspace, "headrace.yaml", "currency: EUR", "hosts: [ai.example.org]\ncurrency: EUR")
    apply(layout, by="test")
    assert found(layout, host="0.0.0.0").keys() == {"serving.plain_http"}  # noqa: S104


def test_files_with_faults(layout: Layout) -> None:
    edit(layout.workspace, "services/help.yaml", "service: help", "servise: help")
    finding = found(layout)["workspace.faults"]
    assert finding.where.startswith(f"{layout.workspace}/services/help.yaml:")


def test_files_that_are_not_in_force(layout: Layout) -> None:
    edit(layout.workspace, "headrace.yaml", "name: headrace", "name: other")
    assert "changed headrace.yaml" in found(layout)["workspace.not_applied"].what


def test_a_source_whose_folder_is_gone_or_empty(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "texts" / "a.md").unlink()
    assert "documents" in found(layout)["sources.empty"].where
    (tmp_path / "texts").rmdir()
    assert str(tmp_path / "texts") in found(layout)["sources.no_folder"].where


def test_what_another_user_may_not_read() -> None:
    as_root()
    with tempfile.TemporaryDirectory() as folder:
        layout = healthy(Path(folder))
        Path(folder).chmod(0o755)
        assert found_as(layout, NOBODY).keys() == {"folder.foreign"}
        subprocess.run(["chown", "-R", str(NOBODY), folder], check=True)
        secret = Path(folder) / "texts" / "secret.md"
        secret.write_text("# S\n")
        secret.chmod(0o600)
        assert str(secret) in found_as(layout, NOBODY)["sources.unreadable"]


def test_a_source_without_readers(layout: Layout) -> None:
    edit(layout.workspace, "sources/documents.yaml", "  groups: [members]", "  groups: []")
    apply(layout, by="test")
    assert "readers" in found(layout)["sources.no_readers"].where


def test_a_provider_whose_key_is_not_set(layout: Layout, listening: int, monkeypatch: pytest.MonkeyPatch) -> None:
    provider(layout, f"http://127.0.0.1:{listening}", "FAR_KEY")
    assert "FAR_KEY" in found(layout)["reach.no_provider_key"].what
    monkeypatch.setenv("FAR_KEY", "a secret that nobody is shown")
    assert found(layout) == {}


def test_a_provider_that_is_not_there(layout: Layout) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        free = server.getsockname()[1]
    provider(layout, f"http://127.0.0.1:{free}/v1?key=secret")
    finding = found(layout)["reach.unreachable"]
    assert finding.where == f"deployments/far.yaml: http://127.0.0.1:{free}"
    assert "secret" not in str(finding)


def test_a_provider_whose_certificate_nobody_trusts(layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tls_server(tmp_path) as server:
        provider(layout, server.url)
        assert "SSL_CERT_FILE" in found(layout)["reach.certificate"].mend
        monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
        assert found(layout) == {}


def test_a_provider_that_speaks_no_tls(layout: Layout) -> None:
    listen = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True)"
    answer = f"{listen}; s.accept()[0].send(b'no TLS here')"
    with subprocess.Popen(["python3", "-c", answer], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        provider(layout, f"https://127.0.0.1:{server.stdout.readline().strip()}")
        assert "http:" in found(layout)["reach.tls"].mend


def test_a_proxy_that_is_asked_for_this_machine(layout: Layout, listening: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://user:secret@proxy.example:3128")
    monkeypatch.setenv("http_proxy", "http://user:secret@proxy.example:3128")
    assert "SDK" in found(layout)["reach.proxy_catches_local"].what
    provider(layout, f"http://127.0.0.1:{listening}")
    finding = found(layout)["reach.proxy_catches_local"]
    assert "deployment far" in finding.what
    assert "secret" not in str(finding)
    monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
    assert found(layout) == {}


def test_a_policy_that_lets_nobody_ask(layout: Layout) -> None:
    base = (layout.workspace / "policies" / "base.cedar").read_text()
    write(layout, "policies/base.cedar", base.replace('action == Action::"ask"', 'action == Action::"curate"'))
    assert "policies/" in found(layout)["policy.nobody_may_ask"].where


def test_a_policy_that_lets_everybody_ask(layout: Layout) -> None:
    write(layout, "policies/open.cedar", '@id("all")\npermit (principal, action == Action::"ask", resource);\n')
    assert "help" in found(layout)["policy.everybody_may_ask"].what


def test_nobody_administers(layout: Layout) -> None:
    edit(layout.workspace, "people.yaml", "groups: [members, curators, administrators]", "groups: [members, curators]")
    apply(layout, by="test")
    assert "administrators" in found(layout)["policy.no_administrator"].mend


def test_keys_that_end_and_keys_of_nobody(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    keys.create(layout, keys.Wanted("brief", groups=("members",), lasts_us=3_600_000_000))
    _, mine = keys.create(layout, keys.Wanted("laptop", holder="me"))
    assert "keys.expires_soon" not in found(layout)  # it has just been made
    with monkeypatch.context() as later:
        now = time.time_ns() + 50 * 60 * 1_000_000_000
        later.setattr("headrace.app.doctor.configuration.time.time_ns", lambda: now)
        assert "brief" in found(layout)["keys.expires_soon"].what
    edit(layout.workspace, "people.yaml", "- person: me\n", "- person: you\n")
    apply(layout, by="test")
    assert mine.id in found(layout)["keys.no_holder"].what
    for each in keys.every(layout):
        keys.revoke(layout, each.id)
    assert "3 have expired or were revoked" in found(layout)["keys.none"].what
