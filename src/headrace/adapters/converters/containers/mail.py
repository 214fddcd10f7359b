"""Mails (EML, and web pages kept as MHTML): head and text as places, and what is attached. Runs in the conversion child.

Read by Python's own parser, which takes what real mail programs and spammers write: nothing that it finds wrong ends a conversion.
"""

from __future__ import annotations

import base64
import binascii
import email
import email.policy
import io
import quopri
import re
from email.generator import BytesGenerator
from typing import TYPE_CHECKING, cast

from headrace.adapters.converters.containers.archives import Held
from headrace.adapters.converters.decode import decode
from headrace.adapters.converters.formats import EML
from headrace.adapters.converters.layout import Layout
from headrace.core.errors import ConversionFailed
from headrace.core.values import PlaceKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import Message

_HEAD = ("From", "To", "Cc", "Date")
_SIGNATURES = frozenset({"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"})
_SEALED = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted"})
_DECORATION = ("image/", "font/", "text/css", "application/javascript", "text/javascript")
_DEEPEST = 32
_WORD = re.compile(r"=\?([^?\s*]+)(?:\*[^?\s]*)?\?([BbQq])\?([^?]*)\?=(?:\s+(?==\?))?")
_SPACED = re.compile(rb"^([!-9;-~]+)[ \t]+:", re.MULTILINE)
"""A header as it was written before 2001: ``Subject : …``."""
_LEAST_SHARE = 0.5
"""Of the words of a mail's HTML, which its plain text must have to be taken instead."""
_ENDINGS = {"text/plain": ".txt", "text/html": ".html", "application/pdf": ".pdf", "text/csv": ".csv", EML: ".eml"}


def message(content: bytes, html: Callable[[str], str]) -> Layout:
    """A mail's head and text. `html` makes Markdown of HTML. Raises ConversionFailed."""
    mail = _parsed(content)
    layout = Layout()
    subject = _header(mail, "Subject")
    head = [f"# {subject}\n"] * bool(subject)
    head += [f"{name}: {words}" for name in _HEAD if (words := _header(mail, name))]
    names = [each.path for each in _attached(mail)]
    head += [f"Attached: {', '.join(names)}"] * bool(names)
    layout.add("\n".join(head), "mail head", heading=subject)
    said = len(layout.places)
    for part in _texts(mail, html):
        if part.get_content_type() == "text/html":
            layout.add(html(_decoded(part)), "mail text", heading=subject)
        else:
            text = _decoded(part).replace("\r\n", "\n").replace("\r", "\n").rstrip()
            first = len(text) - len(text.lstrip("\n"))
            layout.add(text[first:], "mail text", PlaceKind.LINES, row=1 + first, heading=subject)
    if len(layout.places) == said and any(part.get_content_type() in _SEALED for part in mail.walk()):
        raise ConversionFailed("It is encrypted: only its recipient's mail program can open it.", mend="Save it without encryption.")
    return layout


def attached(content: bytes) -> Iterator[Held]:
    """The files that are attached to a mail, mails among them. Raises ConversionFailed."""
    yield from _attached(_parsed(content))


def _parsed(content: bytes) -> Message:
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:  # no mail by any standard, but they exist
        content = decode(content).encode()
    head, blank, body = re.split(rb"(\r?\n\r?\n)", content.lstrip(b"\r\n") + b"\n\n", maxsplit=1)
    mail = email.message_from_bytes(_SPACED.sub(rb"\1:", head) + blank + body, policy=email.policy.compat32)
    if not mail.keys():
        raise ConversionFailed("It is not a mail, whatever its name says.")
    return mail


def _texts(part: Message, html: Callable[[str], str], depth: int = 0) -> Iterator[Message]:
    """The parts that are the mail's own text, in order; of alternatives one."""
    kind = part.get_content_type()
    if part.is_multipart() and kind != EML:
        parts = cast("list[Message]", part.get_payload()) if depth < _DEEPEST else []
        if kind == "multipart/alternative":
            parts = _chosen(parts, html)
        for each in parts:
            yield from _texts(each, html, depth + 1)
    elif kind.startswith(("text/", "message/", "multipart/")) and not _is_attached(part) and not kind.startswith(_DECORATION):
        yield part


def _chosen(parts: list[Message], html: Callable[[str], str]) -> list[Message]:
    """Of alternatives the plain text, unless it leaves out most of what the HTML says ("Your program shows no HTML"); else the richest."""
    plain = next((each for each in parts if each.get_content_type() == "text/plain"), None)
    rich = next((each for each in reversed(parts) if each.get_content_type() == "text/html"), None)
    if plain is None or rich is None:
        return [each for each in (plain, rich) if each] or parts[-1:]
    full = len(html(_decoded(rich)).split())
    return [plain if len(_decoded(plain).split()) >= full * _LEAST_SHARE else rich] + [each for each in parts if each.is_multipart()]


def _attached(part: Message, depth: int = 0) -> Iterator[Held]:
    kind = part.get_content_type()
    if part.is_multipart() and kind.startswith("multipart/"):
        for each in cast("list[Message]", part.get_payload()) if depth < _DEEPEST else ():
            yield from _attached(each, depth + 1)
    elif _is_attached(part):
        yield _held(part, kind)


def _is_attached(part: Message) -> bool:
    """Whether a part is a file of its own: not text to be read with the mail, no signature, and no picture that only decorates."""
    kind, where = part.get_content_type(), part.get_content_disposition()
    if kind in _SIGNATURES or kind in _SEALED:
        return False
    if kind.startswith(_DECORATION) and where != "attachment" and (where == "inline" or part["Content-ID"] or part["Content-Location"]):
        return False
    return (
        where == "attachment"
        or bool(_name(part))
        or not kind.startswith(("text/", "message/delivery", "message/disposition", "multipart/"))
    )


def _held(part: Message, kind: str) -> Held:
    name = _name(part)
    if kind == EML:
        inner = cast("list[Message]", part.get_payload())[0] if part.is_multipart() else part
        name = name or _header(inner, "Subject") or "mail"
        name = name if name.lower().endswith(".eml") else f"{name}.eml"
        try:
            out = io.BytesIO()
            BytesGenerator(out, mangle_from_=False).flatten(inner)  # as_bytes would load it when no file can be opened any more
            return Held(safe(name), out.getvalue())
        except (ValueError, LookupError, TypeError):
            return Held(safe(name), reason="It is broken: it cannot be taken out of the mail. Forward it by itself.")
    return Held(safe(name or f"attachment{_ENDINGS.get(kind, '')}"), _bytes(part))


def safe(name: str) -> str:
    """A name of a file, and no path."""
    return " ".join(name.replace("/", "_").replace("\\", "_").split())[:200] or "attachment"


def _name(part: Message) -> str:
    try:
        return _unfolded(part.get_filename() or "")
    except (ValueError, LookupError, TypeError):
        return ""


def _decoded(part: Message) -> str:
    """The characters of a part: as it declares them, else as they look."""
    payload = part.get_payload()
    if isinstance(payload, list):  # a report of delivery: blocks of headers
        blocks = cast("list[Message]", payload)
        return "\n\n".join("\n".join(f"{name}: {value}" for name, value in block.items()) for block in blocks)
    content = _bytes(part)
    try:
        return content.decode(part.get_content_charset("utf-8"))
    except (LookupError, ValueError):
        return _as_it_looks(content)


def _as_it_looks(content: bytes) -> str:
    try:
        return decode(content)
    except ConversionFailed:
        return content.decode("utf-8", errors="replace").replace("\x00", "")


def _bytes(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _header(mail: Message, name: str) -> str:
    """The first header of this name, in characters; empty when there is none."""
    found = (value for key, value in mail.raw_items() if key.lower() == name.lower())
    return _unfolded(str(next(found, "")))


def _unfolded(value: str) -> str:
    """A header's words on one line, encoded words decoded, and raw bytes as they look."""
    if not value.isascii():
        value = _as_it_looks(value.encode("utf-8", errors="surrogateescape"))
    return " ".join(_WORD.sub(_encoded_word, value).split())


def _encoded_word(found: re.Match[str]) -> str:
    charset, form, text = found.groups()
    try:
        coded = text.encode("ascii")
        content = base64.b64decode(coded + b"==") if form in "Bb" else quopri.decodestring(coded, header=True)
        return content.decode(charset, errors="replace")
    except (LookupError, ValueError, binascii.Error):
        return found[0]
