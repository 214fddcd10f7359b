"""What the workspace says: does it check, is it in force, can its sources be read, and whom does it let in?"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.app.acts import operator
from headrace.app.acts.turns import differences
from headrace.app.doctor.finding import Finding, notice
from headrace.core.errors import HeadraceError
from headrace.core.values import Principal
from headrace.policy.engine import CedarEngine
from headrace.policy.people import APPLICATION, ITSELF, PERSON, Members

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.app.doctor.finding import Findings
    from headrace.app.doctor.subject import Subject
    from headrace.config.model import Source, Workspace
    from headrace.core.values import StoredKey

SOON_US = 14 * 86_400 * 1_000_000
LAST_PART = 4
"""A key's end is near in the last quarter of its life: one that was made for a week is not told of on its first day."""
STRANGER = "headrace-doctor-stranger"
"""Somebody of a tenant who is in no group and in nobody's list."""


def files(subject: Subject) -> Findings:
    """Do the files make a workspace without faults?"""
    if subject.checked is None:
        yield Finding(
            "workspace.none",
            "There is no workspace here (no headrace.yaml).",
            str(subject.layout.workspace),
            f"headrace init --workspace {subject.layout.workspace}, or name another with --workspace or HEADRACE_WORKSPACE.",
        )
        return
    faults = subject.checked.faults
    if faults:
        first = faults[0]
        yield Finding(
            "workspace.faults",
            f"The files have {len(faults)} faults, the first: {first.message}. What was in force before stays so.",
            f"{subject.layout.workspace / first.path}:{first.line}:{first.column}",
            first.mend or "headrace check shows them all.",
        )


def applied(subject: Subject) -> Findings:
    """Is what stands in the files also what is in force?"""
    if subject.checked is None or subject.checked.faults or isinstance(subject.control, HeadraceError):
        return
    where = str(subject.layout.workspace)
    if subject.in_force is None:
        yield notice("workspace.nothing_applied", "Nothing was ever applied: no revision is in force.", where, "headrace apply")
        return
    changed = differences(subject.in_force.files, subject.checked.files)
    if changed.words() != "none":
        yield notice("workspace.not_applied", f"The files are not what is in force: {changed.words()}.", where, "headrace apply")


def sources(subject: Subject) -> Findings:
    """Is the folder of each source there, readable, and not empty?"""
    for name, source in (subject.workspace.sources if subject.workspace is not None else {}).items():
        folder = (subject.layout.workspace / Path(source.folder).expanduser()).resolve()
        where = f"sources/{name}.yaml: {folder}"
        if not folder.is_dir():
            mend = "Mount or make it, or correct folder. Until then its documents stay as they were read last."
            yield Finding("sources.no_folder", f'The folder of source "{name}" is not there.', where, mend)
        elif (unreadable := _unreadable(folder)) is not None:
            mend = f"Give user {os.getuid()} leave to read it (chmod, setfacl)."
            yield Finding("sources.unreadable", f'Source "{name}" has what this user may not read: {unreadable}.', where, mend)
        elif not any(folder.rglob("*")):
            yield notice("sources.empty", f'The folder of source "{name}" is empty.', where, "Put documents there, or correct folder.")
        yield from _unread(subject.workspace, name, source)


def _unreadable(folder: Path) -> str | None:
    """The first path below that this user may not read."""
    failed: list[OSError] = []
    for base, _, names in os.walk(folder, onerror=failed.append):
        denied = next((name for name in names if not os.access(Path(base) / name, os.R_OK)), None)
        if denied is not None:
            return str(Path(base) / denied)
    return str(failed[0].filename) if failed else None


def _unread(workspace: Workspace | None, name: str, source: Source) -> Findings:
    readers = [source.readers, *(rule.readers for rule in source.rules)]
    if workspace is not None and not any(each.groups or each.people for each in readers):
        yield Finding(
            "sources.no_readers",
            f'Nobody may read source "{name}", so no answer is ever drawn from it.',
            f"sources/{name}.yaml: readers",
            "Name groups or people under readers.",
        )


def policy(subject: Subject) -> Findings:
    """Does policy let anybody ask, and does it let in only whom it means to?"""
    workspace = subject.workspace
    if workspace is None or not workspace.services:
        return
    engine = CedarEngine(workspace)
    known = [*_members(workspace), *_holders(workspace, subject.keys or ())]
    if not any(_may_ask(engine, each, workspace.services) for each in known):
        whom = (
            f"none of the {len(known)} people, applications and keys known here" if known else "there are no people, applications or keys"
        )
        yield Finding(
            "policy.nobody_may_ask",
            f"Nobody may ask any service: {whom}{' may' if known else ''}.",
            "policies/",
            'Permit action "ask" to a group in policies/*.cedar, and put people into it (people.yaml) or give a key the group.',
        )
    for tenant in workspace.root.tenants:
        stranger = Principal(STRANGER, APPLICATION, tenant, frozenset(), STRANGER)
        open_services = [name for name in workspace.services if engine.decide(stranger, "ask", ("Service", name), {}).allowed]
        if open_services:
            yield Finding(
                "policy.everybody_may_ask",
                f"Any key of tenant {tenant} may ask {', '.join(open_services)}, whatever its groups: a policy names no group.",
                "policies/",
                'Write "principal in Group::…" in the policy, or forbid it; leave it only where every key holder is meant.',
            )


def administrators(subject: Subject) -> Findings:
    """Is there anybody who may make and revoke keys from the console?"""
    workspace = subject.workspace
    if workspace is None:
        return
    engine = CedarEngine(workspace)
    known = [*_members(workspace), *_holders(workspace, subject.keys or ())]
    for tenant in workspace.root.tenants:
        if not any(each.tenant == tenant and engine.decide(each, "administer", ("Tenant", tenant), {}).allowed for each in known):
            yield notice(
                "policy.no_administrator",
                f"Nobody of tenant {tenant} may administer it: only who has this machine's command line can make and revoke keys.",
                "policies/, people.yaml",
                'Put a person into a group that a policy permits "administer" (the template: administrators).',
            )


def keys(subject: Subject) -> Findings:
    """Do keys hold, for whom they were made, and for how long?"""
    if subject.keys is None or subject.workspace is None:
        return
    now, members, where = time.time_ns() // 1000, Members(subject.workspace), str(subject.layout.control)
    valid = [each for each in subject.keys if each.revoked_us is None and (each.expires_us is None or each.expires_us > now)]
    lasting = [each for each in valid if each.holder != operator.NAME]
    if not lasting:
        expired = f" ({len(subject.keys)} have expired or were revoked)" if subject.keys else ""
        yield notice("keys.none", f"No key holds, so nobody can ask{expired}.", where, "headrace keys create --name … --group members")
    for each in lasting:
        if not _has_holder(members, each):
            yield Finding(
                "keys.no_holder",
                f"Key {each.id} speaks for {each.kind} {each.holder}, whom people.yaml does not have: it opens nothing.",
                "people.yaml",
                f"Put {each.holder} back, or headrace keys revoke {each.id}.",
            )
        elif each.expires_us is not None and each.expires_us - now < min(SOON_US, (each.expires_us - each.created_us) // LAST_PART):
            when = datetime.fromtimestamp(each.expires_us / 1_000_000, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
            yield notice(
                "keys.expires_soon", f"Key {each.id} ({each.name}) expires {when}.", where, "Make another and hand it over in time."
            )


def _has_holder(members: Members, key: StoredKey) -> bool:
    """Whether the key opens anything: whom it speaks for is there; and nobody has the name of one that stands for itself."""
    member = members.find(key.tenant, key.holder)
    return member is None if key.kind == ITSELF else member is not None and member.kind == key.kind


def _members(workspace: Workspace) -> list[Principal]:
    members = Members(workspace)
    found: list[Principal] = []
    for tenant in workspace.root.tenants:
        for kind in (PERSON, APPLICATION):
            for name in sorted(members.ids(tenant, kind)):
                member = members.find(tenant, name)
                found.append(Principal(name, kind, tenant, member.groups if member is not None else frozenset(), ""))
    return found


def _holders(workspace: Workspace, held: Iterable[StoredKey]) -> list[Principal]:
    """Whom the keys that hold now speak for, with the groups that they carry."""
    members, now, found = Members(workspace), time.time_ns() // 1000, list[Principal]()
    for key in held:
        if key.revoked_us is not None or (key.expires_us is not None and key.expires_us <= now) or key.tenant not in workspace.root.tenants:
            continue
        member = members.find(key.tenant, key.holder)
        groups = (member.groups if member is not None and key.kind != ITSELF else frozenset[str]()).union(key.groups)
        services = None if key.services is None else frozenset(key.services)
        kind = PERSON if key.kind == PERSON else APPLICATION
        found.append(Principal(key.holder, kind, key.tenant, groups, key.id, services))
    return found


def _may_ask(engine: CedarEngine, principal: Principal, services: Iterable[str]) -> bool:
    return any(engine.decide(principal, "ask", ("Service", name), {}).allowed for name in services)
