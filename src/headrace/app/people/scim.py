"""A file of people in the form of SCIM 2.0 (RFC 7643): a list response, or an array of User and Group resources. Read strictly: what is
not understood is a fault at its path, and a file with any fault is not imported at all."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar, cast

import msgspec

from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
LONGEST_FILE: Final = 64 * 1024 * 1024
MOST_TOLD: Final = 50
"""Faults that are told; the first ones of very many."""
_AT = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>[^`]*)`)?", re.DOTALL)
_LONGEST: Final = 254

T = TypeVar("T")


class _Name(msgspec.Struct):
    formatted: str | None = None
    givenName: str | None = None  # noqa: N815  the specification's words
    familyName: str | None = None  # noqa: N815


class _Email(msgspec.Struct):
    value: str
    primary: bool | None = None


class _Reference(msgspec.Struct):
    value: str
    display: str | None = None
    type: str | None = None


class _User(msgspec.Struct):
    userName: str  # noqa: N815
    id: str | None = None
    displayName: str | None = None  # noqa: N815
    name: _Name | None = None
    emails: list[_Email] | None = None
    active: bool | None = None
    groups: list[_Reference] | None = None


class _Group(msgspec.Struct):
    displayName: str  # noqa: N815
    id: str | None = None
    members: list[_Reference] | None = None


@dataclass(frozen=True, slots=True)
class ScimPerson:
    """A User resource. `groups` are display names; None: the file says nothing about this person's groups."""

    path: str
    user_name: str
    external: str
    name: str = field(repr=False)
    email: str = field(repr=False)
    active: bool
    groups: tuple[str, ...] | None


def read(content: bytes) -> Sequence[ScimPerson]:
    """The people of a file. Raises OperationFailed that names every fault by its path."""
    faults: list[str] = []
    users: dict[str, _User] = {}
    groups: dict[str, _Group] = {}
    for path, resource in _resources(content):
        kinds = resource.get("schemas")
        listed = cast("list[object]", kinds) if isinstance(kinds, list) else []
        if USER in listed:
            _filled(resource, _User, path, users, faults)
        elif GROUP in listed:
            _filled(resource, _Group, path, groups, faults)
        else:
            faults.append(f"{path}.schemas: this is neither a User nor a Group of SCIM 2.0")
    members = _members(users, groups, faults)
    people = [_person(path, user, members) for path, user in users.items()]
    unusable = (each for each in people if not 0 < len(each.user_name) <= _LONGEST or not each.user_name.isprintable())
    faults += [f"{each.path}.userName: this is no name" for each in unusable]
    if faults:
        raise failed(faults)
    return people


def failed(faults: Sequence[str]) -> OperationFailed:
    """What is wrong with a file, line by line."""
    more = [f"… and {len(faults) - MOST_TOLD} more"] if len(faults) > MOST_TOLD else []
    message = "\n".join([*faults[:MOST_TOLD], *more, f"{len(faults)} fault{'s' if len(faults) > 1 else ''}."])
    return OperationFailed(message, code="people.import_faults", mend="Nothing was imported.")


def _resources(content: bytes) -> Sequence[tuple[str, Mapping[str, object]]]:
    try:
        whole: object = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise failed([f"this is no JSON: {error}"]) from error
    where, listed = "", whole
    if isinstance(whole, dict):
        response = cast("Mapping[str, object]", whole)
        where, listed = "Resources", response.get("Resources", [])
        total = response.get("totalResults")
        if isinstance(total, int) and isinstance(listed, list) and total != len(cast("list[object]", listed)):
            raise failed([f"totalResults: this is one page of {total} resources: put all pages into one file"])
    if not isinstance(listed, list):
        raise failed([f"{where or 'the file'}: a list of resources is wanted"])
    found: list[tuple[str, Mapping[str, object]]] = []
    for number, each in enumerate(cast("list[object]", listed)):
        if not isinstance(each, dict):
            raise failed([f"{where}[{number}]: a resource is wanted"])
        found.append((f"{where}[{number}]", cast("Mapping[str, object]", each)))
    return found


def _filled(resource: Mapping[str, object], form: type[T], path: str, into: dict[str, T], faults: list[str]) -> None:
    try:
        into[path] = msgspec.convert(resource, form)
    except msgspec.ValidationError as error:
        found = _AT.fullmatch(str(error))
        faults.append(f"{path}{found['path'] or ''}: {found['what']}" if found else f"{path}: {error}")


def _members(users: Mapping[str, _User], groups: Mapping[str, _Group], faults: list[str]) -> Mapping[str, list[str]] | None:
    """Display names of groups by the id of each member; None where the file has no groups."""
    if not groups:
        return None
    known: dict[str, str] = {}
    for path, user in users.items():
        if user.id and known.setdefault(user.id, path) != path:
            faults.append(f"{path}.id: {known[user.id]} has it, too: whom a group means is not certain")
    found: dict[str, list[str]] = {}
    for path, group in groups.items():
        for number, member in enumerate(group.members or []):
            if (member.type or "User") != "User":
                faults.append(f"{path}.members[{number}].type: a group within a group is not followed: list its people")
            elif member.value not in known:
                faults.append(f"{path}.members[{number}].value: there is no such User in this file")
            else:
                found.setdefault(member.value, []).append(group.displayName)
    return found


def _person(path: str, user: _User, members: Mapping[str, list[str]] | None) -> ScimPerson:
    name = user.name or _Name()
    whole = user.displayName or name.formatted or " ".join(part for part in (name.givenName, name.familyName) if part)
    emails = user.emails or []
    email = next((each.value for each in emails if each.primary), emails[0].value if emails else "")
    if members is not None:
        groups: tuple[str, ...] | None = tuple(members.get(user.id or "", ()))
    else:
        groups = None if user.groups is None else tuple(each.display or each.value for each in user.groups)
    return ScimPerson(path, user.userName, user.id or "", whole[:_LONGEST], email[:_LONGEST], user.active is not False, groups)
