"""``headrace people``: who there is, and importing people from a file."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.app.acts import recording
from headrace.app.acts.keys import tenant_of
from headrace.app.cli.options import json_option, print_json, told, workspace_option
from headrace.app.ids import SystemClock
from headrace.app.people import importing
from headrace.app.people.scim import LONGEST_FILE
from headrace.app.people.view import everyone
from headrace.app.revisions import control_store, current
from headrace.config.faults import did_you_mean
from headrace.config.layout import Layout
from headrace.core.errors import NotFound, OperationFailed
from headrace.policy.people import Roster

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.app.people.importing import Change, Plan
    from headrace.app.people.view import Shown

_tenant = click.option("--tenant", help="The tenant that is meant; may be left out when there is only one.")
_MARKS = {"new": "+", "changed": "~", "deactivated": "-", "reactivated": "+"}


@click.group("people")
def command() -> None:
    """List people, and import them from a company's directory.

    People are written in people.yaml, or imported beside it; both may hold the same person, who then has the groups of both.
    """


@command.command("import", short_help="Bring people from a directory's SCIM export.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--complete", is_flag=True, help="The file holds everyone: people imported before who are not in it are no longer active.")
@_tenant
@workspace_option
@json_option
@told
def _import(file: Path, tenant: str | None, workspace: Path, *, dry_run: bool, complete: bool, as_json: bool) -> None:
    """Import the Users and Groups of FILE, in the form of SCIM 2.0 (JSON): a list response, or an array of resources.

    All or nothing: a file with a fault changes nothing. Whoever is not active opens nothing from then on, and their sessions end. The act
    is recorded in the ledger first, with counts and without names.
    """
    if file.stat().st_size > LONGEST_FILE:
        raise OperationFailed("This file is too long to be people.", code="people.import_faults", param=str(file), mend="At most 64 MiB.")
    layout = Layout(workspace)
    with closing(control_store(layout)) as store:
        files = current(store)[0].compile()
        owner = tenant_of(files, tenant)
        plan = importing.planned(file.read_bytes(), files, store, owner, SystemClock().now_us(), complete=complete)
        if not dry_run and plan.people:
            recording.record_now(layout, "people.import", plan.facts())
            store.people.change(plan.people)
    if as_json:
        print_json({"tenant": owner, "dry_run": dry_run, **plan.counts, "unknown_groups": plan.unknown, "people": _told(plan)})
        return
    _say(plan, dry_run=dry_run)


@command.command("list", short_help="List everyone, their groups, and where each is from.")
@_tenant
@workspace_option
@json_option
@told
def _list(tenant: str | None, workspace: Path, *, as_json: bool) -> None:
    """Everyone of a tenant: people and applications, their groups, and where each comes from."""
    found = _everyone(Layout(workspace), tenant)
    if as_json:
        print_json([_plain(each) for each in found])
        return
    for each in found:
        groups = ", ".join(each.groups) or "no groups"
        click.echo(f"{each.id:<20}  {each.kind:<11}  {groups}  ({', '.join(each.came)}){'' if each.active else '  NOT ACTIVE'}")


@command.command("show", short_help="Show one of them, and where each group is from.")
@click.argument("who", metavar="ID")
@_tenant
@workspace_option
@json_option
@told
def _show(who: str, tenant: str | None, workspace: Path, *, as_json: bool) -> None:
    """One person or application: each group with where it comes from, and the accounts they signed in with."""
    each = _one(_everyone(Layout(workspace), tenant), who)
    if as_json:
        print_json(_plain(each))
        return
    click.echo(f"{each.id}  ({each.kind} of tenant {each.tenant}; {', '.join(each.came)}){'' if each.active else '  NOT ACTIVE'}")
    for label, text in (("name", each.name), ("e-mail", each.email), ("signs in as", each.user_name)):
        if text:
            click.echo(f"  {label:<12} {text}")
    for group, origins in each.groups.items():
        click.echo(f"  group        {group}  ({', '.join(origins)})")
    for account in each.accounts:
        click.echo(f"  account      {account.subject} at {account.issuer}")


@command.command("untie", short_help="Let go of the accounts that somebody signed in with.")
@click.argument("who", metavar="ID")
@_tenant
@workspace_option
@told
def _untie(who: str, tenant: str | None, workspace: Path) -> None:
    """Let go of the accounts that somebody signed in with, and end those sessions: the next account of their name is theirs.

    The first sign-in ties an account at the provider to a person here, so that nobody becomes somebody else by a change of name there.
    """
    layout = Layout(workspace)
    with closing(control_store(layout)) as store:
        files = current(store)[0].compile()
        owner = tenant_of(files, tenant)
        person = _one(everyone(files, store, owner), who)
        recording.record_now(layout, "people.untie", {"tenant": owner, "person": person.id})
        number = store.people.untie(owner, person.id)
        if Roster(files, store.people).taken_by_another(owner, person.id):
            store.people.forget(owner, person.id)  # the id is of the one in people.yaml
    click.echo(f"{person.id}: {number} account{'' if number == 1 else 's'} let go.")


def _everyone(layout: Layout, tenant: str | None) -> Sequence[Shown]:
    with closing(control_store(layout)) as store:
        files = current(store)[0].compile()
        return everyone(files, store, tenant_of(files, tenant))


def _one(found: Sequence[Shown], who: str) -> Shown:
    known = {each.id: each for each in found}
    if who in known:
        return known[who]
    alike = did_you_mean(who, known)
    mend = f'Did you mean "{alike}"?' if alike else "headrace people list shows them."
    raise NotFound("There is nobody with this id in this tenant.", code="people.unknown", mend=mend)


def _plain(each: Shown) -> dict[str, object]:
    accounts = [{"issuer": one.issuer, "subject": one.subject, "last_us": one.last_us} for one in each.accounts]
    return {
        "id": each.id,
        "kind": each.kind,
        "tenant": each.tenant,
        "name": each.name,
        "email": each.email,
        "active": each.active,
        "groups": {group: list(origins) for group, origins in each.groups.items()},
        "from": list(each.came),
        "signs_in_as": each.user_name,
        "accounts": accounts,
    }


def _told(plan: Plan) -> list[dict[str, object]]:
    return [{"id": each.after.id, "change": each.kind, "groups": list(each.after.groups)} for each in plan.changes if each.kind != "same"]


def _say(plan: Plan, *, dry_run: bool) -> None:
    for each in plan.changes:
        if each.kind != "same":
            click.echo(f"{_MARKS[each.kind]} {each.after.id:<20}  {_words(each)}")
    for group in plan.unknown:
        click.echo(f'The group "{group}" means nothing here; headrace.yaml may say what it means, under identity, groups.', err=True)
    counts = ", ".join(f"{number} {kind}" for kind, number in plan.counts.items() if number) or "nobody"
    click.echo(f"{counts}. {'Nothing was changed: this was a dry run.' if dry_run else ''}".strip())


def _words(change: Change) -> str:
    before, after = change.before, change.after
    if change.kind == "deactivated":
        return "is no longer active"
    now = ", ".join(after.groups) or "no groups"
    if before is None or change.kind == "reactivated":
        return f"{now}{'' if after.active else ', not active'}"
    return now if before.groups == after.groups else f"{', '.join(before.groups) or 'no groups'} → {now}"
