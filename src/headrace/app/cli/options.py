"""What every command shares: the workspace, ``--json``, and how it ends.

A command ends with 0 (done, and so), 1 (the thing asked for is not so) or 2 (bad use; click's own).
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec

import click
import msgspec

from headrace.core.errors import HeadraceError

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")

workspace_option = click.option(
    "--workspace",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("workspace"),
    envvar="HEADRACE_WORKSPACE",
    show_default=True,
    help="Folder of the workspace (or HEADRACE_WORKSPACE).",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs instead of text for people.")


def print_json(value: object) -> None:
    """One JSON document on standard output, indented."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def wants_json() -> bool:
    """Whether the running command was given ``--json``."""
    context = click.get_current_context(silent=True)
    return bool(context and context.params.get("as_json"))


def told(function: Callable[P, int | None]) -> Callable[P, None]:
    """Run a command: its number is the exit code, and a HeadraceError becomes a sentence (or JSON) on standard error and exit 1."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = function(*args, **kwargs)
        except HeadraceError as error:
            if wants_json():
                detail = {"code": error.code, "message": error.message, "param": error.param, "mend": error.mend}
                click.echo(msgspec.json.encode({"error": detail}).decode(), err=True)
            else:
                click.echo(str(error), err=True)
            code = 1
        sys.exit(code or 0)

    return wrapped
