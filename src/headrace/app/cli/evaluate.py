"""``headrace evaluate``: measure a service that drafts, on the company's own questions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from headrace.app.cli.options import json_option, print_json, told, workspace_option
from headrace.app.evaluation.measure import measure, quoting
from headrace.app.evaluation.questions import read
from headrace.app.evaluation.results import FEWEST, keep
from headrace.app.up.preparation import in_force
from headrace.config.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.app.evaluation.results import Counts, Earned, Result


@click.command("evaluate")
@click.argument("service")
@click.option(
    "--questions",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help='JSON lines: {"question": "…", "answers": ["…"]}; answers [] where the sources do not tell.',
)
@click.option("--against", help="The service that quotes; default: the first with the same sources.")
@click.option("--key", envvar="HEADRACE_KEY", help="The key to ask with (or HEADRACE_KEY). Without one the operator asks.")
@workspace_option
@json_option
@told
def command(service: str, questions: Path, against: str | None, key: str | None, workspace: Path, *, as_json: bool) -> None:
    """Ask SERVICE, which drafts, and one that quotes the same questions, and keep which of the two its deployment earns.

    Every question is a request like any other, priced and recorded. The catalogue (GET /v1/models) shows the result until the deployment
    changes or is measured anew.
    """
    layout = Layout(workspace)
    form = in_force(layout)
    both = quoting(form, service, against)
    asked = read(questions)
    result = measure(layout, form, both, asked, key, lambda number: _progress(number, len(asked[1])))
    keep(layout, result)
    if as_json:
        print_json({**msgspec.to_builtins(result), "earned": result.earned})
        return
    for line in result_lines(result):
        click.echo(line)


_EARNS: Final[Mapping[Earned, str]] = {"draft": "earns drafts", "quote": "earns quotes", "not measured": "not measured"}


def result_lines(result: Result) -> list[str]:
    """What was found, for a person."""
    day = datetime.fromtimestamp(result.time_us / 1_000_000, tz=UTC).date()
    few = f"; with fewer than {FEWEST} questions nothing is earned" if result.asked < FEWEST else ""
    return [
        f"{result.asked} questions on {day}, revision {result.revision[:12]}",
        f"drafts  {result.service:<20} {_told(result.draft)}, {result.drafted} really drafted",
        f"quotes  {result.against:<20} {_told(result.quote)}",
        f"deployment {result.deployment}: {_EARNS[result.earned]}{few}",
    ]


def _told(counts: Counts) -> str:
    return f"{counts.right} right, {counts.wrong} wrong, {counts.silent} silent"


def _progress(number: int, whole: int) -> None:
    click.echo(f"\r{number} of {whole}", err=True, nl=number == whole)
