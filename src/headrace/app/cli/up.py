"""``headrace up``: start the installation and serve until Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click
import msgspec

from headrace.app.cli.options import told, workspace_option
from headrace.app.installation import Installation, exclusive, listen, url_of
from headrace.app.preparation import prepare, ready_models
from headrace.app.revisions import Follower, in_force
from headrace.app.welcome import welcome
from headrace.config.layout import Layout


@click.command("up")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve on. Anything but loopback is reachable by others.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port to serve on; 0 takes a free one.")
@click.option(
    "--first-minute", is_flag=True, help="Fetch models, make a workspace where there is none, ingest, and ask the three services."
)
@click.option("--docs", type=click.Path(path_type=Path, exists=True, file_okay=False), help="With --first-minute: the folder of documents.")
@click.option("--once", is_flag=True, help="With --first-minute: end afterwards; non-zero if anything was not true.")
@workspace_option
@told
def command(host: str, port: int, docs: Path | None, workspace: Path, *, first_minute: bool, once: bool) -> int:
    """Start every process of the installation and serve until Ctrl-C, which drains.

    Prints one line of JSON when it serves: {"event": "ready", "url": …}. With --first-minute it prints a tour for people instead.
    """
    if (once or docs) and not first_minute:
        message = "--once and --docs go with --first-minute."
        raise click.UsageError(message)
    layout = Layout(workspace.absolute())
    return asyncio.run(_serve(layout, host, port, docs, first_minute=first_minute, once=once))


async def _serve(layout: Layout, host: str, port: int, docs: Path | None, *, first_minute: bool, once: bool) -> int:
    if first_minute:
        prepare(layout, docs)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with exclusive(layout):
        workspace = in_force(layout)
        ready_models(workspace)
        with listen(host, port) as listener:
            installation = Installation(layout)
            try:
                await installation.start(workspace, listener)
                if first_minute:
                    await asyncio.to_thread(welcome, layout, url_of(listener))
                else:
                    click.echo(msgspec.json.encode({"event": "ready", "url": url_of(listener)}))
                if not once:
                    await Follower(layout, installation).until(stop)
            finally:
                await installation.stop()
    return 0
