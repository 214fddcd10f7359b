"""``headrace requests``: the requests of the ledger, newest first, with filters."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click
import msgspec

from headrace.app.cli.options import json_option, print_json, told, workspace_option
from headrace.app.cli.plain import plain
from headrace.app.http.headrace.followed import page_words
from headrace.app.ids import SystemClock
from headrace.app.requests.figures import duration, moment, money
from headrace.app.requests.filters import FILTERS, LIMIT, place, wanted
from headrace.app.requests.port import Page
from headrace.config.layout import Layout
from headrace.core.errors import BadRequest
from headrace.evidence.log.index import INDEX, RequestIndex
from headrace.evidence.log.reader import LogReader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from headrace.evidence.listing import Listed, Wanted


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """An option for each filter, with the words of the API."""
    for name, about in reversed(list(FILTERS.items())):
        command = click.option(f"--{name}", default="", help=about.replace("`", ""))(command)
    return command


@click.command("requests")
@_filters
@click.option("--tenant", default="", help="Of this tenant.")
@click.option("--limit", default=str(LIMIT), show_default=True, help="How many at most.")
@click.option("--after", default="", help="The page behind this place (as the page before says).")
@workspace_option
@json_option
@told
def command(workspace: Path, tenant: str, limit: str, *, as_json: bool, **filters: str) -> None:
    """List requests, newest first.

    They are read from the ledger itself, whether the installation runs or not: whoever may read its folder sees those of every tenant.
    Filters hold together. headrace trace shows one of them stage by stage.
    """
    try:
        asked = wanted({**filters, "limit": limit}, SystemClock().now_us(), tenant=tenant)
    except BadRequest as error:
        raise click.BadParameter(f"{error.message} {error.mend}", param_hint=f"--{error.param}") from error
    lines = _listed(Layout(workspace).ledger, msgspec.structs.replace(asked, limit=asked.limit + 1))
    shown = lines[: asked.limit]
    after = place(shown[-1]) if len(lines) > asked.limit else None
    if as_json:
        print_json(page_words(Page(shown, after, 0, others=True)))
        return
    for line in shown:
        click.echo(_line(line))
    if not shown:
        click.echo("No request is like that." if any(filters.values()) or tenant else "There are no requests yet.")
    if after is not None:
        click.echo(f"There are more: --after {after}")


def _listed(ledger: Path, asked: Wanted) -> Sequence[Listed]:
    """From the index that the ledger keeps beside the log, where it can be written; else from one that is made in memory for this once."""
    with LogReader(ledger) as log, closing(_index(ledger / INDEX)) as index:
        index.take_in_all(log)
        return index.find(asked)


def _index(path: Path) -> RequestIndex:
    if path.exists() and os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        try:
            return RequestIndex(path)
        except sqlite3.Error:
            pass  # the ledger makes it anew when it runs; here the log itself serves
    return RequestIndex(None)


def _line(line: Listed) -> str:
    took = duration(line.took_us) if line.took_us is not None else "–"
    cost = money({"amount": line.amount, "currency": line.currency}) if line.amount else "–"
    ended = f"{line.outcome} ({line.error})" if line.error else line.outcome
    how = " · ".join(each for each in (line.mode or "", line.deployment or "") if each)
    found = f"{line.findings} found" if line.findings else ""
    rest = " · ".join(each for each in (ended, how, found, took, cost) if each)
    who = f"{line.tenant}/{line.principal} → {line.service or 'no such service'}"
    return plain(f"{moment(line.received_us)}  {line.request}  {who}  {rest}")
