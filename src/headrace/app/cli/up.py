"""``headrace up``: start the installation and serve until Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

import headrace
from headrace.app.acts.changes import apply
from headrace.app.cli.options import json_option, told, workspace_option
from headrace.app.client.api import Api
from headrace.app.processes.installation import Installation, bind, exclusive, url_of
from headrace.app.revisions import Follower, control_store, current
from headrace.app.up import notifying
from headrace.app.up.preparation import fetched, in_force, require_models, workspace_for
from headrace.app.up.restarting import SIGNAL, restarts
from headrace.app.up.warming import warmed
from headrace.app.up.welcome import welcome
from headrace.config.files import is_workspace
from headrace.config.layout import Layout
from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

    from headrace.config.model import Workspace
    from headrace.config.revision import Revision

WARM_WITHIN = 3.0
"""Seconds that models are given to load before it is said that the installation serves; ``/readyz`` tells the rest."""
_HOST = "Address to serve on. Anything but loopback is reachable by others."
_FIRST = "Fetch models, make a workspace where there is none, read its documents, and ask three of its services."


@click.command("up")
@click.option("--host", default="127.0.0.1", show_default=True, help=_HOST)
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port to serve on; 0 takes a free one.")
@click.option("--first-minute", is_flag=True, help=_FIRST)
@click.option("--docs", type=click.Path(path_type=Path), help="With --first-minute: the folder of documents.")
@click.option("--once", is_flag=True, help="With --first-minute: end afterwards; non-zero if anything was not true.")
@workspace_option
@json_option
@told
def command(host: str, port: int, docs: Path | None, workspace: Path, *, first_minute: bool, once: bool, as_json: bool) -> None:
    """Start every process of the installation and serve until Ctrl-C, which drains.

    Prints one line of JSON when it serves: {"event": "ready", "url": …}. With --first-minute it prints a tour for people instead.
    """
    if (once or docs) and not first_minute:
        message = "--once and --docs go with --first-minute."
        raise click.UsageError(message)
    if first_minute and as_json:
        message = "--first-minute is for people: leave --json out."
        raise click.UsageError(message)
    layout = Layout(workspace.absolute())
    with ExitStack() as held:
        listener = held.enter_context(closing(_bound(layout, host, port)))
        if first_minute:
            _prepare(layout, docs, held)
        else:
            in_force(layout)  # before the lock is made: there may be no workspace
            held.enter_context(exclusive(layout))
        require_models(in_force(layout))
        asyncio.run(_serve(layout, listener, first_minute=first_minute, once=once))


def _bound(layout: Layout, host: str, port: int) -> socket.socket:
    """The socket to serve on. Raises OperationFailed; when it is this very workspace that is served there already, saying so."""
    try:
        return bind(host, port)
    except OperationFailed as error:
        if error.code == "operation.port_in_use" and layout.state.exists():
            with exclusive(layout):
                pass
        raise


def _prepare(layout: Layout, docs: Path | None, held: ExitStack) -> None:
    """A workspace, its revision in force, its models; nobody else serves it meanwhile."""
    if is_workspace(layout.workspace):
        held.enter_context(exclusive(layout))
        workspace_for(layout, docs)
    else:
        workspace_for(layout, docs)
        held.enter_context(exclusive(layout))
    change = apply(layout, by="headrace up --first-minute")
    workspace = change.revision.compile()
    leaves = [name for name, form in workspace.deployments.items() if form.provider is not None]
    stays = f"deployments {', '.join(leaves)} are served elsewhere" if leaves else "everything stays on this machine"
    click.echo(f"headrace {headrace.__version__}  ·  workspace {layout.workspace}  ·  revision {change.revision.short}  ·  {stays}")
    fetched(layout)


async def _serve(layout: Layout, listener: socket.socket, *, first_minute: bool, once: bool) -> None:
    stop = asyncio.Event()
    stopping = threading.Event()

    def end() -> None:
        stop.set()
        stopping.set()

    asked = asyncio.Event()
    _heed(end, asked.set)
    with closing(control_store(layout)) as store:
        revision, version = current(store)
        installation = Installation(layout)

        def turn(revision: Revision) -> Awaitable[None]:
            return installation.follow(revision.compile())

        def renew() -> Awaitable[None]:
            return installation.renew(current(store)[0].compile(), listener)

        renewing = asyncio.create_task(restarts(layout, asked, renew))
        try:
            if not await _started(installation, revision.compile(), listener, stop):
                return
            following = asyncio.create_task(Follower(store, turn, version).until(stop))
            if first_minute:
                await asyncio.to_thread(welcome, layout, url_of(listener), stopping)
            else:
                await asyncio.to_thread(warmed, Api(url_of(listener), ""), WARM_WITHIN, stopping)
                click.echo(msgspec.json.encode({"event": "ready", "url": url_of(listener)}))
            notifying.serving(url_of(listener), stopping)
            if once:
                end()
            elif first_minute and not stop.is_set():
                click.echo("\nServing until Ctrl-C.")
            await following
        finally:
            end()
            renewing.cancel()
            await installation.stop()


def _heed(end: Callable[[], None], renew: Callable[[], None]) -> None:
    """What each signal asks for."""
    loop = asyncio.get_running_loop()
    for number, act in ((signal.SIGINT, end), (signal.SIGTERM, end), (SIGNAL, renew)):
        loop.add_signal_handler(number, act)


async def _started(installation: Installation, workspace: Workspace, listener: socket.socket, stop: asyncio.Event) -> bool:
    """Start the installation; False when told to stop meanwhile. Raises OperationFailed with the reason when it does not start."""
    starting, stopped = asyncio.ensure_future(installation.start(workspace, listener)), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((starting, stopped), return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            await starting
        return starting.done()
    finally:
        starting.cancel()
        stopped.cancel()
        await asyncio.gather(starting, stopped, return_exceptions=True)
