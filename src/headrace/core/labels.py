"""Labels: what is known about who may read a text and where it may go. They travel with every text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Sensitivity(IntEnum):
    """How much harm a leak would do; a join takes the higher."""

    PUBLIC = 0
    INTERNAL = 1
    CONFIDENTIAL = 2
    RESTRICTED = 3


@dataclass(frozen=True, slots=True)
class Label:
    """The restrictions on one text.

    `acls` are ids of access lists, **all** of which a reader must satisfy. `tainted` means that text which nobody inside vouches
    for (a passage, a tool result) has entered.
    """

    tenant: str
    acls: frozenset[str] = frozenset()
    sensitivity: Sensitivity = Sensitivity.INTERNAL
    tainted: bool = False

    def join(self, other: Label) -> Label:
        """The label of a text made from both: the stricter of each side.

        Raises ValueError when the tenants differ: texts of two tenants are never joined.
        """
        if self.tenant != other.tenant:
            msg = "texts of two tenants cannot be joined"
            raise ValueError(msg)
        return Label(
            tenant=self.tenant,
            acls=self.acls | other.acls,
            sensitivity=max(self.sensitivity, other.sensitivity),
            tainted=self.tainted or other.tainted,
        )
