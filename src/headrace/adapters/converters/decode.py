"""Bytes to characters, for formats that are text: nothing is rendered anew, so that a line of the text is a line of the file."""

from __future__ import annotations

import codecs
import re

from headrace.core.errors import ConversionFailed

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with theirs
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MOST_CONTROLS = 0.001
_DECLARED = re.compile(rb"<(?:meta|\?xml)\b[^>]*?(?:charset|encoding)\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]+)", re.IGNORECASE)
_JAPANESE = ("cp932", "euc_jp")
_KANA = re.compile(r"[ぁ-ヶ]")
_FEWEST_KANA = 0.1
"""Share of the characters that are not ASCII."""
_ENOUGH = 40
"""Letters that tell of a language."""
_FEWEST_ASCII = 0.6
"""Share of the letters of a Western text that are ASCII."""
_MUCH = 0.2
"""Share of all characters."""
_HEAD = 4096
"""Bytes within which HTML must declare its encoding (a browser looks at 1,024)."""


def decode(content: bytes) -> str:
    """The characters of a text file: by its byte order mark, else UTF-8, else a Japanese encoding when that gives kana, else
    Windows-1252. The mark itself is no character of the text.

    Raises ConversionFailed for bytes that are not text.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _plausible(_strictly(content[len(mark) :], encoding))
    try:
        return _plausible(content.decode())
    except UnicodeDecodeError:
        return _plausible(_guessed(content))


def decode_html(content: bytes) -> str:
    """The characters of an HTML file: by its byte order mark, UTF-8 when it is, what it declares, else Windows-1252.

    UTF-8 goes before the declaration: bytes that are valid UTF-8 by accident are rare, wrong declarations are not. Raises
    ConversionFailed for bytes that are not text.
    """
    if content.startswith(tuple(mark for mark, _ in _MARKS)):
        return decode(content)
    try:
        return _plausible(content.decode())
    except UnicodeDecodeError:
        pass
    declared = _DECLARED.search(content[:_HEAD])
    if declared is not None:
        try:
            return _plausible(content.decode(declared[1].decode("ascii")))
        except (LookupError, UnicodeDecodeError):
            pass  # a declaration that is not true
    return _plausible(_guessed(content))


def _strictly(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        msg = f"It begins as {encoding.upper()} and then is not."
        raise ConversionFailed(msg) from error


def _japanese(content: bytes) -> str:
    """Shift JIS or EUC-JP, where that gives kana, or where much is not ASCII and hardly a letter in the West; empty when it is neither.

    In Western text, the first bytes of kana are a low quotation mark and signs of currency, and most that is not ASCII is letters.
    """
    for encoding in _JAPANESE:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        foreign = sum(not character.isascii() for character in text)
        western = [character.isalpha() for character in _western(content) if not character.isascii()]
        no_letters = foreign > len(text) * _MUCH and sum(western) * 2 < len(western)
        if no_letters or len(_KANA.findall(text)) > foreign * _FEWEST_KANA:
            return text
    return ""


def _guessed(content: bytes) -> str:
    """Japanese where it is, else Windows-1252. Raises ConversionFailed where that would give more foreign letters
    than any Western text has."""
    japanese = _japanese(content)
    if japanese:
        return japanese
    text = _western(content)
    letters = [character.isascii() for character in text if character.isalpha()]
    if len(letters) >= _ENOUGH and sum(letters) < len(letters) * _FEWEST_ASCII:
        raise ConversionFailed("It is in an encoding that it does not name.", mend="Save it as UTF-8.")
    return text


def _western(content: bytes) -> str:
    """Windows-1252, whose five unassigned bytes are read as Latin-1 (as browsers do)."""
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        return "".join(_letter(byte) for byte in content)


def _letter(byte: int) -> str:
    return bytes((byte,)).decode("cp1252", errors="ignore") or chr(byte)


def _plausible(text: str) -> str:
    """Raises ConversionFailed when the text holds more control characters than any text does."""
    if "\x00" in text or sum(1 for _ in _CONTROLS.finditer(text)) > max(2, len(text) * _MOST_CONTROLS):
        msg = "It is not text: it holds binary data."
        raise ConversionFailed(msg)
    return text
