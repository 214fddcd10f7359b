"""The gateway process: HTTP in, answers out. It imports no native engine and no vector store: that keeps it light."""

from __future__ import annotations

import functools
import gc
import os
import resource
import socket
import sys

import msgspec
import uvloop

from headrace.app.http.application import build
from headrace.app.http.server import server
from headrace.app.processes import child
from headrace.app.processes.installation import address_of, url_of
from headrace.app.wiring import open_gateway
from headrace.config.layout import Layout

MOST_FILES = 1 << 15


async def serve(descriptor: int, beside: str, layout: Layout) -> None:
    """Serve on the inherited socket until cancelled, then finish the answers under way. `beside` is the instance of the gateway that this
    one succeeds and that still answers; empty when there is none."""
    listener = socket.socket(fileno=descriptor)
    async with open_gateway(layout, [beside] if beside else []) as gateway:
        application = build(gateway)
        settle_in()
        await server.serve(
            application,
            listener,
            on_ready=functools.partial(_announce, layout, url_of(listener), gateway.instance),
            limits=lambda: gateway.limits,
            succeeded=lambda: address_of(layout).get("gateway") not in {None, os.getpid()},
        )


def settle_in() -> None:
    """What is here now stays for good: the collector need not walk it with every request's garbage. And every generator of the line is
    closed by the block that draws from it, so the event loop need not keep a list of those that have begun."""
    gc.collect()
    gc.freeze()
    sys.set_asyncgen_hooks(firstiter=None)


def _open_files() -> None:
    """As many connections as the system lets us have: the usual soft limit is there for programs that use select."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = MOST_FILES if hard == resource.RLIM_INFINITY else min(MOST_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, allowed), hard))


def _announce(layout: Layout, url: str, instance: str) -> None:
    """Write where the installation is reached, whole or not at all."""
    content = msgspec.json.encode({"url": url, "pid": os.getppid(), "gateway": os.getpid(), "instance": instance})
    temporary = layout.address.with_suffix(".new")
    temporary.write_bytes(content)
    temporary.replace(layout.address)


if __name__ == "__main__":
    given = child.arguments("The gateway process", "fd", "beside")
    _open_files()
    child.run("gateway", Layout(given.workspace), functools.partial(serve, int(given.fd), given.beside), uvloop.new_event_loop)
