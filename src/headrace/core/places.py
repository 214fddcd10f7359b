"""What of a place may stand in a record: its numbers, and no word of the document."""

from __future__ import annotations

import re
from typing import Final

_NUMBERED: Final = re.compile(
    r"(?:page|paragraph) \d+"
    r"|slide \d+(?:, notes)?"
    r"|rows? \d+(?:–\d+)?"
    r"|mail (?:head|text)"
    r"|(?:mail text, )?line \d+"
    r"|(?:hidden )?sheet “.*”, (?P<cells>[A-Z]+\d+(?::[A-Z]+\d+)?)",
    re.DOTALL,
)


def content_free(place: str) -> str:
    """A place as a record may hold it: ``page 3``, ``line 12``, ``cells B2:D5``. The name of a sheet is left out, and of a section there
    is nothing but its heading: those are the document's own words. Empty where nothing is left."""
    found = _NUMBERED.fullmatch(place)
    if found is None:
        return ""
    return f"cells {found['cells']}" if found["cells"] else place
