"""``headrace keys``: make, list and revoke the keys that open the API and the console."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from headrace.app.acts import keys
from headrace.app.cli.options import json_option, print_json, told, workspace_option
from headrace.app.ids import SystemClock
from headrace.config.layout import Layout
from headrace.policy.keys import read_expiry

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.core.values import StoredKey

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@click.group("keys")
def command() -> None:
    """Create, list and revoke keys.

    A key opens the API and the console for a person or an application of people.yaml, or for itself. Only its hash is kept.
    """


@command.command("create", short_help="Make a key and print it, once.")
@click.option("--name", required=True, help="What the key is called. Without --for it is also who asks.")
@click.option("--tenant", help="The tenant that it is of; may be left out when there is only one.")
@click.option("--group", "groups", multiple=True, help="A group that the key has beside those of its holder; may be repeated.")
@click.option("--for", "holder", metavar="PERSON|APPLICATION", help="Whom it speaks for, by the id in people.yaml.")
@click.option("--service", "services", multiple=True, help="A service that it is bound to; may be repeated. None: all that policy allows.")
@click.option("--expires", default="365 d", show_default=True, help="How long it holds: 12 h, 30 d, or never.")
@workspace_option
@json_option
@told
def _create(
    name: str,
    tenant: str | None,
    groups: tuple[str, ...],
    holder: str | None,
    services: tuple[str, ...],
    expires: str,
    workspace: Path,
    *,
    as_json: bool,
) -> None:
    """Make a key and print it, once: KEY=$(headrace keys create …). Everything else that is said goes to standard error.

    The act is recorded in the ledger before the key exists.
    """
    if not _NAME.fullmatch(name):
        message = "A name has lower-case letters, digits, dot, dash and underscore, begins with a letter or digit, at most 63."
        raise click.BadParameter(message, param_hint="--name")
    wanted = keys.Wanted(name, tenant, groups, holder, services or None, read_expiry(expires))
    secret, key = keys.create(Layout(workspace), wanted)
    if as_json:
        print_json({"key": secret, **asdict(key)})
        return
    click.echo(secret)
    click.echo(f"{key.id} {_speaks_for(key)}; {_until(key)}. It is shown only now.", err=True)


@command.command("list", short_help="List the keys that hold now, oldest first.")
@click.option("--all", "everything", is_flag=True, help="Those that have expired or were revoked, too.")
@workspace_option
@json_option
@told
def _list(workspace: Path, *, everything: bool, as_json: bool) -> None:
    """The keys that hold now, oldest first: whom each speaks for, in which groups, and until when."""
    now = SystemClock().now_us()
    found = [each for each in keys.every(Layout(workspace)) if everything or _state(each, now) == "valid"]
    if as_json:
        print_json([{**asdict(each), "state": _state(each, now)} for each in found])
        return
    for each in found:
        state = _state(each, now)
        click.echo(f"{each.id}  {each.name:<16}  {_speaks_for(each)}; {_until(each)}{'' if state == 'valid' else f'  {state.upper()}'}")
    if not found:
        click.echo("No key holds now; headrace keys create makes one.", err=True)


@command.command("revoke", short_help="End a key for good, and the sessions it opened.")
@click.argument("key_id", metavar="ID")
@workspace_option
@json_option
@told
def _revoke(key_id: str, workspace: Path, *, as_json: bool) -> None:
    """End the key with this ID for good, and every console session that it opened. It holds everywhere within a second.

    The act is recorded in the ledger first. A key that is revoked already stays so.
    """
    key = keys.revoke(Layout(workspace), key_id)
    if as_json:
        print_json({**asdict(key), "state": "revoked"})
        return
    click.echo(f"{key.id} ({key.name}) was revoked {_when(key.revoked_us or 0)}.")


def _state(key: StoredKey, now_us: int) -> str:
    if key.revoked_us is not None:
        return "revoked"
    return "expired" if key.expires_us is not None and key.expires_us <= now_us else "valid"


def _speaks_for(key: StoredKey) -> str:
    whom = "stands for itself" if key.kind == "key" else f"speaks for {key.kind} {key.holder}"
    groups = f", with group {', '.join(key.groups)}" if key.groups else ""
    bound = f", bound to service {', '.join(key.services)}" if key.services is not None else ""
    return f"{whom} in tenant {key.tenant}{groups}{bound}"


def _until(key: StoredKey) -> str:
    return "never expires" if key.expires_us is None else f"expires {_when(key.expires_us)}"


def _when(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1_000_000, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
