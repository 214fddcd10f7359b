"""Globs over paths inside a source, for what is listed and for who may read it: one meaning, so that no path falls between the two."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache


def matches(path: str, glob: str) -> bool:
    """Whether the whole of `path` (POSIX, inside the source) is what `glob` says.

    ``**`` spans folders, ``*`` and ``?`` stay within one name. A name may hold line ends. An accent may be written as one character or
    as two: they look the same to whoever writes a rule.
    """
    return _pattern(glob).fullmatch(_composed(path)) is not None


@lru_cache(maxsize=4096)
def _pattern(glob: str) -> re.Pattern[str]:
    pieces = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", _composed(glob))
    return re.compile("".join(pieces.get(part, re.escape(part)) for part in parts), re.DOTALL)


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)
