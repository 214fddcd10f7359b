"""What the doctor says: a finding."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.core.errors import HeadraceError


class Weight(StrEnum):
    """How much a finding matters."""

    FAULT = "fault"
    """Something does not work, is not safe, or is going to fail."""
    NOTICE = "notice"
    """Something that its owner may well mean, and should know."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One misconfiguration. `code` is stable and dotted; `what` a sentence; `where` a path, an address or a name; `mend` what to do.

    None of them ever holds a secret or a content.
    """

    code: str
    what: str
    where: str
    mend: str
    weight: Weight = Weight.FAULT


Findings: TypeAlias = "Iterator[Finding]"


def notice(code: str, what: str, where: str, mend: str) -> Finding:
    """A finding of less weight."""
    return Finding(code, what, where, mend, Weight.NOTICE)


def told(error: HeadraceError, where: str) -> Finding:
    """What another part found, in its own words and under its own code."""
    return Finding(error.code, error.message, error.param or where, error.mend or "See what it says of itself.")
