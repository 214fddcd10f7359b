"""Every fault of the policies, each at its place: form, meaning under the schema, and the names that they take from other files."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from headrace.config.faults import Fault
from headrace.policy.meaning import meaning_faults
from headrace.policy.names import Names, name_faults
from headrace.policy.syntax import Found, syntax_fault
from headrace.policy.text import annotations_of, place, statements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from headrace.config.model import Policy, Workspace
    from headrace.policy.text import Statement

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_REORDERING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_OBLIGATION: Final = "obligation"


def policy_faults(workspace: Workspace, unread: Collection[str] = ()) -> Sequence[Fault]:
    """Every fault of the workspace's policies.

    `unread` are paths of files that could not be read: nothing is said about names that they may hold.
    """
    names = Names(workspace, unread)
    found = [fault for policy in workspace.policies for fault in _of_file(policy, names)]
    return sorted([*found, *_twice(workspace.policies)])


def _of_file(policy: Policy, names: Names) -> Iterator[Fault]:
    for match in _REORDERING.finditer(policy.text):
        mend = "Remove it: a policy must read as it works."
        yield _fault(policy, Found(match.start(), "this character changes the order in which the text is shown", mend))
    for statement in statements(policy.text):
        broken = syntax_fault(statement)
        found = [broken] if broken is not None else [*_annotations(statement), *meaning_faults(statement), *name_faults(statement, names)]
        yield from (_fault(policy, each) for each in found)


def _annotations(statement: Statement) -> Iterator[Found]:
    for name, (value, word) in annotations_of(statement).items():
        if name == "id" and not _ID.fullmatch(value):
            mend = 'Write for example @id("members-may-ask"): letters, digits, dot, dash, underscore, at most 100.'
            yield Found(word.start, "this id cannot stand in a record", mend)
        if name == _OBLIGATION:
            mend = "Remove it. What a service must do (cite, mask, refuse) stands in the service's file."
            yield Found(word.start, "obligations of policies are not enforced here, so none is accepted", mend)


def _twice(policies: Sequence[Policy]) -> Iterator[Fault]:
    """Two policies of one id: a record could not say which of them it means."""
    for policy in policies:
        seen: dict[str, int] = {}
        for n, statement in enumerate(statements(policy.text)):
            value, word = annotations_of(statement).get("id", ("", statement.words[0]))
            name = value or f"policy{n}"
            line, _ = place(policy.text, word.start)
            if name in seen:
                message = f'the id "{PurePosixPath(policy.path).stem}/{name}" stands on line {seen[name]} already'
                yield _fault(policy, Found(word.start, message, "Give each policy an id of its own."))
            seen.setdefault(name, line)


def _fault(policy: Policy, found: Found) -> Fault:
    return Fault(policy.path, *place(policy.text, found.offset), found.message, found.mend)
