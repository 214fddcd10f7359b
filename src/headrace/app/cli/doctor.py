"""``headrace doctor``: find and explain what is misconfigured. It looks, and changes nothing."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from headrace.app.cli.options import json_option, print_json, told, workspace_option
from headrace.app.cli.plain import plain
from headrace.app.doctor.finding import Finding, Weight
from headrace.app.doctor.rounds import examine
from headrace.app.doctor.subject import Subject
from headrace.config.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path

_MARKS = {Weight.FAULT: "fault ", Weight.NOTICE: "notice"}


@click.command("doctor")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address that headrace up is going to serve on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port that it is going to serve on.")
@workspace_option
@json_option
@told
def command(host: str, port: int, workspace: Path, *, as_json: bool) -> int:
    """Look at the machine, the workspace, its stores, its policy and what it reaches; tell what is wrong, where, and how to mend it.

    Works whether the installation runs or not, changes nothing, and prints no secret. Ends with 1 when there is a fault, with 0 when there
    are notices at most.
    """
    found: list[Finding] = []
    rounds = 0
    for _, findings in examine(Subject(Layout(workspace.absolute()), host, port)):
        rounds += 1
        found += findings
        if not as_json:
            for finding in findings:
                _show(finding)
    faults = sum(finding.weight is Weight.FAULT for finding in found)
    if as_json:
        print_json({"healthy": not faults, "examined": rounds, "findings": [asdict(finding) for finding in found]})
    else:
        notices = len(found) - faults
        click.echo(f"{rounds} examinations: {_count(faults, 'fault')}, {_count(notices, 'notice')}.")
    return int(faults > 0)


def _show(finding: Finding) -> None:
    click.echo(f"{_MARKS[finding.weight]}  {plain(finding.what)}  [{finding.code}]")
    click.echo(f"        where  {plain(finding.where)}")
    click.echo(f"        mend   {plain(finding.mend)}\n")


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
