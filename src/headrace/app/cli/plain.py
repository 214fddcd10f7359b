"""Texts that others wrote (documents, their names, answers), as a terminal may be shown them.

A terminal obeys what it prints: a document could clear the screen, rename the window, write over the lines above, or turn the reading
order around. ``--json`` has every text as it is, with such characters escaped.
"""

from __future__ import annotations

import re
from typing import Final

SHOWN: Final = "\N{REPLACEMENT CHARACTER}"
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but tab and line end, the separators that some terminals break lines at, and what turns the direction of writing."""
_BREAKING = re.compile("[\t\n]")


def plain(text: str) -> str:
    """The text with every character that steers a terminal replaced."""
    return _STEERING.sub(SHOWN, text.replace("\r\n", "\n"))


def plain_name(name: str) -> str:
    """The same for a name, which stays on its line."""
    return _BREAKING.sub(SHOWN, plain(name))
