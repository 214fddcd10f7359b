"""What is wrong with a workspace: where, in a sentence, and how to mend it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ALIKE = 0.6
"""How alike two words must be (difflib's ratio) for one to be offered in place of the other."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing to mend. `line` and `column` count from 1; `path` is relative to the workspace, with slashes."""

    path: str
    line: int
    column: int
    message: str
    mend: str = ""


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like `word`; None when none is."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=_ALIKE)
    return found[0] if found else None


def listed(words: Iterable[str], most: int = 12) -> str:
    """Words as a person lists them; the rest is counted when there are more than `most`."""
    every = list(words)
    if not every:
        return "none"
    return ", ".join(every[:most]) + (f" and {len(every) - most} more" if len(every) > most else "")


def lines(faults: Sequence[Fault]) -> list[str]:
    """The faults as they are printed: ``path:line:column  message``, the mend below, all messages in one column."""
    places = [f"{each.path}:{each.line}:{each.column}" for each in faults]
    width = max((len(place) for place in places), default=0) + 2
    shown: list[str] = []
    for place, each in zip(places, faults, strict=True):
        shown.append(f"{place:<{width}}{each.message}")
        if each.mend:
            shown.append(f"{'':<{width}}{each.mend}")
    return shown


def verdict(faults: Sequence[Fault], files: int) -> str:
    """The line below the faults: how many there are, in how many files read."""
    return f"{len(faults)} {'fault' if len(faults) == 1 else 'faults'} in {files} {'file' if files == 1 else 'files'}. Nothing was applied."
