"""An answer against its receipt: the links of a proof bundle, each by its name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from headrace.evidence.verify.keyring import Keyring, Successions, pinned_alone
from headrace.evidence.verify.notes import (
    Broken,
    VerifierKey,
    bytes_of,
    commit,
    leaf_hash,
    read_checkpoint,
    root_from_inclusion,
    text_of_note,
)
from headrace.evidence.verify.parts import Link, integer, link, parsed, string, thing, things
from headrace.evidence.verify.response import receipt_of, request_of, with_response
from headrace.evidence.verify.told import told_as_recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RECEIPT = ("log", "sequence", "leaf", "time_us", "signature")
LINKS = ("text", "record", "receipt", "inclusion", "checkpoint")
"""And ``facts``, behind the record, of an answer as it came; ``succession``, before the receipt, where the log's key has changed."""


def verify(parts: Mapping[str, object], *pinned: VerifierKey) -> list[Link]:
    """Check the links of a bundle, all of them, in order. Raises Unreadable when it lacks a part, or no key is pinned."""
    bundle = _Bundle(parts)
    keyring = pinned_alone(pinned)
    links = [link("text", lambda: _text(bundle)), link("record", lambda: _record(bundle))]
    if (response := bundle.response) is not None:
        links.append(link("facts", lambda: told_as_recorded(response, _object(bundle.record))))
    if bundle.successions:
        try:
            keyring = bundle.successions.keyring(pinned)
        except Broken as broken:
            links.append(Link("succession", holds=False, why=str(broken)))
        else:
            links.append(link("succession", lambda: _succession_of_answer(bundle, keyring)))
    last: dict[str, Callable[[_Bundle, Keyring], str]] = {"receipt": _receipt, "inclusion": _inclusion, "checkpoint": _checkpoint}
    return [*links, *(link(name, lambda check=check: check(bundle, keyring)) for name, check in last.items())]


class _Bundle:
    """Typed access to the bundle's parts; what is missing or of another type is Unreadable."""

    def __init__(self, parts: Mapping[str, object]) -> None:
        self.response = response = thing(parts, "response") if "response" in parts else None
        self.came_with = receipt_of(response) if response is not None else None
        self.request = request_of(response) if response is not None else None
        parts = with_response(parts, response) if response is not None else parts
        self.text = string(parts, "text") if "text" in parts else None
        self.prompt = string(parts, "prompt") if "prompt" in parts else None
        self.salts: Mapping[str, object] = thing(parts, "salts") if "salts" in parts else {}
        self.record = string(parts, "record")
        self.checkpoint = string(parts, "checkpoint")
        self.receipt = receipt = thing(parts, "receipt")
        proof = thing(parts, "proof")
        self.log, self.leaf = string(receipt, "log"), string(receipt, "leaf")
        self.sequence, self.time_us = integer(receipt, "sequence"), integer(receipt, "time_us")
        self.signature = string(receipt, "signature")
        self.index, self.size = integer(proof, "index"), integer(proof, "size")
        self.hashes = [str(each) for each in things(proof, "hashes")]
        self.successions = Successions(parts)


def _text(bundle: _Bundle) -> str:
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
    commitments = _object(record).get("commitments")
    return cast("dict[str, object]", commitments) if isinstance(commitments, dict) else {}


def _object(record: str) -> Mapping[str, object]:
    try:
        return parsed(record) if record.lstrip().startswith("{") else {}
    except (ValueError, RecursionError) as error:
        msg = "the record is not JSON"
        raise Broken(msg) from error


def _record(bundle: _Bundle) -> str:
    if leaf_hash(bundle.record.encode()).hex() != bundle.leaf:
        msg = "the record does not hash to the receipt's leaf"
        raise Broken(msg)
    if bundle.request is not None and _object(bundle.record).get("request") != bundle.request:
        msg = "the record is of another request than the answer"
        raise Broken(msg)
    return f"the record is leaf {bundle.leaf[:12]}…"


def _succession_of_answer(bundle: _Bundle, keyring: Keyring) -> str:
    _, size, root = read_checkpoint(text_of_note(bundle.checkpoint))
    return bundle.successions.check(keyring, root, size)


def _receipt(bundle: _Bundle, keyring: Keyring) -> str:
    if bundle.came_with is not None and any(bundle.came_with.get(name) != bundle.receipt.get(name) for name in RECEIPT):
        msg = "the answer came with another receipt"
        raise Broken(msg)
    log = keyring.check_receipt(bundle.log, bundle.sequence, bundle.leaf, bundle.time_us, bundle.signature)
    return f"signed by {log}, sequence {bundle.sequence}"


def _inclusion(bundle: _Bundle, keyring: Keyring) -> str:
    del keyring
    _, size, root = read_checkpoint(text_of_note(bundle.checkpoint))
    if bundle.index != bundle.sequence or bundle.size != size:
        msg = "the proof is for another leaf or another checkpoint"
        raise Broken(msg)
    path = [bytes_of(each, "a hash") for each in bundle.hashes]
    try:
        found = root_from_inclusion(bytes.fromhex(bundle.leaf), bundle.index, bundle.size, path)
    except ValueError as error:
        raise Broken(str(error)) from error
    if found != root:
        msg = "the leaf is not in the tree of the checkpoint"
        raise Broken(msg)
    return f"leaf {bundle.index} is in the tree of {size}"


def _checkpoint(bundle: _Bundle, keyring: Keyring) -> str:
    origin, size, _ = keyring.check_checkpoint(bundle.checkpoint)
    return f"signed by {origin}, {size} records"
