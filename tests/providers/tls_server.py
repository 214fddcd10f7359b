"""A web server with TLS and a certificate authority of its own, that serves files and faults.

/files/NAME      the content given for NAME
/slow/NAME       its first half; then it calls `halfway` and goes on
/cut/NAME        its first half under the whole length, then the connection ends
/to/URL          redirects there
anything else    404
"""

from __future__ import annotations

import datetime as dt
import http.server
import ipaddress
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path


@dataclass
class TlsServer:
    """A server that runs: its address, its authority's certificate, what it serves and what it was asked."""

    url: str
    authority: Path
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    asked: list[str] = field(default_factory=list[str])
    halfway: Callable[[], None] = lambda: None


@contextmanager
def tls_server(folder: Path) -> Generator[TlsServer]:
    """Serve on a free port of 127.0.0.1 for the block."""
    certificate, key, authority = _certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    state = TlsServer(f"https://127.0.0.1:{server.server_address[1]}", authority)
    _Handler.states[server.server_address[1]] = state
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    states: dict[int, TlsServer] = {}  # noqa: RUF012 - by port: a handler is made for each connection
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        state = self.states[self.server.server_address[1]]  # pyright: ignore[reportArgumentType]
        state.asked.append(self.path)
        how, _, name = self.path.lstrip("/").partition("/")
        self.close_connection = True
        if how == "to":
            self._head(302, 0, unquote(name))
        elif how in {"files", "slow", "cut"} and name in state.files:
            self._send(state, how, state.files[name])
        else:
            self._head(404, 0)

    def _send(self, state: TlsServer, how: str, content: bytes) -> None:
        self._head(200, len(content))
        if how == "files":
            self.wfile.write(content)
            return
        half = len(content) // 2
        self.wfile.write(content[:half])
        self.wfile.flush()
        if how == "slow":
            state.halfway()
            self.wfile.write(content[half:])

    def _head(self, status: int, length: int, location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.send_header("Connection", "close")
        if location:
            self.send_header("Location", location)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Nothing is logged."""


def _certificates(folder: Path) -> tuple[Path, Path, Path]:
    """Certificate and key of 127.0.0.1, signed by an authority made for the occasion, and the authority's certificate."""
    root_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of a test")])
    leaf = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)

    def builder(subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(root)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )

    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    signed_root = builder(root, root_key).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    signed_root = signed_root.add_extension(usage, critical=True).sign(root_key, hashes.SHA256())
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed_leaf = builder(leaf, leaf_key).add_extension(names, critical=False).sign(root_key, hashes.SHA256())
    paths = (folder / "server.pem", folder / "server.key", folder / "authority.pem")
    pem = serialization.Encoding.PEM
    paths[0].write_bytes(signed_leaf.public_bytes(pem))
    paths[1].write_bytes(leaf_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    paths[2].write_bytes(signed_root.public_bytes(pem))
    return paths
