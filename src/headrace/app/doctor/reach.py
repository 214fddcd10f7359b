"""What is reached over the network: providers, their keys, and proxies on the way."""

from __future__ import annotations

import os
import socket
import ssl
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from headrace.app.doctor.finding import Finding, notice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.app.doctor.finding import Findings
    from headrace.app.doctor.subject import Subject
    from headrace.config.model import Provider

WITHIN = 3.0
"""Seconds to connect, and as many for TLS."""
MOST_AT_ONCE = 16
LOCAL = ("127.0.0.1", "localhost")


def provider_keys(subject: Subject) -> Findings:
    """Is every environment variable set that holds a provider's key?"""
    seen_in = f"process {subject.running['pid']} (headrace up)" if subject.running is not None else "this command's environment"
    for name, form in _providers(subject).items():
        if form.key is not None and (variable := form.key.removeprefix("env:")) not in subject.environment:
            yield Finding(
                "reach.no_provider_key",
                f'The environment variable {variable}, which holds the key of deployment "{name}", is not set in {seen_in}.',
                f"deployments/{name}.yaml",
                f"Set {variable} where headrace up is started (Environment or LoadCredential in a systemd unit), and start it again.",
            )


def providers(subject: Subject) -> Findings:
    """Does something answer where each provider is said to be, with a certificate that is trusted?"""
    found = _providers(subject)
    with ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="reach") as pool:
        reached = pool.map(_why_not, [form.url for form in found.values()])
        for (name, form), why in zip(found.items(), reached, strict=True):
            if why is None:
                continue
            code, sentence, mend = why
            yield Finding(code, f'Deployment "{name}" {sentence}.', f"deployments/{name}.yaml: {_shown(form.url)}", mend)


def _providers(subject: Subject) -> Mapping[str, Provider]:
    workspace = subject.workspace
    if workspace is None:
        return {}
    return {name: form.provider for name, form in workspace.deployments.items() if form.provider is not None}


def _shown(url: str) -> str:
    """Scheme, host and port: what stands in a query may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"


def _why_not(url: str) -> tuple[str, str, str] | None:
    """Code, sentence and mend of what keeps us from the provider; None when a connection (with https, a trusted one) can be had."""
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    if urllib.request.getproxies().get(parts.scheme) and not urllib.request.proxy_bypass(host):
        return None  # the proxy is asked, and what it says is the provider's business
    try:
        with socket.create_connection((host, parts.port or (443 if secure else 80)), timeout=WITHIN) as connection:
            if secure:
                ssl.create_default_context().wrap_socket(connection, server_hostname=host).close()
    except ssl.SSLCertVerificationError as error:
        mend = "Have SSL_CERT_FILE name the authority that signed it, or have its certificate renewed."
        return "reach.certificate", f"shows a certificate that is not trusted ({error.verify_message})", mend
    except ssl.SSLError as error:
        return "reach.tls", f"does not speak TLS there ({error.reason or 'handshake failed'})", "See whether url should begin with http:."
    except socket.gaierror as error:
        return "reach.no_name", f"has a host name that is not known here ({error.strerror})", "Mend url, or this machine's DNS."
    except OSError as error:
        why = error.strerror or "no answer in time"
        return "reach.unreachable", f"cannot be reached ({why})", "See whether it runs, and whether a firewall stands between."
    return None


def proxies(subject: Subject) -> Findings:
    """Would a proxy be asked for what is on this very machine?"""
    hosts = {name: urlsplit(form.url).hostname or "" for name, form in _providers(subject).items()}
    caught = [name for name, host in hosts.items() if host in LOCAL and _goes_out(host)]
    if caught:
        yield Finding(
            "reach.proxy_catches_local",
            f"A proxy is asked for deployment {', '.join(caught)}, which is on this very machine.",
            "HTTP_PROXY without NO_PROXY",
            "Set NO_PROXY=localhost,127.0.0.1 where headrace up is started.",
        )
    elif _goes_out(LOCAL[0]):
        yield notice(
            "reach.proxy_catches_local",
            "Programs started from here ask a proxy for 127.0.0.1: an SDK would not reach this gateway.",
            "HTTP_PROXY without NO_PROXY",
            "Set NO_PROXY=localhost,127.0.0.1.",
        )


def _goes_out(host: str) -> bool:
    named = any(os.environ.get(name) for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"))
    return named and not urllib.request.proxy_bypass(host)
