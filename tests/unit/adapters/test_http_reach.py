"""How the HTTP client reaches others: TLS with whom this machine trusts, and the proxies that the environment names."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from headrace.adapters.http import reach
from headrace.adapters.http.faults import Unreachable
from headrace.adapters.http.reach import Site
from tests.providers.scripted import WHOLE, proxy, says, serving
from tests.providers.tls_server import tls_server
from tests.support.exchanges import client_of, fetch

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    reach.trust.cache_clear()
    return monkeypatch


async def get(url: str) -> tuple[int, bytes]:
    async with client_of(url) as client:
        response = await client.ask(client.head("GET", "/files/a", {}), b"")
        try:
            return response.status, await response.read_whole(100)
        finally:
            response.close()


async def test_tls_is_spoken_with_whom_this_machine_trusts_and_nobody_else(tmp_path: Path, bare: pytest.MonkeyPatch) -> None:
    with tls_server(tmp_path) as server:
        server.files["a"] = b"hello"
        with pytest.raises(Unreachable) as distrusted:
            await get(server.url)
        assert isinstance(distrusted.value.__cause__, ssl.SSLCertVerificationError)
        bare.setenv("SSL_CERT_FILE", str(server.authority))
        reach.trust.cache_clear()
        assert await get(server.url) == (200, b"hello")
        with pytest.raises(Unreachable):
            await get(server.url.replace("127.0.0.1", "localhost"))  # the certificate names the address only
    reach.trust.cache_clear()


async def test_tls_goes_through_the_environments_proxy_which_sees_only_where(tmp_path: Path, bare: pytest.MonkeyPatch) -> None:
    with tls_server(tmp_path) as server:
        server.files["a"] = b"hello"
        bare.setenv("SSL_CERT_FILE", str(server.authority))
        async with proxy() as between:
            bare.setenv("HTTPS_PROXY", f"http://ana:p%40ss@{between.url}")
            assert await get(server.url) == (200, b"hello")
        there = server.url.removeprefix("https://").encode()
        assert between.requests == [
            b"CONNECT " + there + b" HTTP/1.1\r\nHost: " + there + b"\r\nProxy-Authorization: Basic YW5hOnBAc3M=\r\n\r\n"
        ]
        bare.setenv("NO_PROXY", "127.0.0.1")
        assert await get(server.url) == (200, b"hello")
    reach.trust.cache_clear()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", b"", b"what?\r\n\r\n"])
async def test_a_proxy_that_does_not_connect_is_told(answer: bytes, bare: pytest.MonkeyPatch) -> None:
    async with proxy(answer) as between:
        bare.setenv("HTTPS_PROXY", f"http://{between.url}")
        with pytest.raises(Unreachable):
            await get("https://provider.invalid")


@pytest.mark.parametrize("named", ["socks5://127.0.0.1", "socks5://127.0.0.1:1080", "http://127.0.0.1:port", "http://[::1", "ftp://x"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_cannot_be_one_is_told(named: str, scheme: str, bare: pytest.MonkeyPatch) -> None:
    bare.setenv(f"{scheme}_proxy", named)
    with pytest.raises(Unreachable, match=f"{scheme}_proxy names no http:// or https:// address"):
        await get(f"{scheme}://provider.invalid")


@pytest.mark.parametrize(
    ("none_for", "url", "goes_through"),
    [
        ("a.invalid:8080", "http://a.invalid:8080", False),
        ("a.invalid:8080", "http://a.invalid:8081", True),
        ("invalid", "http://a.invalid:8080", False),
        ("::1", "http://[::1]:8080", False),
        ("[::1]", "http://[::1]:8080", False),
        ("[::1]:8080", "http://[::1]:8080", False),
        ("b.invalid", "http://a.invalid", True),
    ],
)
def test_what_no_proxy_names_is_reached_directly(none_for: str, url: str, *, goes_through: bool, bare: pytest.MonkeyPatch) -> None:
    bare.setenv("http_proxy", "http://127.0.0.1:1")
    bare.setenv("no_proxy", none_for)
    assert (Site.of(url).proxy is not None) is goes_through


async def test_what_is_not_secret_is_asked_of_the_proxy_itself(bare: pytest.MonkeyPatch) -> None:
    async with serving(says(WHOLE)) as between:
        bare.setenv("HTTP_PROXY", between.url.replace("//", "//ana:b@"))
        async with client_of("http://provider.invalid:81/v1") as client:
            assert await fetch(client) == (200, b"hello")
    assert between.requests[0].startswith(b"POST http://provider.invalid:81/v1/x HTTP/1.1\r\nHost: provider.invalid:81\r\n")
    assert b"Proxy-Authorization: Basic YW5hOmI=\r\n" in between.requests[0]


def test_sites_are_named_as_hosts_are() -> None:
    names = [Site.of(url).name for url in ("http://a/v1", "https://a:443", "https://a:80", "http://[::1]:8080/v1", "http://[::1]")]
    assert names == ["a", "a", "a:80", "[::1]:8080", "[::1]"]
