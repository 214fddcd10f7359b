"""A Markdown table in an answer, shown as a table: each character is there, and bars and rule are not seen."""

from __future__ import annotations

import re
from typing import Final

from markupsafe import Markup

GRID: Final = r"^\|[^\n]*\|[ \t]*\n\|[ \t:|-]*-[ \t:|-]*\|(?=[ \t]*(?:$|\[))(?:[ \t]*\n\|[^\n]*\|)*"
"""A row, the rule beneath it, and what rows follow. For a pattern over lines (re.MULTILINE)."""
_BAR = re.compile(r"([ \t]*(?<!\\)\|[ \t]*)")
_RULE: Final = 1
"""The line that is the rule."""


def grid(text: str) -> Markup:
    """A text that :data:`GRID` matched whole."""
    rows = Markup()
    for n, line in enumerate(text.splitlines(keepends=True)):
        rows += _bars(line) if n == _RULE else _row(line, "columnheader" if n == 0 else "cell")
    return Markup('<span class="grid" role="table">{}</span>').format(rows)


def _row(line: str, role: str) -> Markup:
    _, opened, *pieces, closed, end = _BAR.split(line)
    cells = Markup().join(
        _bars(piece) if n % 2 else Markup('<span role="{}">{}</span>').format(role, piece) for n, piece in enumerate(pieces)
    )
    return Markup('<span role="row">{}{}{}</span>').format(_bars(opened), cells, _bars(closed + end))


def _bars(text: str) -> Markup:
    return Markup('<span class="bars">{}</span>').format(text)
