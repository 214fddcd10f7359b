"""Mails of Outlook (MSG, MS-OXMSG) rewritten as mails of the standard kind, so that all that is read of those is read of these: head, text,
and what is attached, mails among it. Runs in the conversion child.
"""

from __future__ import annotations

import base64
import codecs
import hashlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from headrace.adapters.converters.containers.archives import Held
from headrace.adapters.converters.containers.compound import Storage, storage
from headrace.adapters.converters.containers.mail import safe
from headrace.adapters.converters.decode import decode, decode_html
from headrace.core.errors import ConversionFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

_SUBJECT, _BODY, _HTML, _RTF = 0x0037, 0x1000, 0x1013, 0x1009
_SENDER, _SENDER_SMTP, _SENDER_ADDRESS = 0x0C1A, 0x5D01, 0x0C1F
_NAME, _SMTP, _ADDRESS, _KIND = 0x3001, 0x39FE, 0x3003, 0x0C15
_SENT, _ARRIVED = 0x0039, 0x0E06
_DATA, _LONG_NAME, _SHORT_NAME, _SHOWN_NAME = 0x3701, 0x3707, 0x3704, 0x3001
_CODEPAGE, _INTERNET_CODEPAGE = 0x3FFD, 0x3FDE
_CODEPAGES: Final = {65001: "utf-8", 20127: "ascii", 20866: "koi8-r", 51932: "euc_jp", 51936: "gb2312", 54936: "gb18030", 936: "gbk"} | {
    28590 + n: f"iso8859-{n}" for n in range(1, 17)
}
"""Python's names for what Windows numbers otherwise than by ``cp``."""
_TO, _CC = 1, 2
_HEAD_OF_FILE, _HEAD_OF_MAIL, _HEAD_OF_PART = 32, 24, 8
"""Bytes before the properties of fixed size: of a file, of a mail in it, of a recipient or an attachment."""
_DEEPEST: Final = 8
_SINCE: Final = datetime(1601, 1, 1, tzinfo=UTC)
_LINKED: Final = "It is a link to a file, and not attached. Attach the file itself."
_FOREIGN: Final = "It is an object of another program, and no file. Save it as a file of its own."
_DEEP: Final = "It lies in more mails within mails than are opened. Save it by itself."


def as_eml(content: bytes) -> bytes:
    """The mail; what is attached is there by name alone. Raises ConversionFailed."""
    return _mail(storage(content), whole=False)


def attached(content: bytes) -> Iterator[Held]:
    """The files that are attached, and mails as .eml. Raises ConversionFailed."""
    root = storage(content)
    charset = _charset(root, _HEAD_OF_FILE)
    for part in _parts(root, "__attach"):
        yield _attached(part, 1, charset)


def only_rich_text(content: bytes) -> bool:
    """Whether the mail has its text as RTF alone. Raises ConversionFailed."""
    root = storage(content)
    return not _text(root, _BODY) and not _html(root, "") and bool(_bytes(root, _RTF))


def _mail(root: Storage, *, whole: bool, depth: int = 0) -> bytes:
    """A mail of the standard kind, as bytes; `whole`: with the content of what is attached."""
    properties = _HEAD_OF_MAIL if depth else _HEAD_OF_FILE
    charset = _charset(root, properties)
    people = [(_number(each, _KIND, _HEAD_OF_PART), _person(each, charset, _NAME, _SMTP, _ADDRESS)) for each in _parts(root, "__recip")]
    heads = {
        "Subject": _line(_text(root, _SUBJECT, charset)) or "(no subject)" * (depth > 0),
        "From": _person(root, charset, _SENDER, _SENDER_SMTP, _SENDER_ADDRESS),
        "To": ", ".join(person for kind, person in people if kind == _TO),
        "Cc": ", ".join(person for kind, person in people if kind == _CC),
        "Date": _date(root, properties),
    }
    text, html = _text(root, _BODY, charset), _html(root, charset)
    texts = [_part("text/plain; charset=utf-8", text.encode("utf-8", "replace"))] if text.strip() else []
    texts += [_part("text/html; charset=utf-8", html.encode("utf-8", "replace"))] if html.strip() else []
    parts = [_joined("alternative", texts)] if len(texts) > 1 else texts
    for each in _parts(root, "__attach"):
        held = _attached(each, depth + 1, charset)
        parts.append(_part("application/octet-stream", held.content if whole else b"", held.path))
    head = "".join(f"{name}: {words}\n" for name, words in heads.items() if words)
    return b"MIME-Version: 1.0\n" + head.encode("utf-8", "replace") + _joined("mixed", parts)


def _part(kind: str, content: bytes, name: str = "") -> bytes:
    where = f"Content-Disposition: attachment; filename*=utf-8''{quote(name)}\n" if name else ""
    return f"Content-Type: {kind}\n{where}Content-Transfer-Encoding: base64\n\n".encode() + base64.encodebytes(content)


def _joined(kind: str, parts: list[bytes]) -> bytes:
    """Parts as one; no part can hold the line between them, for all of it is base64 but the heads and such lines of shorter wholes."""
    mark = hashlib.sha256(b"".join(parts)).hexdigest().encode()
    head = f"Content-Type: multipart/{kind}; boundary=".encode() + mark + b"\n\n"
    return head + b"".join(b"--" + mark + b"\n" + part + b"\n" for part in parts) + b"--" + mark + b"--\n"


def _attached(part: Storage, depth: int, charset: str) -> Held:
    """What is attached, or why it cannot be had."""
    name = next((words for each in (_LONG_NAME, _SHORT_NAME, _SHOWN_NAME) if (words := _line(_text(part, each, charset)))), "")
    inner = part.get(f"__substg1.0_{_DATA:04X}000D")
    if isinstance(inner, dict):
        if "__properties_version1.0" not in inner:
            return Held(safe(name), reason=_FOREIGN)
        name = _line(_text(inner, _SUBJECT, _charset(inner, _HEAD_OF_MAIL))) or name or "mail"
        name = safe(name if name.lower().endswith(".eml") else f"{name}.eml")
        return Held(name, _mail(inner, whole=True, depth=depth)) if depth < _DEEPEST else Held(name, reason=_DEEP)
    if f"__substg1.0_{_DATA:04X}0102" not in part:
        return Held(safe(name), reason=_LINKED)
    return Held(safe(name), _bytes(part, _DATA))


def _parts(root: Storage, name: str) -> list[Storage]:
    """Recipients or attachments, in their order."""
    return [each for key, each in sorted(root.items()) if key.startswith(name) and isinstance(each, dict)]


def _bytes(root: Storage, tag: int, kind: str = "0102") -> bytes:
    found = root.get(f"__substg1.0_{tag:04X}{kind}")
    return found if isinstance(found, bytes) else b""


def _charset(root: Storage, head: int) -> str:
    """The encoding of texts that are not Unicode, as the mail says; empty when it does not, or when nobody knows it."""
    page = _number(root, _CODEPAGE, head) or _number(root, _INTERNET_CODEPAGE, head)
    name = _CODEPAGES.get(page, f"cp{page}")
    try:
        return codecs.lookup(name).name if page else ""
    except LookupError:
        return ""


def _text(root: Storage, tag: int, charset: str = "") -> str:
    if words := _bytes(root, tag, "001F"):
        return words.decode("utf-16-le", errors="replace").rstrip("\0")
    words = _bytes(root, tag, "001E").rstrip(b"\0")
    if charset:
        return words.decode(charset, errors="replace")
    try:
        return decode(words)
    except ConversionFailed:
        return words.decode("cp1252", errors="replace")


def _html(root: Storage, charset: str) -> str:
    try:
        return decode_html(_bytes(root, _HTML).rstrip(b"\0")) or _text(root, _HTML, charset)
    except ConversionFailed:
        return _bytes(root, _HTML).decode(charset or "cp1252", errors="replace")


def _person(root: Storage, charset: str, name: int, *addresses: int) -> str:
    """``Ana <ana@example.org>``; an address within a company's own Exchange says nothing to a person."""
    said = _line(_text(root, name, charset))
    address = next((words for each in addresses if "@" in (words := _line(_text(root, each, charset)))), "")
    if not address or address == said:
        return said or address
    return f"{said} <{address}>" if said else address


def _line(words: str) -> str:
    return " ".join(words.replace("\0", " ").split())


def _property(root: Storage, tag: int, head: int) -> bytes:
    """The eight bytes of a property of fixed size; empty when it is not there."""
    found = root.get("__properties_version1.0")
    table = found if isinstance(found, bytes) else b""
    rows = (table[at : at + 16] for at in range(head, len(table) - 15, 16))
    return next((row[8:] for row in rows if int.from_bytes(row[2:4], "little") == tag), b"")


def _number(root: Storage, tag: int, head: int) -> int:
    return int.from_bytes(_property(root, tag, head)[:4], "little")


def _date(root: Storage, head: int) -> str:
    found = _property(root, _SENT, head) or _property(root, _ARRIVED, head)
    try:
        when = _SINCE + timedelta(microseconds=int.from_bytes(found, "little") // 10)
    except OverflowError:
        return ""
    return format_datetime(when) if found else ""
