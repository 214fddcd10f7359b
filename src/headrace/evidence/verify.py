"""Check an answer against its receipt, offline: this file alone, Python 3.11 and the `cryptography` package.

    python verify.py BUNDLE.json --key VKEY

VKEY is the log's public key in the C2SP form ``<name>+<key id>+<base64>``, or a file that holds it; get it once, from someone you trust.
The bundle is JSON: ``record`` (the record's canonical JSON, as text), ``receipt``, ``proof`` and ``checkpoint`` as the gateway gives them
under ``/v1/headrace/requests/ID/proof``, and from the answer itself ``text``, ``salts`` and, to check it too, ``prompt``. Five links are
checked, each by name:

    text        the answer (and prompt) against its salted commitment in the record
    record      the record against the leaf hash in the receipt
    receipt     the receipt's signature by the pinned key, over log, sequence, leaf and time
    inclusion   the leaf against the root in the checkpoint (RFC 9162)
    checkpoint  the checkpoint's signature by the pinned key, and its origin (C2SP tlog-checkpoint, signed-note)

Exit status: 0 all hold, 1 one does not, 2 the bundle or the key cannot be read.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519 = 1
"""C2SP signature type of an Ed25519 note signature."""
KEY_ID_BYTES = 4
CHECKPOINT_LINES = 4
"""At least: origin, size, root, and the end of the last line."""
RECEIPT_DOMAIN = "headrace/receipt/1"
LINKS = ("text", "record", "receipt", "inclusion", "checkpoint")


class Broken(Exception):
    """A link does not hold; the message says why."""


class Unreadable(Exception):
    """The bundle or the key is not of the form that this program reads."""


@dataclass(frozen=True)
class Link:
    """The outcome of one check."""

    name: str
    holds: bool
    why: str


@dataclass(frozen=True)
class VerifierKey:
    """A log's public key: its name, its C2SP key id, and the key."""

    name: str
    id: bytes
    public: Ed25519PublicKey


def leaf_hash(entry: bytes) -> bytes:
    """RFC 6962: SHA-256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def commit(salt: bytes, text: str) -> str:
    """The commitment to a text: SHA-256 over the salt and the text in UTF-8, as ``sha256:<hex>``."""
    return "sha256:" + hashlib.sha256(salt + text.encode()).hexdigest()


def receipt_text(log: str, sequence: int, leaf: str, time_us: int) -> bytes:
    """What a receipt's signature is over."""
    return f"{RECEIPT_DOMAIN}\n{log}\n{sequence}\n{leaf}\n{time_us}\n".encode()


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that the path leads to (RFC 9162, 2.1.3.2). Raises ValueError when it cannot be a path of that leaf and size."""
    if not 0 <= index < size:
        msg = f"leaf {index} is not in a tree of {size}"
        raise ValueError(msg)
    first, last, root = index, size - 1, leaf
    for step in path:
        if last == 0:
            msg = "the path is longer than the tree is high"
            raise ValueError(msg)
        if first & 1 or first == last:
            root = node_hash(step, root)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            root = node_hash(root, step)
        first, last = first >> 1, last >> 1
    if last != 0:
        msg = "the path is shorter than the tree is high"
        raise ValueError(msg)
    return root


def key_id(name: str, public: bytes) -> bytes:
    """C2SP signed-note: the first four bytes of SHA-256(name || 0x0A || type || key)."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([ED25519]) + public).digest()[:KEY_ID_BYTES]


def read_key(text: str) -> VerifierKey:
    """A verifier key in its C2SP form. Raises Unreadable."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - native, and the gateway only commits

    try:
        name, identity, encoded = text.strip().split("+", 2)
        material = base64.b64decode(encoded, validate=True)
        public = Ed25519PublicKey.from_public_bytes(material[1:])
        found = bytes.fromhex(identity)
    except ValueError as error:
        msg = f"the key is not of the form name+id+base64 ({error})"
        raise Unreadable(msg) from error
    if not name or material[0] != ED25519 or found != key_id(name, material[1:]):
        msg = "the key's id does not fit its name and bytes"
        raise Unreadable(msg)
    return VerifierKey(name, found, public)


def open_note(note: str, key: VerifierKey) -> str:
    """The text of a signed note, once a signature of the key over it holds. Raises Broken."""
    head, separator, tail = note.rpartition("\n\n")
    if not separator or not tail.endswith("\n") or re.search(r"[\x00-\x09\x0b-\x1f]", note):
        msg = "it is not a signed note"
        raise Broken(msg)
    text, held = head + "\n", False
    for line in tail[:-1].split("\n"):
        match = re.fullmatch(r"— (\S+) ([A-Za-z0-9+/]+={0,2})", line)
        if match is None:
            msg = "a signature line is malformed"
            raise Broken(msg)
        if match[1] != key.name:
            continue
        signature = _bytes(match[2], "a signature")
        if signature[:KEY_ID_BYTES] == key.id:
            _signed(key, signature[KEY_ID_BYTES:], text.encode())
            held = True
    if not held:
        msg = "no signature of the pinned key stands under it"
        raise Broken(msg)
    return text


def read_checkpoint(text: str) -> tuple[str, int, bytes]:
    """Origin, tree size and root hash of a checkpoint's text (C2SP tlog-checkpoint). Raises Broken."""
    lines = text.split("\n")
    if len(lines) < CHECKPOINT_LINES or lines[-1] or not all(lines[:-1]) or not re.fullmatch(r"0|[1-9][0-9]{0,17}", lines[1]):
        msg = "it is not a checkpoint"
        raise Broken(msg)
    return lines[0], int(lines[1]), _bytes(lines[2], "its root hash")


def verify(parts: Mapping[str, object], key: VerifierKey) -> list[Link]:
    """Check the five links of a bundle, all of them, in order. Raises Unreadable when it lacks a part."""
    bundle = _Bundle(parts)
    checks: dict[str, Callable[[_Bundle, VerifierKey], str]] = {
        "text": _text,
        "record": _record,
        "receipt": _receipt,
        "inclusion": _inclusion,
        "checkpoint": _checkpoint,
    }
    links: list[Link] = []
    for name, check in checks.items():
        try:
            links.append(Link(name, holds=True, why=_plain(check(bundle, key))))
        except Broken as broken:
            links.append(Link(name, holds=False, why=_plain(str(broken))))
    return links


def _plain(why: str) -> str:
    """What a bundle says of itself may be quoted, but steers no terminal and begins no line of the report."""
    return "".join(each if each.isprintable() else "?" for each in why)


class _Bundle:
    """Typed access to the bundle's parts; what is missing or of another type is Unreadable."""

    def __init__(self, parts: Mapping[str, object]) -> None:
        self.text = _string(parts, "text") if "text" in parts else None
        self.prompt = _string(parts, "prompt") if "prompt" in parts else None
        self.salts: Mapping[str, object] = _object(parts, "salts") if "salts" in parts else {}
        self.record = _string(parts, "record")
        self.checkpoint = _string(parts, "checkpoint")
        receipt, proof = _object(parts, "receipt"), _object(parts, "proof")
        self.log, self.leaf = _string(receipt, "log"), _string(receipt, "leaf")
        self.sequence, self.time_us = _integer(receipt, "sequence"), _integer(receipt, "time_us")
        self.signature = _string(receipt, "signature")
        self.index, self.size = _integer(proof, "index"), _integer(proof, "size")
        hashes = proof.get("hashes")
        if not isinstance(hashes, list):
            msg = "proof.hashes is not a list"
            raise Unreadable(msg)
        self.hashes = [str(each) for each in cast("list[object]", hashes)]


def _text(bundle: _Bundle, key: VerifierKey) -> str:
    del key
    held = _commitments(bundle.record)
    if bundle.text is None and "answer" in held:
        msg = "the record commits to an answer, and the bundle holds none"
        raise Broken(msg)
    checked: list[str] = []
    for name, text in (("answer", bundle.text), ("prompt", bundle.prompt)):
        if text is None:
            continue
        salt = bundle.salts.get(name)
        if not isinstance(salt, str) or not re.fullmatch(r"[0-9a-f]{64}", salt):
            msg = f"the {name}'s salt is not 32 bytes in hexadecimal"
            raise Broken(msg)
        if commit(bytes.fromhex(salt), text) != held.get(name):
            msg = f"the {name} is not the one that the record commits to"
            raise Broken(msg)
        checked.append(name)
    return f"the record commits to this {' and this '.join(checked)}" if checked else "the record commits to no answer, and none is given"


def _commitments(record: str) -> Mapping[str, object]:
    try:
        found = cast("object", json.loads(record))
    except (ValueError, RecursionError) as error:
        msg = "the record is not JSON"
        raise Broken(msg) from error
    commitments = cast("dict[str, object]", found).get("commitments") if isinstance(found, dict) else None
    return cast("dict[str, object]", commitments) if isinstance(commitments, dict) else {}


def _record(bundle: _Bundle, key: VerifierKey) -> str:
    del key
    if leaf_hash(bundle.record.encode()).hex() != bundle.leaf:
        msg = "the record does not hash to the receipt's leaf"
        raise Broken(msg)
    return f"the record is leaf {bundle.leaf[:12]}…"


def _receipt(bundle: _Bundle, key: VerifierKey) -> str:
    if bundle.log != key.name:
        msg = f"the receipt is of log {bundle.log}, the pinned key of {key.name}"
        raise Broken(msg)
    signature = _bytes(bundle.signature, "its signature")
    _signed(key, signature, receipt_text(bundle.log, bundle.sequence, bundle.leaf, bundle.time_us))
    return f"signed by {key.name}, sequence {bundle.sequence}"


def _inclusion(bundle: _Bundle, key: VerifierKey) -> str:
    del key
    _, size, root = read_checkpoint(_body(bundle.checkpoint))
    if bundle.index != bundle.sequence or bundle.size != size:
        msg = "the proof is for another leaf or another checkpoint"
        raise Broken(msg)
    path = [_bytes(each, "a hash") for each in bundle.hashes]
    try:
        found = root_from_inclusion(bytes.fromhex(bundle.leaf), bundle.index, bundle.size, path)
    except ValueError as error:
        raise Broken(str(error)) from error
    if found != root:
        msg = "the leaf is not in the tree of the checkpoint"
        raise Broken(msg)
    return f"leaf {bundle.index} is in the tree of {size}"


def _checkpoint(bundle: _Bundle, key: VerifierKey) -> str:
    origin, size, _ = read_checkpoint(open_note(bundle.checkpoint, key))
    if origin != key.name:
        msg = f"it is of log {origin}"
        raise Broken(msg)
    return f"signed by {key.name}, {size} records"


def _bytes(encoded: str, what: str) -> bytes:
    """The bytes of a base64 text in its one canonical form: no other spelling of the same bytes passes. Raises Broken."""
    try:
        found = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        msg = f"{what} is not base64"
        raise Broken(msg) from error
    if base64.b64encode(found).decode() != encoded:
        msg = f"{what} is not in canonical base64"
        raise Broken(msg)
    return found


def _body(note: str) -> str:
    head, separator, _ = note.rpartition("\n\n")
    if not separator:
        msg = "the checkpoint is not a signed note"
        raise Broken(msg)
    return head + "\n"


def _signed(key: VerifierKey, signature: bytes, message: bytes) -> None:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - as above

    try:
        key.public.verify(signature, message)
    except InvalidSignature as error:
        msg = "its signature does not hold"
        raise Broken(msg) from error


def _string(parts: Mapping[str, object], name: str) -> str:
    value = parts.get(name)
    if not isinstance(value, str):
        msg = f"{name} is not a text"
        raise Unreadable(msg)
    if not value.isascii() and re.search(r"[\ud800-\udfff]", value):
        msg = f"{name} is not Unicode: it holds half of a surrogate pair"
        raise Unreadable(msg)
    return value


def _integer(parts: Mapping[str, object], name: str) -> int:
    value = parts.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        msg = f"{name} is not a whole number"
        raise Unreadable(msg)
    return value


def _object(parts: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = parts.get(name)
    if not isinstance(value, dict):
        msg = f"{name} is not an object"
        raise Unreadable(msg)
    return cast("dict[str, object]", value)


def read_bundle(path: Path) -> Mapping[str, object]:
    """A bundle file. Raises Unreadable, also when a name stands twice: other readers may take the other one."""
    try:
        parts = cast("object", json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once))
    except (OSError, ValueError, RecursionError) as error:
        msg = f"{path} cannot be read as JSON ({_why(error)})"
        raise Unreadable(msg) from error
    if not isinstance(parts, dict):
        msg = f"{path} is not a bundle"
        raise Unreadable(msg)
    return cast("dict[str, object]", parts)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        msg = "a name stands twice in one object"
        raise ValueError(msg)
    return found


def key_of(given: str) -> VerifierKey:
    """A key given as itself, or as a file that holds it. Raises Unreadable."""
    if re.fullmatch(r"[^+\s]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+", given.strip()):
        return read_key(given)
    try:
        return read_key(Path(given).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"no key can be read from {given} ({_why(error)})"
        raise Unreadable(msg) from error


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def main() -> int:
    """The program."""
    parser = argparse.ArgumentParser(description="Check an answer against its receipt, offline.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--key", required=True, help="the log's public key, or a file that holds it")
    given = parser.parse_args()
    try:
        links = verify(read_bundle(given.bundle), key_of(given.key))
    except Unreadable as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for link in links:
        sys.stdout.write(f"{'holds' if link.holds else 'BROKEN':<8}{link.name:<12}{link.why}\n")
    return 0 if all(link.holds for link in links) else 1


if __name__ == "__main__":
    sys.exit(main())
