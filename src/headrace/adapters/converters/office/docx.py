"""DOCX made fit for kreuzberg 4.10, which drops every character that the XML writes as a reference (``&amp;``, ``&lt;``, ``&#8217;``):
``R&D`` would become ``RD``. References are replaced before the conversion, those of the five special characters by stand-ins.

Runs in the conversion child: unpacking is work for whoever has limits.
"""

from __future__ import annotations

import io
import re
import zipfile

_STAND_INS = {"amp": "\ue0a1", "lt": "\ue0a2", "gt": "\ue0a3", "quot": "\ue0a4", "apos": "\ue0a5"}
_CHARACTERS = {ord(stand_in): character for stand_in, character in zip(_STAND_INS.values(), "&<>\"'", strict=True)}
_SPECIAL = {ord(character): stand_in for stand_in, character in zip(_STAND_INS.values(), "&<>\"'", strict=True)}
_REFERENCE = re.compile(r"&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#x([0-9A-Fa-f]{1,6}));")
_TEXT_PARTS = re.compile(r"word/[^/]+\.xml")
_LAST = 0x10FFFF


def without_references(content: bytes) -> bytes:
    """The same document with no reference in its text parts. Raises zipfile.BadZipFile and what zlib raises."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(out, "w") as after:
        for entry in before.infolist():
            part = before.read(entry)
            if _TEXT_PARTS.fullmatch(entry.filename):
                part = _replaced(part)
            after.writestr(entry.filename, part)
    return out.getvalue()


def with_characters(text: str) -> str:
    """Converted text with the characters that the stand-ins stood for."""
    return text.translate(_CHARACTERS)


def _replaced(part: bytes) -> bytes:
    try:
        return _REFERENCE.sub(_character, part.decode()).encode()
    except UnicodeError:
        return part  # not UTF-8, or a reference to half a pair: as it is


def _character(found: re.Match[str]) -> str:
    if found[1]:
        return _STAND_INS[found[1]]
    number = int(found[2]) if found[2] else int(found[3], 16)
    return chr(number).translate(_SPECIAL) if 0 < number <= _LAST else ""
