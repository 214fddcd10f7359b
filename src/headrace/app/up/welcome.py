"""What ``headrace up --first-minute`` prints once the processes are started: documents, addresses, a key, three answers."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import click

from headrace.app.acts import keys, operator
from headrace.app.cli.plain import plain_name
from headrace.app.client.api import Api
from headrace.app.ingest.progress import progress, unread
from headrace.app.revisions import control_store, current
from headrace.app.up.first_minute import question_for, show, snippet
from headrace.app.up.warming import warmed
from headrace.core.errors import OperationFailed
from headrace.policy.people import Members

if TYPE_CHECKING:
    from threading import Event

    from headrace.adapters.stores.control import ControlStore
    from headrace.app.ingest.progress import Progress
    from headrace.config.layout import Layout
    from headrace.config.model import Workspace

KEY_NAME = "first-minute"
KEY_LASTS_US = 7 * 86_400 * 1_000_000
READY_WITHIN = 120.0
"""Seconds for the models to load: a slow disk, a busy machine."""
STALLED_AFTER = 120.0
"""Seconds without any progress of the pass over the documents."""
LOOK = 0.1
SHOWN_UNREAD = 5


def welcome(layout: Layout, url: str, stopping: Event) -> None:
    """Wait for the documents and the models, make a key, ask the three services, and say how to go on. Ends early when stopping.

    Raises OperationFailed when anything that it shows is not true, or takes too long.
    """
    with closing(control_store(layout)) as store:
        revision, version = current(store)
        workspace = revision.compile()
        if workspace.sources:
            _documents(layout, workspace, version, stopping)
        secret = _key(layout, workspace, store)
    click.echo(f"{'gateway':<11}{url}/v1          console  {url}/console/")
    click.echo(f"{'key':<11}{secret}  (shown once; lasts 7 days: headrace keys create makes others)")
    api = Api(url, secret)
    waiting = warmed(api, READY_WITHIN, stopping)
    if stopping.is_set():
        return
    if waiting:
        msg = f"Not everything got ready within {READY_WITHIN:g} s: {'; '.join(waiting)}."
        raise OperationFailed(msg, code="operation.not_ready", mend=f"See the logs in {layout.logs}.")
    question = plain_name(question_for(layout, workspace))
    show(api, layout, question)
    click.echo("")
    for line in snippet(api, question):
        click.echo(line)


def _key(layout: Layout, workspace: Workspace, store: ControlStore) -> str:
    """A key of the first person of the first tenant; where people.yaml names nobody, one that stands for itself with the operator's
    groups as far as they are known. A governed act, recorded first."""
    tenant, members = workspace.root.tenants[0], Members(workspace)
    person = next((each.person for each in workspace.people.people if each.tenant == tenant), None)
    groups = () if person is not None else tuple(each for each in operator.GROUPS if each in members.groups(tenant))
    wanted = keys.Wanted(KEY_NAME, tenant, groups, person, lasts_us=KEY_LASTS_US)
    return keys.issue(layout, store, workspace, wanted, by="headrace up --first-minute")[0]


def _documents(layout: Layout, workspace: Workspace, version: int, stopping: Event) -> None:
    """Wait until every document can be found by its words, showing how far that is; vectors may still follow."""
    last: Progress | None = None
    moved = time.monotonic()
    while not stopping.is_set():
        now = progress(layout)
        if now is not None and now.version == version and now.searchable:
            break
        if now != last:
            last, moved = now, time.monotonic()
            if now is not None and now.version == version and sys.stdout.isatty():
                click.echo(f"\r{'documents':<11}{now.done:,} of {now.found:,} read, {now.passages:,} passages searchable\x1b[K", nl=False)
        if time.monotonic() - moved > STALLED_AFTER:
            msg = "Nothing has been read from the documents for two minutes."
            raise OperationFailed(msg, code="operation.ingest_stalled", mend=f"See {layout.logs / 'ingest.log'}.")
        time.sleep(LOOK)
    else:
        return
    click.echo(("\r\x1b[K" if sys.stdout.isatty() else "") + _counted(layout, workspace, now))


def _counted(layout: Layout, workspace: Workspace, now: Progress) -> str:
    skipped = unread(layout)
    folders = ", ".join(source.folder for source in workspace.sources.values())
    line = f"{'documents':<11}{folders} → {now.found:,} documents, {now.passages:,} passages"
    line += f" (searchable now; {now.vectors:,}/{now.passages:,} vectors)"
    if not skipped:
        return line
    lines = [
        f"{line}  {len(skipped):,} skipped:",
        *(f"{'':<11}{plain_name(each.document)}: {each.reason}" for each in skipped[:SHOWN_UNREAD]),
    ]
    if len(skipped) > SHOWN_UNREAD:
        lines.append(f"{'':<11}… and {len(skipped) - SHOWN_UNREAD:,} more: headrace ingest names them all")
    return "\n".join(lines)
