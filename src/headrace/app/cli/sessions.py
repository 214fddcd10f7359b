"""``headrace sessions``: who is signed in to the console, and ending it."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from headrace.app.acts import recording
from headrace.app.cli.options import json_option, print_json, told, workspace_option
from headrace.app.ids import SystemClock
from headrace.app.revisions import control_store
from headrace.config.layout import Layout
from headrace.core.errors import NotFound
from headrace.core.people import SESSION_ID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from headrace.core.people import StoredSession


@click.group("sessions")
def command() -> None:
    """List and end sessions of the console. Only the hash of a session's token is kept; its beginning is the session's id."""


@command.command("list", short_help="List sessions, oldest first.")
@workspace_option
@json_option
@told
def _list(workspace: Path, *, as_json: bool) -> None:
    """Sessions that have not expired, oldest first: whose, what opened each, and when it was last used."""
    with closing(control_store(Layout(workspace))) as store:
        found = store.sessions.every(SystemClock().now_us())
    if as_json:
        print_json([_plain(each) for each in found])
        return
    for each in found:
        click.echo(
            f"{each.id}  {each.holder:<16}  of {each.tenant}; {_opened_by(each)}; last used {_when(each.seen_us)}, "
            f"over by {_when(each.expires_us)}"
        )
    if not found:
        click.echo("Nobody is signed in.", err=True)


@command.command("end", short_help="End a session at once.")
@click.argument("session_id", metavar="ID")
@workspace_option
@told
def _end(session_id: str, workspace: Path) -> None:
    """End the session with this ID. It holds everywhere at once; the act is recorded in the ledger first."""
    layout = Layout(workspace)
    with closing(control_store(layout)) as store:
        session = _one(store.sessions.every(SystemClock().now_us()), session_id)
        recording.record_now(layout, "sessions.end", {"session": session.id, "holder": session.holder, "tenant": session.tenant})
        store.sessions.end(session.digest)
    click.echo(f"The session {session.id} of {session.holder} is over.")


def _one(found: Sequence[StoredSession], session_id: str) -> StoredSession:
    session = next((each for each in found if each.id == session_id[:SESSION_ID]), None)
    if session is None:
        raise NotFound("There is no session with this id.", code="sessions.unknown", mend="headrace sessions list shows them.")
    return session


def _opened_by(each: StoredSession) -> str:
    return f"opened with key {each.key}" if each.key else f"signed in at {each.issuer}"


def _plain(each: StoredSession) -> dict[str, object]:
    return {
        "id": each.id,
        "holder": each.holder,
        "tenant": each.tenant,
        "key": each.key or None,
        "issuer": each.issuer,
        "created_us": each.created_us,
        "seen_us": each.seen_us,
        "expires_us": each.expires_us,
    }


def _when(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1_000_000, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
