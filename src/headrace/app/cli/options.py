"""What every command shares: the workspace, ``--json``, and how it ends.

A command ends with 0 (done, and so), 1 (the thing asked for is not so) or 2 (bad use; see :mod:`headrace.app.cli.main`).
"""

from __future__ import annotations

import functools
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec

import click
import msgspec

from headrace.app.cli.machine import machine_refused
from headrace.config.faults import Fault
from headrace.core.errors import ConfigurationFaults, HeadraceError

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
BAD_USE = 2
"""Exit code of a command that was given what cannot be used."""

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
    """One JSON document on standard output, indented; in UTF-8 whatever the locale is."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def wants_json() -> bool:
    """Whether the running command was given ``--json``."""
    context = click.get_current_context(silent=True)
    return bool(context and context.params.get("as_json"))


def print_error(error: HeadraceError) -> None:
    """On standard error: a sentence, or with ``--json`` an object (that of a workspace with its faults)."""
    if not wants_json():
        click.echo(str(error), err=True)
        return
    detail: dict[str, object] = {"code": error.code, "message": error.message, "param": error.param, "mend": error.mend}
    if isinstance(error, ConfigurationFaults):
        detail |= {"message": "Nothing was applied.", "faults": [asdict(fault) for fault in error.faults if isinstance(fault, Fault)]}
    click.echo(msgspec.json.encode({"error": detail}), err=True)


def told(function: Callable[P, int | None]) -> Callable[P, None]:
    """Run a command: its number is the exit code, and a HeadraceError, or what the machine refuses, becomes a sentence (or JSON) on
    standard error and exit 1."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = function(*args, **kwargs)
        except HeadraceError as error:
            print_error(error)
            code = 1
        except OSError as error:
            refused = machine_refused(error)
            if refused is None:
                raise
            _let_go_of_output()
            print_error(refused)
            code = 1
        sys.exit(code or 0)

    return wrapped


def _let_go_of_output() -> None:
    """What could not be printed is dropped: the interpreter would try once more when it ends, and end with another code."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
