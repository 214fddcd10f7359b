"""What the rest is made of: hashes, keys, signed notes, checkpoints, proofs (RFC 6962, RFC 9162, C2SP signed-note, tlog-checkpoint)."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519 = 1
"""C2SP signature type of an Ed25519 note signature."""
KEY_ID_BYTES = 4
CHECKPOINT_LINES = 4
"""At least: origin, size, root, and the end of the last line."""
RECEIPT_DOMAIN = "headrace/receipt/1"
EMPTY = hashlib.sha256(b"").digest()
"""Root of the tree without leaves."""


class Broken(Exception):
    """A link does not hold; the message says why."""


class Unreadable(Exception):
    """What was given is not of the form that this program reads."""


@dataclass(frozen=True)
class VerifierKey:
    """A log's public key: its name, its C2SP key id, and the key."""

    name: str
    id: bytes
    public: Ed25519PublicKey
    text: str
    """The key in its C2SP form."""


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


def fold(roots: Sequence[bytes]) -> bytes:
    """The root over complete subtrees, largest first."""
    if not roots:
        return EMPTY
    folded = roots[-1]
    for left in reversed(roots[:-1]):
        folded = node_hash(left, folded)
    return folded


def complete_subtrees(start: int, end: int) -> list[tuple[int, int]]:
    """(level, index) of the complete subtrees that make up the leaves start…end−1 of a tree, left to right.

    `start` must be a multiple of a power of two at least as large as the range, as it is for every subtree of RFC 6962.
    """
    found: list[tuple[int, int]] = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return found


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


def consistent(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the path proves that the new tree begins with the old one (RFC 9162, 2.1.4.2)."""
    if old == new:
        return not path and old_root == new_root
    if old == 0:
        return not path and old_root == EMPTY
    if not 0 < old < new or not path:
        return False
    steps = list(path) if old & (old - 1) else [old_root, *path]
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    old_found = new_found = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            old_found, new_found = node_hash(step, old_found), node_hash(step, new_found)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            new_found = node_hash(new_found, step)
        first, last = first >> 1, last >> 1
    return last == 0 and old_found == old_root and new_found == new_root


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
    return VerifierKey(name, found, public, text.strip())


def open_note(note: str, *keys: VerifierKey) -> tuple[str, list[VerifierKey]]:
    """The text of a signed note, and which of the keys have signed it: at least one. A signature of one of them that does not hold spoils
    the note; those of others are passed over. Raises Broken."""
    head, separator, tail = note.rpartition("\n\n")
    if not separator or not tail.endswith("\n") or re.search(r"[\x00-\x09\x0b-\x1f]", note):
        msg = "it is not a signed note"
        raise Broken(msg)
    text, known, signers = head + "\n", {(key.name, key.id): key for key in keys}, list[VerifierKey]()
    for line in tail[:-1].split("\n"):
        match = re.fullmatch(r"— (\S+) ([A-Za-z0-9+/]+={0,2})", line)
        if match is None:
            msg = "a signature line is malformed"
            raise Broken(msg)
        if not any(match[1] == key.name for key in keys):
            continue
        signature = bytes_of(match[2], "a signature")
        key = known.get((match[1], signature[:KEY_ID_BYTES]))
        if key is not None:
            check_signature(key, signature[KEY_ID_BYTES:], text.encode())
            signers.append(key)
    if not signers:
        msg = "no signature of a key that is trusted stands under it"
        raise Broken(msg)
    return text, signers


def text_of_note(note: str) -> str:
    """The text of a signed note, whoever signed it. Raises Broken."""
    head, separator, _ = note.rpartition("\n\n")
    if not separator:
        msg = "it is not a signed note"
        raise Broken(msg)
    return head + "\n"


def read_checkpoint(text: str) -> tuple[str, int, bytes]:
    """Origin, tree size and root hash of a checkpoint's text (C2SP tlog-checkpoint). Raises Broken."""
    lines = text.split("\n")
    if len(lines) < CHECKPOINT_LINES or lines[-1] or not all(lines[:-1]) or not re.fullmatch(r"0|[1-9][0-9]{0,17}", lines[1]):
        msg = "it is not a checkpoint"
        raise Broken(msg)
    return lines[0], int(lines[1]), bytes_of(lines[2], "its root hash")


def bytes_of(encoded: str, what: str) -> bytes:
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


def check_signature(key: VerifierKey, signature: bytes, message: bytes) -> None:
    """Raises Broken unless the key has signed the message."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - as above

    try:
        key.public.verify(signature, message)
    except InvalidSignature as error:
        msg = "its signature does not hold"
        raise Broken(msg) from error
