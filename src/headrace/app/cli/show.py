"""``headrace show``: a revision, the history, or the JSON Schemas."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.app.acts.changes import open_store
from headrace.app.acts.checking import check_folder
from headrace.app.acts.turns import differences
from headrace.app.cli.options import json_option, print_json, told, workspace_option
from headrace.app.revisions import require_applied
from headrace.config.layout import Layout
from headrace.config.revision import SHORT
from headrace.config.schemas import FORMS, publish, schema
from headrace.core.errors import OperationFailed
from headrace.policy import schema as policy_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.adapters.stores.control import ControlStore, Entry
    from headrace.app.acts.turns import Differences
    from headrace.config.revision import Revision


@click.command("show")
@click.argument("revision", required=False)
@click.option("--history", is_flag=True, help="Every apply and rollback, newest first.")
@click.option(
    "--schemas",
    type=click.Path(path_type=Path, file_okay=False),
    is_flag=False,
    flag_value=Path(),
    default=None,
    help="Write the schemas of the workspace's files (JSON, and Cedar's for policies) to this folder; without one: .headrace/schemas.",
)
@workspace_option
@json_option
@told
def command(revision: str | None, *, history: bool, schemas: Path | None, workspace: Path, as_json: bool) -> None:
    """Show REVISION (the first characters of its id are enough); without it, the one in force."""
    if schemas is not None:
        _schemas(Layout(workspace), schemas, as_json=as_json)
        return
    layout = Layout(workspace)
    require_applied(layout)
    store = open_store(layout)
    try:
        if history:
            _history(store.history(), as_json=as_json)
        else:
            _revision(store, revision, layout, as_json=as_json)
    finally:
        store.close()


def _schemas(layout: Layout, folder: Path, *, as_json: bool) -> None:
    if as_json and folder == Path():
        print_json({name: schema(name) for name in FORMS})
        return
    into = layout.state / "schemas" if folder == Path() else folder
    paths = [*publish(into), policy_schema.publish(into)]
    if as_json:
        print_json([str(path) for path in paths])
        return
    for path in paths:
        click.echo(str(path))


def _history(entries: Sequence[Entry], *, as_json: bool) -> None:
    newest = list(reversed(entries))
    if as_json:
        print_json([asdict(entry) for entry in newest])
        return
    for entry in newest:
        mark = "in force" if entry is newest[0] else ""
        what = f"{entry.n:>4}  {_when(entry.time_us)}  {entry.act:<9} {entry.revision[:SHORT]}"
        click.echo(f"{what}  by {entry.by:<16} {entry.record}  {mark}".rstrip())


def _revision(store: ControlStore, start: str | None, layout: Layout, *, as_json: bool) -> None:
    current = store.current()
    shown = store.revision(start) if start is not None else current
    if shown is None:
        msg = "Nothing was ever applied here."
        raise OperationFailed(msg, code="workspace.nothing_applied", mend="headrace apply puts the workspace's files in force.")
    in_force = current is not None and current.id == shown.id
    turns = [entry for entry in store.history() if entry.revision == shown.id]
    on_disk = differences(shown.files, check_folder(layout.workspace).files)
    if as_json:
        print_json(_as_json(shown, turns, on_disk, in_force=in_force))
        return
    for line in _lines(shown, turns, on_disk, in_force=in_force):
        click.echo(line)


def _as_json(shown: Revision, turns: Sequence[Entry], on_disk: Differences, *, in_force: bool) -> dict[str, object]:
    return {
        "revision": shown.id,
        "in_force": in_force,
        "history": [asdict(entry) for entry in turns],
        "services": [{"service": name, "about": service.about} for name, service in shown.compile().services.items()],
        "files": dict(shown.files),
        "on_disk": {name: list(paths) for name, paths in asdict(on_disk).items()},
    }


def _lines(shown: Revision, turns: Sequence[Entry], on_disk: Differences, *, in_force: bool) -> list[str]:
    lines = [f"revision  {shown.id}" + ("  (in force)" if in_force else "")]
    lines += [f"{entry.act:<9} {_when(entry.time_us)} by {entry.by}, record {entry.record}" for entry in turns[-1:]]
    lines += [f"service   {name:<16} {service.about}".rstrip() for name, service in shown.compile().services.items()]
    lines += [f"file      {path:<32} {len(text.encode()):>7} bytes" for path, text in sorted(shown.files.items())]
    words = on_disk.words()
    lines.append("on disk   the same" if words == "none" else f"on disk   {words}")
    return lines


def _when(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1_000_000, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
